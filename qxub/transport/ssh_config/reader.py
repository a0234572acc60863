"""Reading ssh_config files: Host, Match and Include decide which lines apply; the first value wins."""

from __future__ import annotations

import logging
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from qxub.transport.errors import HostConfigError
from qxub.transport.patterns import matches, matches_any
from qxub.transport.ssh_config import match
from qxub.transport.ssh_config.expansion import expand, expand_tilde
from qxub.transport.ssh_config.keywords import KEYWORDS, Keyword
from qxub.transport.ssh_config.lines import lower, split_arguments, split_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qxub.transport.ssh_config.state import State

log = logging.getLogger(__name__)

MAX_DEPTH = 16
"""of files that include each other"""

LONG_LINE = 256
"""lines up to this length are kept, read, for the next time they come"""

_BLOCK_KEYWORDS = ("host", "match", "include")
_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """A line, read as far as that goes without a machine. `problem` says what is wrong with it."""

    name: str
    keyword: Keyword | None
    value: Any
    problem: str = ""


def read_line(text: str) -> Line | None:
    """Read one line; None for a comment or a blank one. The value of a block line is its arguments."""
    split = split_line(text)
    if split is None:
        return None
    name, rest = split
    keyword = KEYWORDS.get(name)
    if not rest:
        return Line(name, keyword, None, "has no value")
    try:
        arguments = split_arguments(rest)
        if keyword is None:
            return Line(name, None, arguments)
        return Line(name, keyword, keyword.kind.parse(rest if keyword.kind.raw else arguments))
    except ValueError as error:
        return Line(name, keyword, None, str(error))


