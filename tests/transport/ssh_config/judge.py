"""A look-up judged by OpenSSH's answer to it."""

from __future__ import annotations

import re
import shlex
import traceback
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from qxub.transport.errors import HostConfigError, ResolveError
from qxub.transport.ssh_config import host_config, look_up

from .command_line import parsed
from .corpus import rebased
from .places import laid_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from qxub.transport.ssh_config import HostConfig, JumpHost, Machine

    from .command_line import Arguments
    from .corpus import Answer, Question, Value

# `ssh -G` prints these lists on one line each.
ON_ONE_LINE = ("userknownhostsfile", "globalknownhostsfile")
# These two are said of a line that is passed over.
LINE_OF_SSH = re.compile(
    r"(?P<file>.+?):? line (?P<line>[0-9]+): (?!Unsupported option \"|Deprecated option \")"
)
LINE_OF_OURS = re.compile(r"(?P<file>.+?):(?P<line>[0-9]+): ")
FILE_OF_SSH = re.compile(r"(?:Bad owner or permissions on |Can't open user config file )([^:]+)")


@dataclass(frozen=True)
class Disagreement:
    """One thing that is not as OpenSSH has it."""

    key: str
    expected: object
    got: object

    def __str__(self) -> str:
        return f"{self.key}: expected {self.expected!r}, got {self.got!r}"


@dataclass(frozen=True)
class Outcome:
    """What became of one look-up: lines as of `ssh -G` and a host, or errors, or a crash."""

    home: str
    config_file: str | None
    lines: tuple[tuple[str, str], ...] = ()
    host: HostConfig | None = None
    error: HostConfigError | ResolveError | None = None  # of look_up: `ssh -G` would have failed
    host_error: HostConfigError | None = None  # of host_config: `ssh` would have failed
    crash: str | None = None

    def values(self, key: str) -> list[str]:
        """Give the values of one keyword, as printed."""
        return [text for keyword, text in self.lines if keyword == key]


def outcome(arguments: Arguments, machine: Machine) -> Outcome:
    """Look a host up. What is raised besides the errors that look_up declares is a crash."""
    result = Outcome(machine.home, arguments.config_file)
    try:
        found = look_up(
            arguments.destination,
            options=arguments.options,
            config_file=arguments.config_file,
            machine=machine,
        )
        result = replace(result, lines=tuple(found.lines()))
    except (HostConfigError, ResolveError) as error:
        return replace(result, error=error)
    except Exception:  # noqa: BLE001 - the judge goes on with the next look-up
        return replace(result, crash=traceback.format_exc())
    try:
        return replace(result, host=host_config(found))
    except HostConfigError as error:
        return replace(result, host_error=error)
    except Exception:  # noqa: BLE001
        return replace(result, crash=traceback.format_exc())


def ask(question: Question) -> Outcome:
    """Lay the case out and look the host up there."""
    with laid_out(question.case) as (place, machine):
        argv = list(question.argv)
        if not question.case.uses_default_files:
            argv[:0] = ["-F", f"{place.home}/.ssh/config"]
        arguments = parsed(argv, exists=lambda name: Path(place.on_disk(name)).exists())
        return outcome(arguments, machine)


def judged(question: Question) -> list[Disagreement]:
    """Give what disagrees with the first answer; nothing if any of the answers is met."""
    result = ask(question)
    by_answer = [list(disagreements(answer, result)) for answer in question.answers]
    return [] if [] in by_answer else by_answer[0]


def disagreements(answer: Answer, result: Outcome) -> Iterator[Disagreement]:
    """Compare one outcome with one answer."""
    if result.crash is not None:
        yield Disagreement("exception", "none", result.crash)
    elif answer.fails:
        yield from _of_failure([rebased(line, result.home) for line in answer.stderr], result)
    elif result.error is not None:
        yield Disagreement("error", "none", str(result.error))
    else:
        if answer.config is not None:
            yield from _of_config(_rebased(answer.config, result.home), result)
        if answer.expanded is not None:
            yield from _of_host(_rebased(answer.expanded, result.home), result)


