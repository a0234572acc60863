"""Run one program and end it when standard input closes: `python supervisor.py PROGRAM [ARG…]`.

The test process holds the other end of the pipe, so the program ends with it, however it ends:
also by SIGKILL, which leaves no time for a `finally`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading

SECONDS_TO_END = 10.0


def end_with_stdin(child: subprocess.Popen[bytes]) -> None:
    """Wait for the end of standard input, then end `child`: politely, then by SIGKILL."""
    while os.read(0, 4096):  # not sys.stdin, whose lock would abort the interpreter's end
        pass
    child.terminate()
    try:
        child.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        child.kill()


def main(argv: list[str]) -> int:
    """Run `argv` to its end and give its return code, negative for a signal."""
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    threading.Thread(target=end_with_stdin, args=(child,), daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