_read_known_line = lru_cache(maxsize=16384)(read_line)


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
        self._criteria = self._make_criteria()
        self._may_run = True

    def read(self, place: Place, *, checked: bool, applies: bool = True) -> None:
        """Read one file, and what it includes.

        `checked` wants a file that nobody else may write to. Raises OSError for one that cannot be
        read, and HostConfigError with all that is wrong in one.
        """
        if place.depth > MAX_DEPTH:
            raise HostConfigError(f"{place.path}: Include is nested too deeply, or in a circle")
        content = self._state.machine.read_file(place.path)
        problem = self._state.machine.permission_problem(place.path) if checked else ""
        if problem:
            raise HostConfigError(
                f"{place.path}: {problem}, so others could say where you connect to",
                hint=f"Make it yours alone: chmod 600 {place.path}",
            )
        self._read_lines(self._decoded(content), place, applies=applies)

    def read_option(self, text: str) -> None:
        """Read an option of the command line, written as a line is (ssh(1), -o)."""
        line = read_line(text)
        if line is None:
            return
        problem = line.problem or self._problem_of_unknown(line)
        if not problem and line.name in _BLOCK_KEYWORDS:
            problem = "is not for the command line"
        if not problem:
            problem = self._take(line, Place("command line", is_users=True), 0, applies=True)
        if problem:
            _raise(["command line: " + line.name + " " + problem], "command line")

    def _decoded(self, content: bytes) -> str:
        if self._state.machine.is_windows and content.startswith(_BOM):
            content = content[len(_BOM) :]
        return content.decode("utf-8", "surrogateescape")

    def _read_lines(self, text: str, place: Place, *, applies: bool) -> None:
        problems: list[str] = []
        for number, raw in enumerate(text.split("\n"), start=1):
            line = (_read_known_line if len(raw) < LONG_LINE else read_line)(raw)
            if line is None:
                continue
            name, keyword, value, problem = line
            if not problem:
                if keyword is not None:
                    if applies or keyword.kind.complete is not None:
                        problem = self._take(line, place, number, applies=applies)
                elif name == "host":
                    problem, applies = self._host(value, applies, place)
                elif name == "match":
                    problem, applies = self._match(value, applies, place)
                elif name == "include":
                    problem = self._include(value, place, number, problems, applies=applies)
                else:
                    problem = self._problem_of_unknown(line)
            if problem:
                problems.append(f"{place.path}:{number}: {name} {problem}")
        if problems:
            _raise(problems, place.path)

    def _take(self, line: Line, place: Place, number: int, *, applies: bool) -> str:
        """Take the value of a plain line if it applies; return what is wrong with it, or ""."""
        keyword, value = line.keyword, line.value
        assert keyword is not None  # noqa: S101 - for mypy
        origin = f"{place.path}:{number}" if number else place.path
        try:
            if keyword.kind.complete is not None and value is not None:
                value = keyword.kind.complete(value, self._state.machine)
            if applies:
                self._state.settings.put(keyword, value, origin, is_users=place.is_users)
        except ValueError as error:
            return str(error)
        return ""

    def _problem_of_unknown(self, line: Line) -> str:
        ignored = self._state.settings.get("ignoreunknown")
        if line.keyword is not None or line.name in _BLOCK_KEYWORDS:
            return ""
        if ignored is not None and matches_any(line.name, lower(ignored).split(",")):
            return ""
        return "is no keyword of ssh_config"

    def _host(self, patterns: Sequence[str], applies: bool, place: Place) -> tuple[str, bool]:
        host, found = self._state.host, False
        for pattern in patterns:
            if not pattern:
                return "has an empty pattern", applies
            if pattern[0] == "!":
                if matches(host, pattern[1:]):
                    return "", False
            elif not found and matches(host, pattern):
                found = True
        return "", found and not place.never_applies

    def _match(self, arguments: Sequence[str], applies: bool, place: Place) -> tuple[str, bool]:
        self._may_run = not place.never_applies
        try:
            found = match.match_applies(arguments, self._criteria)
        except ValueError as error:
            return str(error), applies
        return "", found and not place.never_applies

    def _make_criteria(self) -> Mapping[str, match.Criterion]:
        """Return the test for each criterion of Match."""
        state, get = self._state, self._state.settings.get
        session = {"subsystem": "subsystem", "none": "none"}
        return {
            "canonical": lambda _: state.is_final,
            "final": self._final,
            "host": lambda text: match.in_list(lower(state.hostname), lower(text)),
            "originalhost": lambda text: match.in_list(lower(state.alias), lower(text)),
            "user": lambda text: match.in_list(state.user, text),
            "localuser": lambda text: match.in_list(state.local_user, text),
            "localnetwork": lambda text: match.in_networks(state.machine.local_addresses(), text),
            "version": partial(match.in_list, match.RELEASE),
            "tagged": lambda text: match.in_list_or_both_empty(get("tag") or "", text),
            "command": lambda text: match.in_list_or_both_empty(state.remote_command, text),
            "sessiontype": lambda text: match.in_list(
                session.get(get("sessiontype")) or ("exec" if state.remote_command else "shell"),
                text,
            ),
            "exec": self._exec,
        }

    def _final(self, _: str) -> bool:
        self._state.wants_final = True
        return self._state.is_final

    def _exec(self, text: str) -> bool:
        command = expand(text, tokens=self._state.tokens())
        try:
            return self._may_run and self._state.machine.run_shell(command) == 0
        except OSError as error:
            raise ValueError(f"cannot run {command!r}: {error.strerror or error}") from error

    def _include(
        self, names: Sequence[str], place: Place, number: int, earlier: list[str], *, applies: bool
    ) -> str:
        try:
            for name in names:
                for path in self._files(name, place):
                    inside = Place(
                        path, place.is_users, place.depth + 1, place.never_applies or not applies
                    )
                    self._read_included(inside, earlier, applies=applies)
        except ValueError as error:
            return str(error)
        return ""

    def _read_included(self, place: Place, earlier: list[str], *, applies: bool) -> None:
        try:
            self.read(place, checked=True, applies=applies)
        except FileNotFoundError:
            log.debug("%s: included, but not there", place.path)
        except OSError as error:
            raise ValueError(f"cannot read {place.path}: {error.strerror or error}") from error
        except HostConfigError as error:
            if earlier and error.problems:
                _raise([*earlier, *error.problems], place.path)
            raise

    def _files(self, name: str, place: Place) -> Sequence[str]:
        """List the files that an Include names: relative to ~/.ssh, or the system's directory."""
        machine = self._state.machine
        if not name:
            raise ValueError("has an empty argument")
        name = expand(name, tokens=self._state.tokens(), environment=machine.environment)
        if machine.is_windows:
            name = name.replace("\\", "/")
        if name.startswith("~"):
            if not place.is_users:
                raise ValueError(f"takes no path in a home directory here: {name}")
            return machine.glob(expand_tilde(name, machine))
        if name.startswith("/") or (machine.is_windows and name[1:2] == ":"):
            return machine.glob(name)
        base = f"{machine.home}/.ssh" if place.is_users else machine.system_directory
        return machine.glob(f"{_quoted(base, machine.is_windows)}/{name}")


def _quoted(path: str, is_windows: bool) -> str:
    """Take the meaning from what is special to glob(3) in a directory's name."""
    special = "[*?" if is_windows else "[*?\\"
    return "".join(f"[{c}]" if c in special else c for c in path)


def _raise(problems: Sequence[str], path: str) -> None:
    count = f"{len(problems)} bad configuration option{'s' if len(problems) > 1 else ''}"
    raise HostConfigError("\n".join([*problems, f"{path}: {count}"]), problems=tuple(problems))
