"""How the values of ssh_config are written: each kind of value is read by one function.

A function takes the arguments of a line and returns the value; it raises ValueError, whose text
goes into a message behind the keyword. `None` stands for "as if not given", as "none" does for
times.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

from qxub.transport.ssh_config.algorithms import check_names
from qxub.transport.ssh_config.destination import parse_jump_list, parse_port
from qxub.transport.ssh_config.expansion import expand
from qxub.transport.ssh_config.lines import lower

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qxub.transport.ssh_config.destination import JumpList
    from qxub.transport.ssh_config.machine import Machine

MAX_INT = 2**31 - 1
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TIME_PART = re.compile(r"[ \t]*\+?([0-9]+(?:\.[0-9]*)?)([smhdwSMHDW]?)")
_SIZE = re.compile(r"\s*([+-]?)([0-9]*)(?:\.([0-9]*))?([bkmgtpeBKMGTPE]?)")


@dataclass(frozen=True)
class Kind:
    """A kind of value: how it is read, and how `ssh -G` prints it.

    A raw kind's function takes the rest of the line as it stands, unquoted. `complete` finishes
    what depends on the machine: a service's port, a variable's value.
    """

    parse: Callable[[Any], object]
    show: Callable[[Any], str] = str
    raw: bool = False
    complete: Callable[[Any, Machine], object] | None = None


def one(arguments: Sequence[str]) -> str:
    """Return the only argument, which may not be empty."""
    if not arguments or not arguments[0]:
        raise ValueError("has no value")
    if len(arguments) > 1:
        raise ValueError("has extra arguments at the end of the line")
    return arguments[0]


def choice(*words: str, **others: str) -> Kind:
    """One of some words, in any case; `others` gives words that mean one of those printed."""
    meanings = {word: word for word in words} | others

    def parse(arguments: Sequence[str]) -> str:
        text = one(arguments)
        meaning = meanings.get(lower(text))
        if meaning is None:
            raise ValueError(f"takes {', '.join(meanings)}, not {text!r}")
        return meaning

    return Kind(parse)


def parse_flag(arguments: Sequence[str]) -> bool:
    """Read yes, no, true or false, in any case."""
    text = one(arguments)
    value = {"yes": True, "true": True, "no": False, "false": False}.get(lower(text))
    if value is None:
        raise ValueError(f"takes yes or no, not {text!r}")
    return value


def parse_seconds(text: str) -> int:
    """Read a time such as 90, 1h30m or 1.5m (sshd_config(5), TIME FORMATS), in whole seconds."""
    total, position = 0.0, 0
    while position < len(text) or not text:
        found = _TIME_PART.match(text, position)
        if found is None:
            raise ValueError(f"takes a time such as 30 or 1m30s, not {text!r}")
        total += float(found[1]) * _SECONDS[found[2].lower()]
        if total > MAX_INT:
            raise ValueError(f"takes a shorter time than {text}")
        position = found.end()
    return int(total)


def parse_time(arguments: Sequence[str]) -> int | None:
    """Read a time, or "none"."""
    text = one(arguments)
    return None if text == "none" else parse_seconds(text)


def parse_number(text: str, most: int = MAX_INT) -> int:
    """Read a decimal number from 0 to `most`, as strtonum(3) does."""
    found = re.fullmatch(r"\s*\+?([0-9]+)", text, re.ASCII)
    if found is None or len(found[1].lstrip("0")) > 10 or int(found[1]) > most:
        raise ValueError(f"takes a whole number up to {most}, not {text!r}")
    return int(found[1])


def parse_numeric_port(arguments: Sequence[str]) -> int | str:
    """Read a port number; another text may be a service's name, which `complete_port` looks up."""
    text = one(arguments)
    return int(text) if text.isdecimal() and 0 < int(text[:6]) < 65536 else text


def complete_port(value: int | str, machine: Machine) -> int:
    """Look a service's port up (services(5))."""
    return value if isinstance(value, int) else parse_port(value, machine.service_port)


def parse_rekey_limit(arguments: Sequence[str]) -> dict[str, int]:
    """Read `SIZE [TIME]`; the two parts are set independently of each other."""
    size = one(arguments[:1])
    parts = {"rekeylimit": 0 if size == "default" else parse_size(size)}
    if parts["rekeylimit"] != 0 and parts["rekeylimit"] < 16:
        raise ValueError(f"takes a size of 16 bytes or more, not {size}")
    if len(arguments) > 1:
        seconds = parse_time(arguments[1:])
        if seconds is not None:
            parts["rekeylimit.seconds"] = seconds
    return parts


