"""The stages between the login and the far qxub: the script sent, and its reports read.

The SSH request is always `bash -l -s`, which works whatever the login shell is; the script goes in
on stdin, so that nothing is quoted for an unknown shell and nothing of it shows in `ps`. A report
is a line that begins with a nonce; every other line before the hand-over is noise (a motd, an echo
in .bashrc), and is kept apart from the job's output.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qxub.config.settings import RemoteSection

REQUEST = b"bash -l -s"

STAGES = ("login", "working_dir", "conda_init", "qxub", "handed over")
"""in their order, as reports name them"""

MAX_NOISE = 1 << 16
"""bytes of noise kept for messages; more is dropped from its beginning"""

# One compound command, so that bash has read all of it before it runs any: what follows on stdin
# is the far qxub's, and a script cut short by a lost line is a syntax error that does nothing.
_SCRIPT = r"""{{
report() {{ printf '\n%s %s\n' {nonce} "$1"; }}
fail() {{ report "failed $1"; exit 71; }}
report login
cd -- {directory} || fail working_dir
report working_dir
eval {init} </dev/null || fail conda_init
report conda_init
command -v qxub >/dev/null || {{ echo "qxub is not on PATH: $PATH" >&2; fail qxub; }}
report qxub
{exports}
report 'handed over' >&2  # the streams are not in step: each has its own end of the noise
report 'handed over'
exec {command}
}}
"""


def remote_script(
    remote: RemoteSection,
    command: Sequence[str],
    *,
    nonce: str,
    environment: Mapping[str, str] | None = None,
) -> bytes:
    """Return the script that leads to `command` on the far side.

    `environment` is what the far qxub finds in its environment.
    """
    exports = [f"{name}={shlex.quote(value)}" for name, value in (environment or {}).items()]
    text = _SCRIPT.format(
        nonce=nonce,
        directory=directory_word(remote.working_dir),
        init=shlex.quote(remote.conda_init or ":"),
        exports=f"export {' '.join(exports)}" if exports else ":",
        command=shlex.join(command),
    )
    return text.encode("utf-8", "surrogateescape")


def directory_word(template: str) -> str:
    """Return working_dir as a word for bash: {{user}}, {{project}} and a leading ~ expand there."""
    words = {"{{user}}": '"$(id -un)"', "{{project}}": '"${PROJECT:?is not set here}"'}
    home, rest = ('"$HOME"', template[1:]) if re.match(r"~(/|$)", template) else ("", template)
    pieces = re.split(r"(\{\{user\}\}|\{\{project\}\})", rest)
    return home + "".join(words.get(piece) or shlex.quote(piece) for piece in pieces if piece)


def stage_texts(remote: RemoteSection, command: Sequence[str]) -> list[tuple[str, str]]:
    """Return each stage with what it does on the far side, for people to read."""
    texts = (
        REQUEST.decode(),
        f"cd -- {directory_word(remote.working_dir)}",
        remote.conda_init.strip() or "nothing to do",
        "command -v qxub",
        f"exec {shlex.join(command)}",
    )
    return list(zip(STAGES, texts))


class StageReader:
    """Reads stdout, or stderr, up to the hand-over."""

    def __init__(self, nonce: str) -> None:
        self.nonce = nonce
        self._mark = f"{nonce} ".encode()
        self._line = bytearray()
        self._noise = bytearray()
        self.reached: str | None = None
        """the last stage that was reported"""
        self.failed: str | None = None
        """the stage that was reported as failed"""

    @property
    def handed_over(self) -> bool:
        """Return whether what follows on stdout is the far qxub's."""
        return self.reached == STAGES[-1]

    def feed(self, data: bytes) -> bytes:
        """Take bytes of stdout; return what is the far qxub's already."""
        while data and not self.handed_over:
            line, end, data = data.partition(b"\n")
            self._line += line
            if end:
                self._take_line()
        return data

    def noise(self) -> bytes:
        """Return what the far side printed beside the reports, or the end of it."""
        return bytes(self._noise + self._line)[-MAX_NOISE:]

    def failed_stage(self) -> str:
        """Return the stage that did not succeed, reported or not."""
        if self.failed is not None:
            return self.failed
        return STAGES[0 if self.reached is None else STAGES.index(self.reached) + 1]

    def _take_line(self) -> None:
        line = bytes(self._line)
        self._line.clear()
        if not line.startswith(self._mark):
            self._noise += line + b"\n" if line else b""
            del self._noise[:-MAX_NOISE]
            return
        word = line[len(self._mark) :].decode("ascii", "replace")
        if word.startswith("failed "):
            self.failed = word[len("failed ") :]
        elif word in STAGES:
            self.reached = word
