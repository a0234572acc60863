"""A terminal's modes by opcode, and its raw mode (termios(3))."""

from __future__ import annotations

import os
import sys
import termios
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from qxub.transport import terminal_opcodes as opcodes

if TYPE_CHECKING:
    from collections.abc import Iterator

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

INPUT, OUTPUT, CONTROL, LOCAL, INPUT_SPEED, OUTPUT_SPEED, CHARACTERS = range(7)
"""where tcgetattr keeps what"""

_FLAGS = {
    INPUT: opcodes.INPUT_FLAGS,
    OUTPUT: opcodes.OUTPUT_FLAGS,
    CONTROL: opcodes.CONTROL_FLAGS,
    LOCAL: opcodes.LOCAL_FLAGS,
}
_NOT_NAMED = {"IUTF8": 0x4000}
"""what Python has no name for; the value is that of Linux and of macOS"""

# What a raw mode switches off, so that every byte goes through as it is, at once.
_COOKED = {
    INPUT: ("ISTRIP", "INLCR", "IGNCR", "ICRNL", "IUCLC", "IXON", "IXANY", "IXOFF"),
    OUTPUT: ("OPOST",),
    LOCAL: ("ISIG", "ICANON", "ECHO", "ECHOE", "ECHOK", "ECHONL", "IEXTEN"),
}

Attributes = list[Any]
"""as tcgetattr gives them"""


def encoded(descriptor: int) -> dict[int, int]:
    """Give the modes of a terminal by opcode, as far as this system has them. Raises OSError."""
    attributes = attributes_of(descriptor)
    modes = {
        opcodes.SPEEDS["ISPEED"]: _bauds(attributes[INPUT_SPEED]),
        opcodes.SPEEDS["OSPEED"]: _bauds(attributes[OUTPUT_SPEED]),
    }
    none = os.fpathconf(descriptor, "PC_VDISABLE")
    for name, opcode in opcodes.SPECIAL_CHARACTERS.items():
        index = getattr(termios, name, None)
        if index is not None:
            character = ord(attributes[CHARACTERS][index])
            modes[opcode] = opcodes.NO_CHARACTER if character == none else character
    for group, names in _FLAGS.items():
        for name, opcode in names.items():
            if flag := _flag(name):
                modes[opcode] = int(bool(attributes[group] & flag))
    return modes


def raw(attributes: Attributes) -> Attributes:
    """Give the attributes of a terminal that only passes bytes on, in both directions."""
    changed = [*attributes[:CHARACTERS], list(attributes[CHARACTERS])]
    for group, names in _COOKED.items():
        for name in names:
            changed[group] &= ~_flag(name)
    changed[CHARACTERS][termios.VMIN] = 1
    changed[CHARACTERS][termios.VTIME] = 0
    return changed


def attributes_of(descriptor: int) -> Attributes:
    """Give a terminal's attributes. Raises OSError."""
    with _as_os_error():
        return termios.tcgetattr(descriptor)


def set_attributes(descriptor: int, attributes: Attributes) -> None:
    """Change a terminal at once; what was typed and not yet read is kept. Raises OSError."""
    with _as_os_error():
        termios.tcsetattr(descriptor, termios.TCSANOW, attributes)


@contextmanager
def _as_os_error() -> Iterator[None]:
    try:
        yield
    except termios.error as error:  # which is no OSError, but has the same arguments
        raise OSError(*error.args) from error


def _flag(name: str) -> int:
    flag: int = getattr(termios, name, _NOT_NAMED.get(name, 0))
    return flag


def _bauds(speed: int) -> int:
    """Give the speed that a constant such as B38400 stands for."""
    names = (name for name in dir(termios) if name[0] == "B" and name[1:].isdigit())
    return next((int(name[1:]) for name in names if getattr(termios, name) == speed), speed)
