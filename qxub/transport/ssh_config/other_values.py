"""Values of keywords that mean nothing to this client, which are checked all the same.

A file that OpenSSH refuses is refused here too, so that it means the same to both.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from qxub.transport.ssh_config.destination import parse_port, valid_domain
from qxub.transport.ssh_config.expansion import expand
from qxub.transport.ssh_config.lines import lower
from qxub.transport.ssh_config.values import MAX_INT, Kind, one, parse_number, parse_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qxub.transport.ssh_config.machine import Machine

_QOS_CLASSES = frozenset(
    {f"af{group}{drop}" for group in range(1, 5) for drop in range(1, 4)}
    | {f"cs{number}" for number in range(8)}
    | {"ef", "le", "va", "none", "lowdelay", "throughput", "reliability"}
)
_FIELD = re.compile(r"\[([^\]]*)\](?=:|$)|((?:\\.|[^:\\])*)")
_MASK = re.compile(r"\s*\+?([0-7]+)")


def _check_qos(arguments: Sequence[str]) -> None:
    if not 1 <= len(arguments) <= 2:
        raise ValueError("takes one or two service classes")
    for text in arguments:
        if lower(text) not in _QOS_CLASSES and not _is_byte(text):
            raise ValueError(f"takes a service class such as af21 or cs1, not {text!r}")


def _is_byte(text: str) -> bool:
    """Whether `text` is a number up to 255 as C writes it: 16, 0x10, 020."""
    base = 8 if re.fullmatch(r"0[0-7]+", text) else 0
    try:
        return 0 <= int(text, base) <= 255
    except ValueError:
        return False


def _check_escape(arguments: Sequence[str]) -> None:
    text = one(arguments)
    is_one_byte = len(text.encode("utf-8", "surrogateescape")) == 1
    if text != "none" and not is_one_byte and not re.fullmatch(r"\^[@-\x7f]", text):
        raise ValueError(f"takes one character, ^ and a letter, or none, not {text!r}")


def _check_tunnel_device(arguments: Sequence[str]) -> None:
    for part in one(arguments).split(":", 1):
        if lower(part) != "any":
            parse_number(part, MAX_INT - 2)


def _check_control_persist(arguments: Sequence[str]) -> None:
    text = one(arguments)
    if text not in ("yes", "no", "true", "false"):
        parse_seconds(text)


def _check_add_keys(arguments: Sequence[str]) -> None:
    if len(arguments) == 2 and lower(arguments[0]) == "confirm":
        parse_seconds(arguments[1])
        return
    text = one(arguments)
    if lower(text) not in ("yes", "no", "true", "false", "ask", "confirm"):
        parse_seconds(text)


def _check_mask(arguments: Sequence[str]) -> None:
    text = one(arguments)
    found = _MASK.match(text)
    if found is None or int(found[1][-22:], 8) > 0o777:
        raise ValueError(f"takes an octal mask up to 0777, not {text!r}")


def _check_hash(arguments: Sequence[str]) -> None:
    text = one(arguments)
    if lower(text) not in ("md5", "sha1", "sha256", "sha384", "sha512"):
        raise ValueError(f"has no hash algorithm {text!r}; there are sha256 and md5")


def _check_keystroke_timing(arguments: Sequence[str]) -> None:
    text = one(arguments)
    if text in ("yes", "no", "true", "false"):
        return
    prefix, _, number = text.partition(":")
    if prefix != "interval" or not parse_number(number, 1000) > 0:
        raise ValueError(f"takes yes, no or interval:MILLISECONDS, not {text!r}")


def _check_channel_timeout(arguments: Sequence[str]) -> None:
    if [lower(text) for text in arguments] == ["none"]:
        return
    if not arguments:
        raise ValueError("has no value")
    for text in arguments:
        pattern, equals, interval = text.partition("=")
        if not pattern or not equals:
            raise ValueError(f"takes TYPE=TIME, not {text!r}")
        parse_seconds(interval)


def _check_remote_open(arguments: Sequence[str], machine: Machine) -> None:
    if not arguments:
        raise ValueError("has no value")
    for text in arguments:
        if lower(text) in ("any", "none"):
            if len(arguments) > 1:
                raise ValueError(f'takes "{text}" only alone')
            continue
        found = re.fullmatch(r"(?:\[[^\]]*\]|[^:/\[]*):(.+)", text)
        if found is None:
            raise ValueError(f"takes HOST:PORT, not {text!r}")
        if found[1] != "*":
            parse_port(found[1], machine.service_port)


def _check_forward(arguments: Sequence[str], machine: Machine, *, is_remote: bool = False) -> None:
    """Check `[ADDRESS:]PORT|PATH`, and the target that follows unless it is a dynamic one."""
    text = expand(":".join(arguments), environment=machine.environment).lstrip()
    listen, target = _ends(_split_fields(text))
    if (target == "") != (len(arguments) == 1):
        raise ValueError(f"takes a port or a path, and a target, not {text!r}")
    if "/" not in listen and not (is_remote and listen == "0"):
        parse_port(listen, machine.service_port)
    if target and "/" not in target:
        parse_port(target, machine.service_port)


def _ends(fields: Sequence[str]) -> tuple[str, str]:
    """Find the port or path that is listened at, and that of the target, "" where there is none."""
    paths = ["/" in field for field in fields]
    if len(fields) == 4:
        return fields[1], fields[3]
    if len(fields) == 3:
        return (fields[1], fields[2]) if paths[2] and not paths[0] else (fields[0], fields[2])
    if len(fields) == 2:
        return (fields[0], fields[1]) if paths[1] else (fields[1], "")
    if len(fields) == 1:
        return fields[0], ""
    raise ValueError("takes a port or a path, and a target")


def _split_fields(text: str) -> list[str]:
    """Split a forwarding at its colons; a field in brackets is taken as it stands."""
    fields, position = [], 0
    while position < len(text):
        found = _FIELD.match(text, position)
        if found is None:
            break
        fields.append(found[1] if found[1] is not None else found[2])
        position = found.end() + 1
    return fields


def _check_remote_forward(arguments: Sequence[str], machine: Machine) -> None:
    given = [text for text in arguments[:2] if text]
    _check_forward(_at_most(given, arguments, 2), machine, is_remote=True)


def _check_local_forward(arguments: Sequence[str], machine: Machine) -> None:
    if len(arguments) < 2 or not arguments[1]:
        raise ValueError("has no target")
    _check_forward(_at_most(arguments, arguments, 2), machine)


def _check_dynamic_forward(arguments: Sequence[str], machine: Machine) -> None:
    _check_forward(_at_most(arguments, arguments, 1), machine)


def _at_most(given: Sequence[str], arguments: Sequence[str], count: int) -> Sequence[str]:
    if not given or not given[0]:
        raise ValueError("has no value")
    if len(arguments) > count:
        raise ValueError("has extra arguments at the end of the line")
    return given


def parse_domains(arguments: Sequence[str]) -> tuple[str, ...] | None:
    """Read the domain names of CanonicalDomains, in lower case, or "none" alone."""
    for text in arguments:
        if lower(text) == "none" and len(arguments) > 1:
            raise ValueError('takes "none" only alone')
        if not valid_domain(text):
            raise ValueError(f"takes domain names, not {text!r}")
    names = (lower(text) for text in arguments)
    return tuple(name.removesuffix(".") for name in names) or None


def parse_cnames(arguments: Sequence[str]) -> tuple[tuple[str, str], ...] | None:
    """Read the pairs of pattern lists of CanonicalizePermittedCNAMEs; "*" is all, none is none."""
    pairs = []
    for text in arguments:
        source, colon, target = lower(text).partition(":")
        if source == "none" and not colon:
            if len(arguments) > 1:
                raise ValueError('takes "none" only alone')
            pairs.append(("none", ""))
        elif text == "*":
            pairs.append(("*", "*"))
        elif not colon or not target:
            raise ValueError(f"takes PATTERNS:PATTERNS, not {text!r}")
        else:
            pairs.append((source, target))
    return tuple(pairs) or None


def _unread(arguments: Sequence[str]) -> None:
    """Take whatever there is, as OpenSSH does for what it no longer knows."""
    del arguments


ADD_KEYS = Kind(_check_add_keys)
ANYTHING = Kind(_unread)
CHANNEL_TIMEOUT = Kind(_check_channel_timeout)
CNAMES = Kind(parse_cnames, lambda pairs: " ".join(f"{a}:{b}" if b else a for a, b in pairs))
CONTROL_PERSIST = Kind(_check_control_persist)
DOMAINS = Kind(parse_domains, " ".join)
DYNAMIC_FORWARD = Kind(list, complete=_check_dynamic_forward)
ESCAPE = Kind(_check_escape)
HASH = Kind(_check_hash)
KEYSTROKE_TIMING = Kind(_check_keystroke_timing)
LOCAL_FORWARD = Kind(list, complete=_check_local_forward)
MASK = Kind(_check_mask)
QOS = Kind(_check_qos)
REMOTE_FORWARD = Kind(list, complete=_check_remote_forward)
REMOTE_OPEN = Kind(list, complete=_check_remote_open)
TUNNEL_DEVICE = Kind(_check_tunnel_device)
