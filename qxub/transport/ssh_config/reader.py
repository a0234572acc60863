"""Reading ssh_config files: which lines apply, and what they include. The first value wins."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from qxub.transport.errors import HostConfigError
from qxub.transport.patterns import matches, matches_any
from qxub.transport.ssh_config.criteria import Criteria
from qxub.transport.ssh_config.expansion import expand, expand_tilde
from qxub.transport.ssh_config.lines import lower
from qxub.transport.ssh_config.memory import (
    NEW,
    UNREAD,
    Line,
    learn,
    plain_hosts,
    read_line,
    remembered,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qxub.transport.ssh_config.machine import Machine
    from qxub.transport.ssh_config.state import State

log = logging.getLogger(__name__)

MAX_DEPTH = 16
"""of files that include each other"""

LONGEST_PATH = 4096
"""characters; OpenSSH's glob() takes a longer pattern for no file"""

COMMAND_LINE = "command line"

_BLOCKS = ("host", "match", "include")
BOM = b"\xef\xbb\xbf"


class Place(NamedTuple):
    """A file that is being read: whether it is the user's, and how deep it is included.

    In one that `never_applies`, as it was included where nothing applies, no block does.
    """

    path: str
    is_users: bool
    depth: int = 0
    never_applies: bool = False


class Reader:
    """Reads files into a state's settings."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._criteria = Criteria(state)
        self._files = lru_cache(maxsize=1024)(self._find_files)

    def read(self, place: Place, *, checked: bool, applies: bool = True) -> None:
        """Read one file, and what it includes.

        `checked` wants a file that nobody else may write to. Raises OSError for one that cannot be
        read, and HostConfigError with all that is wrong in one.
        """
        self._read_lines(self.text_of(place, checked=checked), place, applies)

    def text_of(self, place: Place, *, checked: bool) -> str:
        """Return a file's content, of which no byte is lost. Raises as `read` does."""
        if place.depth > MAX_DEPTH:
            raise HostConfigError(f"{place.path}: Include is nested too deeply, or in a circle")
        machine = self._state.machine
        content = machine.read_file(place.path)
        problem = machine.permission_problem(place.path) if checked else ""
        if problem:
            raise HostConfigError(
                f"{place.path}: {problem}, so others could say where you connect to",
                hint=f"Make it yours alone: chmod 600 {place.path}",
            )
        if machine.is_windows and content.startswith(BOM):
            content = content[len(BOM) :]
        return content.decode("utf-8", "surrogateescape")

    def files(self, name: str, place: Place) -> Sequence[str]:
        """List the files that an Include names: relative to ~/.ssh, or the system's directory.

        Raises ValueError, and HostConfigError where a token has no value.
        """
        return self._files(self._expanded(name), place.is_users)

    def read_option(self, text: str) -> None:
        """Read an option of the command line, written as a line is (ssh(1), -o)."""
        line = read_line(text)
        if line is None:
            return
        try:
            if line.name in _BLOCKS:
                raise ValueError("is not for the command line")
            self._take(line, Place(COMMAND_LINE, is_users=True), COMMAND_LINE, True)
        except ValueError as error:
            _refuse([f"{COMMAND_LINE}: {line.name} {error}"], COMMAND_LINE)

    def _read_lines(self, text: str, place: Place, applies: bool) -> None:
        problems: list[str] = []
        host = self._state.host
        for number, raw in enumerate(text.split("\n"), start=1):
            line = remembered.get(raw, NEW)
            if line is NEW or (line is UNREAD and applies):
                if host not in raw and plain_hosts(raw):
                    applies = False
                    continue
                line = learn(raw, applies)
            if line is None or (line.is_inert and not applies):
                continue
            where = f"{place.path}:{number}"
            try:
                applies = self._take(line, place, where, applies)
            except ValueError as error:
                problems.append(f"{where}: {line.name} {error}")
            except HostConfigError as error:  # of a file that this line includes
                if problems and error.problems:
                    _refuse([*problems, *error.problems], place.path)
                raise
        if problems:
            _refuse(problems, place.path)

    def _take(self, line: Line, place: Place, where: str, applies: bool) -> bool:
        """Do what a line says; return whether the following lines apply. Raises ValueError."""
        if line.problem:
            raise ValueError(line.problem)
        if line.keyword is not None:
            self._put(line, place, where, applies)
        elif line.name == "host":
            # in a file that is included where nothing applies, OpenSSH reads one pattern only
            patterns = line.value[:1] if place.never_applies else line.value
            return host_applies(self._state.host, patterns) and not place.never_applies
        elif line.name == "match":
            may_run = not place.never_applies
            return self._criteria.applies(line.value, may_run=may_run) and may_run
        elif line.name == "include":
            self._include(line.value, place, applies)
        elif not self._is_ignored(line.name):
            raise ValueError("is no keyword of ssh_config")
        return applies

    def _put(self, line: Line, place: Place, where: str, applies: bool) -> None:
        keyword, value = line.keyword, line.value
        assert keyword is not None  # noqa: S101 - for mypy
        if keyword.kind.complete is not None and value is not None:
            value = keyword.kind.complete(value, self._state.machine)
        if applies:
            self._state.settings.put(keyword, value, where, is_users=place.is_users)

    def _is_ignored(self, name: str) -> bool:
        patterns = self._state.settings.get("ignoreunknown")
        return patterns is not None and _is_in_list(name, patterns)

    def _include(self, names: Sequence[str], place: Place, applies: bool) -> None:
        never = place.never_applies or not applies
        for name in names:
            for path in self.files(name, place):
                inside = Place(path, place.is_users, place.depth + 1, never)
                try:
                    self.read(inside, checked=True, applies=applies)
                except FileNotFoundError:
                    log.debug("%s: included, but not there", path)
                except OSError as error:
                    reason = error.strerror or error
                    raise ValueError(f"names {path}, which cannot be read: {reason}") from error

    def _expanded(self, name: str) -> str:
        if not name:
            raise ValueError("has an empty argument")
        if "%" not in name and "$" not in name:
            return name
        environment = self._state.machine.environment
        return expand(name, tokens=self._state.tokens(), environment=environment)

    def _find_files(self, name: str, is_users: bool) -> Sequence[str]:
        """List the files that an Include names: relative to ~/.ssh, or the system's directory."""
        machine = self._state.machine
        if machine.is_windows:
            name = name.replace("\\", "/")
        if len(name) >= LONGEST_PATH:
            return ()
        name = _with_closed_brackets(name)
        if name.startswith("~"):
            if not is_users:
                raise ValueError(f"takes no path in a home directory here: {name}")
            return _glob_in_home(name, machine)
        if name.startswith("/") or (machine.is_windows and name[1:2] == ":"):
            return machine.glob(name)
        base = f"{machine.home}/.ssh" if is_users else machine.system_directory
        return machine.glob(f"{_escaped(base, machine.is_windows)}/{name}")


