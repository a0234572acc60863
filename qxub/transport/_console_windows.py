"""Windows' console: its modes, and what is typed at it (Microsoft, "Console Functions")."""

from __future__ import annotations

import codecs
import ctypes
import sys
from ctypes import wintypes
from typing import Callable

assert sys.platform == "win32"  # noqa: S101 - a Windows twin; mypy skips it elsewhere

import msvcrt

# modes of what is typed
ENABLE_PROCESSED_INPUT = 0x1
ENABLE_LINE_INPUT = 0x2
ENABLE_ECHO_INPUT = 0x4
ENABLE_VIRTUAL_TERMINAL_INPUT = 0x200
# modes of what is shown
ENABLE_VIRTUAL_TERMINAL_PROCESSING = 0x4
DISABLE_NEWLINE_AUTO_RETURN = 0x8

KEY_EVENT = 1
VK_MENU = 0x12
"""the Alt key: letting it go ends a character that was typed by its number"""
WAIT_OBJECT_0 = 0
INFINITE = INTERRUPTED = 0xFFFFFFFF
MOST_RECORDS = 256
MOST_CHARACTERS = 8192
CTRL_Z = "\x1a"

_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel32.GetConsoleMode.argtypes = (wintypes.HANDLE, wintypes.LPDWORD)
_kernel32.SetConsoleMode.argtypes = (wintypes.HANDLE, wintypes.DWORD)
_kernel32.CreateEventW.restype = wintypes.HANDLE
_kernel32.SetEvent.argtypes = (wintypes.HANDLE,)
_kernel32.CloseHandle.argtypes = (wintypes.HANDLE,)
_LENGTH_AND_RESULT = (wintypes.DWORD, wintypes.LPDWORD)
_kernel32.PeekConsoleInputW.argtypes = (wintypes.HANDLE, ctypes.c_void_p, *_LENGTH_AND_RESULT)
_kernel32.ReadConsoleInputW.argtypes = (wintypes.HANDLE, ctypes.c_void_p, *_LENGTH_AND_RESULT)
_kernel32.ReadConsoleW.argtypes = (
    *(wintypes.HANDLE, ctypes.c_void_p, *_LENGTH_AND_RESULT),
    ctypes.c_void_p,
)


class _InputRecord(ctypes.Structure):
    """INPUT_RECORD, with KEY_EVENT_RECORD in it; the other kinds of event are no longer."""

    _fields_ = (
        ("event_type", wintypes.WORD),
        ("key_down", wintypes.BOOL),
        ("repeat_count", wintypes.WORD),
        ("virtual_key", wintypes.WORD),
        ("scan_code", wintypes.WORD),
        ("character", wintypes.WORD),
        ("control_keys", wintypes.DWORD),
    )

    def characters(self) -> bytes:
        """Give what the event types, in UTF-16; mostly nothing."""
        is_pressed = self.key_down or self.virtual_key == VK_MENU
        if self.event_type != KEY_EVENT or not is_pressed or not self.character:
            return b""
        code: int = self.character
        times: int = self.repeat_count
        return code.to_bytes(2, "little") * max(1, times)


def console_of(descriptor: int) -> int | None:
    """Give the handle of the console behind a descriptor; None where there is another thing."""
    try:
        handle = msvcrt.get_osfhandle(descriptor)
    except OSError:
        return None
    return None if console_mode(handle) is None else handle


def console_mode(handle: int) -> int | None:
    """Give the mode of a console; None for what is none, as NUL, which isatty() takes for one."""
    mode = wintypes.DWORD()
    return mode.value if _kernel32.GetConsoleMode(handle, ctypes.byref(mode)) else None


def set_console_mode(handle: int, mode: int, *, wanted: int = 0) -> None:
    """Set a console's mode, and besides it what older consoles may refuse. Raises OSError."""
    _check(_kernel32.SetConsoleMode(handle, mode))
    _kernel32.SetConsoleMode(handle, mode | wanted)


class ConsoleInput:
    """What is typed at a console, in UTF-8: key by key, or line by line where its mode says so."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._stop = _check(_kernel32.CreateEventW(None, True, False, None))
        self._decoder = codecs.getincrementaldecoder("utf-16-le")("replace")
        self._is_within_line = False

    def read(self) -> bytes:
        """Wait for text; b"" at Ctrl-Z at the beginning of a line, or after `stop`.

        Raises OSError when the console has gone.
        """
        while self._is_within_line or self._wait():
            begins_line = not self._is_within_line
            if (console_mode(self._handle) or 0) & ENABLE_LINE_INPUT:
                text = self._part_of_line()
            else:
                text, begins_line = self._decoder.decode(self._keys()), False
            if text.startswith(CTRL_Z) and begins_line:
                return b""
            if text:
                return text.encode()
        return b""

    def stop(self) -> None:
        """End the waiting; a line that has been begun is still waited for."""
        _kernel32.SetEvent(self._stop)

    def close(self) -> None:
        """Give up what was needed; the console stays open."""
        _kernel32.CloseHandle(self._stop)

    def _wait(self) -> bool:
        """Wait for an event of the console; False after `stop`."""
        handles = (wintypes.HANDLE * 2)(self._stop, self._handle)
        found: int = _kernel32.WaitForMultipleObjects(2, handles, False, INFINITE)
        return found != WAIT_OBJECT_0

    def _keys(self) -> bytes:
        """Take the events that are there."""
        records = _events(_kernel32.ReadConsoleInputW, self._handle, MOST_RECORDS)
        return b"".join(record.characters() for record in records)

    def _part_of_line(self) -> str:
        """Let the console take a line and show it meanwhile. It ends as lines end over there.

        Events that begin no line are dropped, so that `stop` can end the waiting for one. Ctrl-C
        ends a line with nothing.
        """
        if not self._is_within_line:
            events = _events(_kernel32.PeekConsoleInputW, self._handle, 1)
            if not all(event.event_type == KEY_EVENT and event.key_down for event in events):
                _events(_kernel32.ReadConsoleInputW, self._handle, 1)
                return ""
        characters, count = (wintypes.WORD * MOST_CHARACTERS)(), wintypes.DWORD()
        arguments = (self._handle, characters, MOST_CHARACTERS, ctypes.byref(count), None)
        _check(_kernel32.ReadConsoleW(*arguments))
        read = 0 if count.value == INTERRUPTED else count.value
        line = self._decoder.decode(bytes(characters)[: 2 * read])
        self._is_within_line = bool(line) and not line.endswith("\n")
        return line.replace("\r", "")


def _events(take: Callable[..., int], handle: int, most: int) -> list[_InputRecord]:
    records, count = (_InputRecord * most)(), wintypes.DWORD()
    _check(take(handle, records, most, ctypes.byref(count)))
    return list(records)[: count.value]


def _check(result: int) -> int:
    if not result:
        raise ctypes.WinError(ctypes.get_last_error())
    return result
