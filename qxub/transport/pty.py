"""The terminal that a process over there is given (RFC 4254 section 6.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Pty:
    """A pseudo-terminal to ask for: what TERM is there, its size in characters, its modes.

    `modes` are values by opcode (RFC 4254 section 8); what is not in it is the server's choice.
    """

    term: str = "dumb"
    columns: int = 80
    rows: int = 24
    modes: Mapping[int, int] = field(default_factory=dict)

    def encoded_modes(self) -> bytes:
        """Give the modes as they travel: opcode, value in 32 bits, …, TTY_OP_END."""
        pairs = (bytes([code]) + value.to_bytes(4, "big") for code, value in self.modes.items())
        return b"".join(pairs) + b"\0"
