"""Messages about a channel (RFC 4254), as a server would send them, or never should."""

from __future__ import annotations

import struct

from tests.fakes.hostile_server import (
    CHANNEL_CLOSE,
    CHANNEL_DATA,
    CHANNEL_EOF,
    CHANNEL_EXTENDED_DATA,
    CHANNEL_REQUEST,
    string,
)


def number(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def about(kind: int, rest: bytes = b"", *, channel: int = 0) -> bytes:
    """A message about a channel, by default the one on which the command runs."""
    return bytes([kind]) + number(channel) + rest


def data(text: bytes, *, channel: int = 0) -> bytes:
    return about(CHANNEL_DATA, string(text), channel=channel)


def extended(text: bytes, kind: int = 1) -> bytes:
    return about(CHANNEL_EXTENDED_DATA, number(kind) + string(text))


def request(kind: bytes, rest: bytes = b"", *, reply: bool = False) -> bytes:
    return about(CHANNEL_REQUEST, string(kind) + bytes([reply]) + rest)


def status(value: int, *, reply: bool = False) -> bytes:
    return request(b"exit-status", number(value), reply=reply)


def died(name: bytes, core: int = 0, words: bytes = b"") -> bytes:
    rest = string(name) + bytes([core]) + string(words) + string(b"")
    return request(b"exit-signal", rest)


EOF, CLOSE, OUT, ERR = about(CHANNEL_EOF), about(CHANNEL_CLOSE), data(b"abc"), extended(b"err")
END = (EOF, CLOSE)
SEVEN = status(7)
