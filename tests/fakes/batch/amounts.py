"""Resources as qsub takes them, and as qstat shows them."""

from __future__ import annotations

import re
from typing import Any, Callable

from tests.fakes.batch.site_state import COUNTS, DEFAULTS, QUEUES, SIZES, Refused

_SIZE = re.compile(r"(\d+)([kmgtp]?)b?", re.IGNORECASE)
_UNITS = ("", "k", "m", "g", "t", "p")
_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+)(?:\.\d+)?")
_SHOWN_FIRST = ("jobfs", "mem", "ncpus", "ngpus")


def size(text: str) -> int:
    """Return bytes. Raises ValueError for what PBS does not take."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return int(match[1]) << (10 * _UNITS.index(match[2].lower()))


def shown_size(text: str) -> str:
    """Return the size in the largest unit that loses nothing, as the server does."""
    amount, power = size(text), 0
    while amount and amount % 1024 == 0 and power < len(_UNITS) - 1:
        amount, power = amount // 1024, power + 1
    return f"{amount}{_UNITS[power]}b"


def seconds(text: str) -> int:
    """Return the seconds of a walltime. Raises ValueError for what PBS does not take."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return int(match[1] or 0) * 3600 + int(match[2] or 0) * 60 + int(match[3])


def shown_time(total: float) -> str:
    minutes, rest = divmod(int(total), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}"


def _count(text: str) -> int:
    if int(text) < 0:
        raise ValueError(text)
    return int(text)


_SHOWN: dict[str, Callable[[str], object]] = {
    "walltime": lambda text: shown_time(seconds(text)),
    "mem": shown_size,
    "jobfs": shown_size,
    "ncpus": _count,
    "ngpus": _count,
    "storage": str,
}


def resource_list(
    wanted: dict[str, str], queue: str, command: str, suffix: str = ""
) -> dict[str, object]:
    """Return Resource_List for what is asked for, or refuse it as the server does."""
    shown: dict[str, object] = {}
    wanted = {
        **wanted,
        **{name: amount for name, amount in DEFAULTS.items() if not wanted.get(name)},
    }
    for name, text in wanted.items():
        if name not in _SHOWN:
            raise Refused(187, f"{command}: Unknown resource Resource_List.{name}{suffix}\n")
        if not text:
            continue
        try:
            shown[name] = _SHOWN[name](text)
        except ValueError:
            bad = f"{command}: Illegal attribute or resource value Resource_List.{name}{suffix}\n"
            raise Refused(166, bad) from None
    cpus, walltime = int(wanted["ncpus"]), seconds(wanted["walltime"])
    if cpus > COUNTS["ncpus"] or walltime > QUEUES[queue]:
        words = f"{command}: Job violates queue and/or server resource limits{suffix}\n"
        raise Refused(188, words)
    first = {name: shown[name] for name in _SHOWN_FIRST if name in shown}
    chunk = ":".join(f"{name}={value}" for name, value in first.items())
    placed = {"nodect": 1, "place": "pack", "select": f"1:{chunk}"}
    rest = {name: value for name, value in shown.items() if name not in first}
    return {**first, **placed, **dict(sorted(rest.items()))}


def can_never_run(asked: dict[str, Any]) -> str:
    """Return the comment of a job that no node is large enough for, or ""."""
    over = [name for name, has in SIZES.items() if size(asked.get(name, "0")) > size(has)]
    over += [name for name, has in COUNTS.items() if asked.get(name, 0) > has]
    if not over:
        return ""
    wants, has = asked[over[0]], {**SIZES, **COUNTS}[over[0]]
    amounts = f"{over[0]} (R: {wants} A: {has} T: {has})"
    return f"Can Never Run: Insufficient amount of resource: {amounts}"