def _rebased(values: Mapping[str, Value], home: str) -> dict[str, Value]:
    return {
        key: rebased(value, home)
        if isinstance(value, str)
        else tuple(rebased(item, home) for item in value)
        for key, value in values.items()
    }


def _of_failure(stderr: Sequence[str], result: Outcome) -> Iterator[Disagreement]:
    """Compare the lines that are at fault; where ssh names no line, any error will do."""
    if result.error is None:
        yield Disagreement("error", list(stderr), "none")
        return
    theirs = _places(LINE_OF_SSH, stderr)
    problems = result.error.problems if isinstance(result.error, HostConfigError) else ()
    ours = _places(LINE_OF_OURS, problems)
    # Some errors end ssh at once, in words that name no line: then we may know of more.
    goes_on = any(": terminating, " in line for line in stderr)
    if theirs and not (theirs == ours if goes_on else theirs <= ours):
        yield Disagreement("lines at fault", sorted(theirs), str(result.error))
    for file in FILE_OF_SSH.findall("\n".join(stderr)):
        if file not in str(result.error):
            yield Disagreement("file at fault", file, str(result.error))


def _places(pattern: re.Pattern[str], messages: Iterable[str]) -> set[tuple[str, int]]:
    found = (pattern.match(message) for message in messages)
    places = {(match["file"], int(match["line"])) for match in found if match}
    return {(file, line) for file, line in places if line > 0}  # 0: ssh's command line


def _of_config(expected: Mapping[str, Value], result: Outcome) -> Iterator[Disagreement]:
    for key, value in expected.items():
        wanted = [value] if isinstance(value, str) else list(value)
        got = result.values(key)
        if key in ON_ONE_LINE:
            wanted, got = [" ".join(wanted)], [" ".join(got)]
        if wanted != got:
            yield Disagreement(key, wanted, got)


def _of_host(expected: Mapping[str, Value], result: Outcome) -> Iterator[Disagreement]:
    if "fatal_at_connect" in expected:
        if result.host_error is None:
            yield Disagreement("fatal_at_connect", expected["fatal_at_connect"], "no error")
        return
    if result.host is None:
        yield Disagreement("error of host_config", "none", str(result.host_error))
        return
    for key, got in (
        ("identityfile", result.host.identity_files),
        ("certificatefile", result.host.certificate_files),
    ):
        if key in expected and [PurePath(name) for name in expected[key]] != list(got):
            yield Disagreement(f"expanded {key}", list(expected[key]), [str(name) for name in got])
    command, ours = expected.get("proxy_exec"), proxy_exec(result.host, result.config_file)
    if not same_command(command, ours):
        yield Disagreement("proxy_exec", command, ours)


def proxy_exec(host: HostConfig, config_file: str | None) -> str | None:
    """Give the command that `ssh -v` would hand to the shell to reach the host (ssh.c, main)."""
    if not host.jump_hosts:
        return host.proxy_command
    *through, last = host.jump_hosts
    words = ["ssh"]
    words += ["-l", last.user] if last.user is not None else []
    words += ["-p", str(last.port)] if last.port is not None else []
    words += ["-J", ",".join(map(_as_written, through))] if through else []
    words += ["-F", config_file] if config_file is not None else []
    return " ".join([*words, "-v", f"-W '[{host.hostname}]:{host.port}'", last.host])


def _as_written(jump: JumpHost) -> str:
    host = f"[{jump.host}]" if ":" in jump.host else jump.host
    user = "" if jump.user is None else f"{jump.user}@"
    return user + host + ("" if jump.port is None else f":{jump.port}")


def same_command(expected: object, got: str | None) -> bool:
    """Compare two commands; those of ProxyJump as words of the shell, since ssh keeps quotes."""
    if not isinstance(expected, str) or got is None:
        return expected == got
    if " -v -W '[" in expected and " -v -W '[" in got:
        return shlex.split(expected) == shlex.split(got)
    return expected.removeprefix("exec ") == got.removeprefix("exec ")
