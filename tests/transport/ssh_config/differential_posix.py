"""One configuration, looked up by `ssh -G` and by us."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .command_line import parsed
from .configurations import HERE
from .corpus import KEYS
from .judge import disagreements, outcome

if TYPE_CHECKING:
    from qxub.transport.ssh_config import Machine

    from .configurations import Configuration
    from .corpus import Answer
    from .judge import Disagreement, Outcome
    from .openssh_posix import OpenSSH


class Comparison:
    """Compares look-ups on every keyword that both print, and on those of the corpus."""

    def __init__(self, ssh: OpenSSH, machine: Machine | None = None) -> None:
        self._ssh = ssh
        self._machine = machine or ssh.machine
        self._default = outcome(parsed(["-F", "none", "h"], exists=bool), self._machine)
        ours = {keyword for keyword, _ in self._default.lines}
        self.keywords = ours.intersection(ssh.default.config or ()).union(KEYS)
        self.release = ssh.release()

    def on_machine(self, **changes: Any) -> Comparison:
        """Give one that has us look up on another machine."""
        return Comparison(self._ssh, replace(self._machine, **changes))

    def of_defaults(self) -> list[Disagreement]:
        """Give what disagrees where nothing is configured."""
        theirs = self._ssh.default.config or {}
        config = {keyword: theirs.get(keyword, ()) for keyword in self.keywords}
        return list(disagreements(replace(self._ssh.default, config=config), self._default))

    def __call__(self, configuration: Configuration) -> list[Disagreement]:
        """Write the files, ask both, and give what disagrees."""
        directory = self._ssh.directory
        texts = (configuration.main, *configuration.included)
        for name, text in zip(("config", "a.conf", "b.conf"), texts):
            file = directory / name
            file.write_bytes(text.replace(HERE, str(directory)).encode())
            file.chmod(0o600)
        argv = ["-F", str(directory / "config"), *configuration.argv]
        theirs = self._ssh.answer(argv)
        ours = outcome(parsed(argv, exists=lambda name: Path(name).exists()), self._machine)
        return list(disagreements(self._comparable(theirs, ours), ours))

    def _comparable(self, theirs: Answer, ours: Outcome) -> Answer:
        """Leave out what only we or they know, and where both have their own default."""
        config = {
            keyword: (theirs.config or {}).get(keyword, ())
            for keyword in self.keywords
            if not self._both_default(keyword, theirs, ours)
        }
        return replace(theirs, config=config)

    def _both_default(self, keyword: str, theirs: Answer, ours: Outcome) -> bool:
        their_config, their_default = theirs.config or {}, self._ssh.default.config or {}
        return their_config.get(keyword) == their_default.get(keyword) and ours.values(
            keyword
        ) == self._default.values(keyword)
