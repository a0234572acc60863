"""Running a script on the host, whatever the login shell is, and whatever it prints by itself.

The exec request is always the same short command, which bash, dash, zsh, tcsh and fish read alike.
It starts a POSIX shell, which reads the script from stdin, byte by byte, and leaves what follows to
the script. So nothing is quoted for an unknown shell, and nothing of it shows in `ps`. The script's
own output stands between two lines with a nonce; what comes before and after is noise, such as an
echo in .bashrc.
"""

from __future__ import annotations

import logging
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paramiko import ChannelException

from qxub.transport.completion import Exited
from qxub.transport.connection import SESSION_SECONDS
from qxub.transport.errors import ChannelError, ConnectionLost
from qxub.transport.files.process_stream import ProcessStream
from qxub.transport.translation import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typing_extensions import Self

    from qxub.transport.connection import Connection
    from qxub.transport.process import RemoteProcess

log = logging.getLogger(__name__)

REQUEST = """sh -c 'read -r count; eval "$(dd bs=1 count=$count 2>/dev/null)"'"""

# One compound command: a script that a lost line cuts short is a syntax error, and does nothing.
_SCRIPT = b"""{
LC_ALL=C; export LC_ALL
set -- %(words)s
ready() { printf '\\n%%s ready\\n' %(nonce)s; }
printf '\\n%%s begin\\n' %(nonce)s
printf '\\n%%s begin\\n' %(nonce)s >&2
(
%(commands)s
)
status=$?
printf '\\n%%s end\\n' %(nonce)s >&2
printf '\\n%%s end %%s\\n' %(nonce)s $status
}
"""

_CHUNK_BYTES = 1 << 16
_NOISE_BYTES = 1 << 10
"""of what is printed where no script was started, the end is kept for the message"""

_SECONDS_TO_END = 1.0
"""for the process after its last word: its channel counts for MaxSessions until then"""

_SECONDS_FOR_STDERR = 10.0
"""stderr may come after stdout; it has been written before it"""

_PAUSES = (0.05, 0.2, 0.5)
"""seconds before a start is tried again"""


@dataclass(frozen=True)
class Answer:
    """How a script ended: its exit status, and what it said on stderr."""

    status: int
    words: str


class Script:
    """A script that runs on the host, in a subshell of its own; a context manager.

    `commands` find `words` as $1, $2, …, and have the locale C; those that are to be fed call
    `ready` on stdout before they read. Feed it, take its output, and then ask for its answer.
    `patience` is that of Connection.start. Raises ChannelError where no script can be run.
    """

    def __init__(
        self,
        connection: Connection,
        commands: bytes,
        *words: bytes,
        patience: float = SESSION_SECONDS,
    ) -> None:
        self._host = connection.host.alias
        self._nonce = secrets.token_hex(16).encode()
        self._held = b""
        self._status: int | None = None
        self._unfed: ChannelError | None = None
        script = _SCRIPT % {
            b"words": b" ".join(map(_quote, words)),
            b"nonce": self._nonce,
            b"commands": commands,
        }
        self._stream = ProcessStream(_start(connection, patience))
        try:
            with suppress(ChannelError):  # it has ended: what it printed tells why
                self._stream.send(b"%d\n%b" % (len(script), script))
            self._skip_to(b"begin")
        except BaseException:
            self._stream.close()
            raise

    def feed(self, blocks: Iterable[bytes]) -> None:
        """Write to the script's stdin, when it is ready and as long as it reads, and end that."""
        if not self._skip_to(b"ready"):
            return
        for block in blocks:
            try:
                self._stream.send(block)
            except ChannelError as error:  # the answer tells why it does not want it all
                self._unfed = error
                return
        self._stream.close_stdin()

    def output(self) -> Iterator[bytes]:
        """Give what the script prints, as it comes."""
        mark = b"\n%b end " % self._nonce
        while self._status is None:
            before, found, after = self._held.partition(mark)
            if found:
                self._held = after
                self._status = self._read_status()
                if before:
                    yield before
                return
            keep = len(self._held) - len(mark) + 1
            if keep > 0:
                yield self._held[:keep]
                self._held = self._held[keep:]
            self._receive("ended too early")

    def answer(self) -> Answer:
        """Wait for the end, whatever is still printed before it."""
        for _ in self.output():
            pass
        status = self._status
        if status is None:
            raise AssertionError("output() ends with a status")
        if status == 0:
            if self._unfed:
                raise self._unfed
            return Answer(status, "")
        self._stream.wait(b"\n%b end\n" % self._nonce, _SECONDS_FOR_STDERR)
        begin, end = (b"\n%b %b\n" % (self._nonce, word) for word in (b"begin", b"end"))
        words = self._stream.stderr().rpartition(begin)[2].partition(end)[0]
        return Answer(status, words.decode("utf-8", "replace").strip())

    def _skip_to(self, word: bytes) -> bool:
        """Skip all before this mark; whether it came, and not the end of the script."""
        mark, end = (b"\n%b %b" % (self._nonce, text) for text in (word + b"\n", b"end "))
        while mark not in self._held and end not in self._held:
            self._held = self._held[-_NOISE_BYTES:]
            self._receive("cannot be started")
        _, found, after = self._held.partition(mark)
        if found:
            self._held = after
        return bool(found)

    def _read_status(self) -> int:
        while b"\n" not in self._held:
            self._receive("ended too early")
        return int(self._held.partition(b"\n")[0])

    def _receive(self, did: str) -> None:
        """Take more of the output. At its end raises ChannelError, about what the shell did."""
        data = self._stream.receive(_CHUNK_BYTES)
        if data:
            self._held += data
            return
        end = self._stream.wait(None, _SECONDS_TO_END)
        status = f" (exit status {end.status})" if isinstance(end, Exited) else ""
        said = self._stream.stderr().strip() or self._held.strip()
        words = printable(said[-_NOISE_BYTES:].decode("utf-8", "replace"))
        sentence = f"a POSIX shell {did}{status}" + (f": {words}" if words else "")
        raise ChannelError(f"{self._host}: {sentence}", host=self._host)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._stream.wait(None, _SECONDS_TO_END)
        except ConnectionLost as error:  # after the last word, which came whole
            log.debug("%s", error)
        finally:
            self._stream.close()


def _start(connection: Connection, patience: float) -> RemoteProcess:
    """Start the POSIX shell. Raises ChannelError, ConnectionLost.

    Dropbear 2022.83 closes a channel, when a process of another one ends, if it has not read yet
    what is to run in it (mkj/dropbear#326). That is no refusal, and nothing has run: try again.
    """
    for pause in _PAUSES:
        try:
            return connection.start(REQUEST, patience=patience)
        except ChannelError as error:
            refused = error.__cause__ is None or isinstance(error.__cause__, ChannelException)
            if refused:
                raise
            log.debug("%s; once more in %s s", error, pause)
            time.sleep(pause)
    return connection.start(REQUEST, patience=patience)


def _quote(word: bytes) -> bytes:
    """Quote for a POSIX shell: nothing is special between single quotes but their end."""
    return b"'" + word.replace(b"'", rb"'\''") + b"'"
