"""The hosts that ssh_config names, wherever it names them; what holds for them is not looked at."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.transport.ssh_config.look_up import read_files
from qxub.transport.ssh_config.machine import Machine, this_machine
from qxub.transport.ssh_config.memory import read_line
from qxub.transport.ssh_config.reader import Reader
from qxub.transport.ssh_config.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qxub.transport.ssh_config.memory import Line
    from qxub.transport.ssh_config.reader import Place

log = logging.getLogger(__name__)

_PATTERN_CHARACTERS = "*?"


@dataclass(frozen=True)
class Alias:
    """A name on a Host line that is no pattern, and the line's place, "FILE:LINE"."""

    name: str
    origin: str


def aliases(*, config_file: str | None = None, machine: Machine | None = None) -> list[Alias]:
    """List each name once, with the first place that has it, in the order of reading.

    The files are those of `look_up`, with all that they include, also where it would be included
    for some hosts only. Lines that mean nothing are passed over: `look_up` tells of them. Raises
    HostConfigError for a file that may not be used at all.
    """
    machine = machine or this_machine()
    walk = _Walk(machine)
    read_files(walk.read, config_file, machine)
    return list(walk.found.values())


class _Walk:
    """A walk through files, each of which is read once, so that no circle is endless."""

    def __init__(self, machine: Machine) -> None:
        self.found: dict[str, Alias] = {}
        self._reader = Reader(State(machine, ""))
        self._known: set[str] = set()

    def read(self, place: Place, checked: bool) -> None:
        """Note what a file names, and what the files that it includes name."""
        if place.path in self._known:
            return
        self._known.add(place.path)
        text = self._reader.text_of(place, checked=checked)
        for number, raw in enumerate(text.split("\n"), start=1):
            line = read_line(raw)
            if line is None or line.problem:
                continue
            if line.name == "host":
                self._note(line, f"{place.path}:{number}")
            elif line.name == "include":
                for included in self._included(line, place):
                    self._read_included(included)

    def _note(self, line: Line, origin: str) -> None:
        for name in line.value:
            if name and name[0] != "!" and not any(c in name for c in _PATTERN_CHARACTERS):
                self.found.setdefault(name, Alias(name, origin))

    def _included(self, line: Line, place: Place) -> Iterator[Place]:
        for name in line.value:
            try:
                paths = self._reader.files(name, place)
            except ValueError as error:
                log.debug("%s: include %s", place.path, error)
                continue
            for path in paths:
                yield place._replace(path=path, depth=place.depth + 1)

    def _read_included(self, place: Place) -> None:
        try:
            self.read(place, True)
        except OSError as error:
            log.debug("%s: included, but not read: %s", place.path, error.strerror or error)
