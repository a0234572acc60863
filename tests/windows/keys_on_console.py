"""On the Windows side: run one line on this console, and type the keys that come over TCP.

`python.exe -m tests.windows.keys_on_console PORT USERPROFILE LINE`. Keys are put in as a keyboard's
are: bytes on the terminal that Wine draws its console on cannot carry a Ctrl-C (Wine 8). The exit
status goes back at the end.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time

assert sys.platform == "win32"  # for mypy, which passes over it elsewhere

from tests.windows.type_at_prompt import log_in  # noqa: E402

KEY_EVENT = 1
LEFT_CTRL_PRESSED = 8
GENERIC_READ_WRITE = 0xC0000000
SHARE_READ_WRITE = 3
OPEN_EXISTING = 3


class InputRecord(ctypes.Structure):
    """INPUT_RECORD with a KEY_EVENT_RECORD (Windows console documentation)."""

    _fields_ = (
        ("event_type", ctypes.c_ushort),
        ("key_down", ctypes.c_int),
        ("repeat_count", ctypes.c_ushort),
        ("virtual_key", ctypes.c_ushort),
        ("scan_code", ctypes.c_ushort),
        ("character", ctypes.c_wchar),
        ("control_keys", ctypes.c_uint),
    )


def type_keys(connection: socket.socket) -> None:
    """Type each character that arrives; below a space, with the Ctrl key, but for Enter."""
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.CreateFileW.restype = ctypes.c_void_p
    console = ctypes.c_void_p(
        kernel.CreateFileW(
            "CONIN$", GENERIC_READ_WRITE, SHARE_READ_WRITE, None, OPEN_EXISTING, 0, None
        )
    )
    for character in iter(lambda: connection.recv(1).decode("ascii"), ""):
        with_ctrl = character < " " and character != "\r"
        key = ord(character) + 64 if with_ctrl else ord(character.upper())
        for down in (1, 0):
            control_keys = LEFT_CTRL_PRESSED if with_ctrl else 0
            record = InputRecord(KEY_EVENT, down, 1, key, 0, character, control_keys)
            written = ctypes.c_uint()
            if not kernel.WriteConsoleInputW(
                console, ctypes.byref(record), 1, ctypes.byref(written)
            ):
                raise ctypes.WinError(ctypes.get_last_error())


def main(port: str, profile: str, line: str) -> None:
    """Run the line, typing what is sent, and send its exit status."""
    signal.signal(signal.SIGINT, lambda *_: None)  # a Ctrl-C is for the line
    with socket.create_connection(("127.0.0.1", int(port))) as connection:
        clean = log_in(profile)
        os.environ["PATH"] = clean["PATH"]  # where CreateProcess finds the program
        # without cmd, which in Wine 8 ends at a Ctrl-C, as it would not on Windows
        with subprocess.Popen(line, env=clean, cwd=profile) as process:
            typist = threading.Thread(target=type_keys, args=(connection,), daemon=True)
            typist.start()
            while process.poll() is None:  # wait() would let no signal handler run
                time.sleep(0.1)
        connection.sendall(str(process.returncode).encode())
        connection.shutdown(socket.SHUT_WR)
        # The other side closes first: Wine's server may die of a socket that is closed while a
        # thread waits in it.
        typist.join()


if __name__ == "__main__":
    main(*sys.argv[1:4])