def host_applies(host: str, patterns: Sequence[str]) -> bool:
    """Whether a Host line is for `host`. Raises ValueError for an empty pattern."""
    found = False
    for pattern in patterns:
        if not pattern:
            raise ValueError("has an empty pattern")
        if pattern[0] == "!":
            if matches(host, pattern[1:]):
                return False
        elif not found and matches(host, pattern):
            found = True
    return found


@lru_cache(maxsize=256)
def _is_in_list(name: str, patterns: str) -> bool:
    return matches_any(name, lower(patterns).split(","))


def _glob_in_home(name: str, machine: Machine) -> Sequence[str]:
    try:
        return machine.glob(expand_tilde(name, machine))
    except ValueError:  # there is no such user, and so no such file: glob(3), GLOB_TILDE
        return ()


def _with_closed_brackets(name: str) -> str:
    """Write a "[" that nothing closes as one that is closed: fnmatch looks long for its end."""
    end = name.rfind("]") + 1
    return name[:end] + name[end:].replace("[", "[[]")


def _escaped(path: str, is_windows: bool) -> str:
    """Take the meaning from what is special to glob(3) in a directory's name."""
    special = "[*?" if is_windows else "[*?\\"
    return "".join(f"[{c}]" if c in special else c for c in path)


def _refuse(problems: Sequence[str], path: str) -> None:
    count = f"{len(problems)} bad configuration option{'s' if len(problems) > 1 else ''}"
    raise HostConfigError("\n".join([*problems, f"{path}: {count}"]), problems=tuple(problems))
