"""Amounts as users write them: memory and walltime, both ways.

Memory units are powers of 1024, as PBS Pro (pbs_resources(7)) and Slurm (sbatch(1)) read them.
"""

from __future__ import annotations

import re

_MEMORY = re.compile(r"(\d+)\s*([kmgtp]?)i?b?", re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\d+):(?=[0-5]?\d:))?(\d+):([0-5]\d)")
_SPANS = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.IGNORECASE)
_UNITS = ("", "k", "m", "g", "t", "p")
_SECONDS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def parse_memory(text: str) -> int:
    """Return bytes for `8GB`, `2000MB`, `16g` or a plain number of bytes.

    Raises ValueError with the accepted forms.
    """
    match = _MEMORY.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        message = f"{text!r} is not an amount of memory; write it as 8GB, 2000MB or 16g"
        raise ValueError(message)
    return int(match[1]) << (10 * _UNITS.index(match[2].lower()))


def format_memory(size: int) -> str:
    """Return `size` bytes in the largest unit that loses nothing: 8GB, 2000MB."""
    power = 0
    while size % 1024 == 0 and power < len(_UNITS) - 1:
        size //= 1024
        power += 1
    return f"{size}{_UNITS[power].upper()}B"


def parse_walltime(text: str) -> int:
    """Return seconds for `2h`, `30m`, `1h30m`, `02:30:00` or `10:00` (minutes and seconds).

    A bare number is refused: PBS Pro reads it as seconds, Slurm as minutes. Raises ValueError with
    the accepted forms.
    """
    text = text.strip()
    if clock := _CLOCK.fullmatch(text):
        seconds = int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + int(clock[3])
    elif spans := _SPANS.fullmatch(text):
        seconds = sum(int(n or 0) * length for n, (_, length) in zip(spans.groups(), _SECONDS))
    else:
        seconds = 0
    if seconds == 0:
        message = f"{text!r} is not a length of time; write it as 2h, 30m, 1h30m or 02:30:00"
        raise ValueError(message)
    return seconds


def format_walltime(seconds: int) -> str:
    """Return seconds as users write them: 2h, 1h30m, 45s."""
    parts = []
    for unit, length in _SECONDS[1:]:
        amount, seconds = divmod(seconds, length)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts)


def format_clock(seconds: int) -> str:
    """Return seconds as H:MM:SS, which PBS Pro and Slurm both take."""
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
