"""The opcodes of a terminal's modes, by name (RFC 4254 section 8; IUTF8 is RFC 8160's)."""

from __future__ import annotations


def _counted(first: int, names: str) -> dict[str, int]:
    return {name: opcode for opcode, name in enumerate(names.split(), first)}


SPECIAL_CHARACTERS = _counted(
    1,
    "VINTR VQUIT VERASE VKILL VEOF VEOL VEOL2 VSTART VSTOP VSUSP VDSUSP VREPRINT VWERASE VLNEXT "
    "VFLUSH VSWTCH VSTATUS VDISCARD",
)
NO_CHARACTER = 255
"""what stands for a special character that is switched off"""

INPUT_FLAGS = _counted(
    30, "IGNPAR PARMRK INPCK ISTRIP INLCR IGNCR ICRNL IUCLC IXON IXANY IXOFF IMAXBEL IUTF8"
)
LOCAL_FLAGS = _counted(
    50, "ISIG ICANON XCASE ECHO ECHOE ECHOK ECHONL NOFLSH TOSTOP IEXTEN ECHOCTL ECHOKE PENDIN"
)
OUTPUT_FLAGS = _counted(70, "OPOST OLCUC ONLCR OCRNL ONOCR ONLRET")
CONTROL_FLAGS = _counted(90, "CS7 CS8 PARENB PARODD")
SPEEDS = _counted(128, "ISPEED OSPEED")

FLAGS = {**INPUT_FLAGS, **LOCAL_FLAGS, **OUTPUT_FLAGS, **CONTROL_FLAGS}