def parse_size(text: str) -> int:
    """Read a number of bytes with an optional unit (scan_scaled(3)): 512M, 1.5G."""
    found = _SIZE.fullmatch(text)
    if found is None or len(found[2]) > 18:
        raise ValueError(f"takes a size such as 512M or 1G, not {text!r}")
    unit: int = 1024 ** "bkmgtpe".index(found[4].lower() or "b")
    fraction = found[3] if found[4] and found[3] else "0"
    scale: int = 10 ** len(fraction[:18])
    size = int(found[2] or 0) * unit + int(fraction[:18]) * unit // scale
    if size >= 2**63:
        raise ValueError(f"takes a smaller size than {text}")
    return -size if found[1] == "-" else size


def parse_files(arguments: Sequence[str]) -> tuple[str, ...] | None:
    """Read file names, or "none" alone."""
    if not all(arguments):
        raise ValueError("has an empty argument")
    if len(arguments) > 1 and any(lower(text) == "none" for text in arguments):
        raise ValueError('takes "none" only alone')
    if len(arguments) > 32:
        raise ValueError("takes 32 files at most")
    names = tuple(arguments)
    return ("none",) if names and lower(names[0]) == "none" else names or None


def parse_send_env(arguments: Sequence[str]) -> tuple[str, ...] | None:
    """Read names and patterns of environment variables; "-" before one takes it away again."""
    for text in arguments:
        if not text or "=" in text:
            raise ValueError(f"takes names of environment variables, not {text!r}")
    return tuple(arguments) or None


def parse_set_env(arguments: Sequence[str]) -> tuple[str, ...] | None:
    """Read assignments NAME=VALUE; of two for a name in a line, the first counts."""
    values: dict[str, str] = {}
    for text in arguments:
        name, equals, _ = text.partition("=")
        if not equals:
            raise ValueError(f"takes assignments NAME=VALUE, not {text!r}")
        values.setdefault(name, text)
    return tuple(values.values()) or None


def parse_agent(arguments: Sequence[str]) -> str:
    """Read a socket's path, none, SSH_AUTH_SOCK, or $NAME."""
    return one(arguments)


def complete_agent(value: str, machine: Machine) -> str:
    """Check the variables in an agent's path, as OpenSSH does in blocks that do not apply, too."""
    expand(value, environment=machine.environment)
    is_name = value.startswith("$") and not value.startswith("${")
    if is_name and not re.fullmatch(r"\$\w+", value, re.ASCII):
        raise ValueError(f"takes the name of a variable after $, not {value!r}")
    return value


def parse_forward_agent(arguments: Sequence[str]) -> dict[str, object]:
    """Read yes or no, or an agent as IdentityAgent does; the path is set apart from the flag."""
    try:
        return {"forwardagent": parse_flag(arguments)}
    except ValueError:
        return {"forwardagent": True, "forwardagent.path": one(arguments)}


def complete_forward_agent(value: Mapping[str, Any], machine: Machine) -> Mapping[str, object]:
    """Check the agent's path."""
    if "forwardagent.path" in value:
        complete_agent(value["forwardagent.path"], machine)
    return value


def parse_command(text: str) -> str:
    """Take a command as it stands; blanks and "=" before it are not part of it."""
    return text.lstrip(" \t\r\n=")


def complete_jump(text: str, machine: Machine) -> JumpList:
    """Read the comma-separated list of ProxyJump, or none."""
    return parse_jump_list(text, machine.service_port)


def algorithms(keyword: str) -> Kind:
    """Make the kind of a list of algorithms, which may begin with +, - or ^."""

    def parse(arguments: Sequence[str]) -> str:
        text = one(arguments)
        check_names(keyword, text)
        return text

    return Kind(parse)


def show_flag(value: bool) -> str:
    """Print yes or no."""
    return "yes" if value else "no"


STRING = Kind(one)
FLAG = Kind(parse_flag, show_flag)
TIME = Kind(parse_time)
NUMBER = Kind(lambda arguments: parse_number(one(arguments)))
PORT = Kind(parse_numeric_port, complete=complete_port)
FILES = Kind(parse_files, " ".join)
COMMAND = Kind(parse_command, raw=True)
JUMP = Kind(parse_command, raw=True, complete=complete_jump)
AGENT = Kind(parse_agent, complete=complete_agent)
