"""What a shell is to the programs at a terminal: it leads the session, and outlives them.

`python session_leader_posix.py REPORTS END PROGRAM …`, with the terminal as stdin. The program's
number and its exit status are written to the descriptor REPORTS; the session ends when END does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

assert sys.platform != "win32"  # for mypy, which passes over the rest there

import fcntl
import termios


def main(reports: int, end: int, argv: list[str]) -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, lambda *_: None)  # not SIG_IGN, which the program would inherit
    with subprocess.Popen(argv) as program:
        # a window that closes tells the session's leader alone (tty_ioctl(4)), who passes it on
        signal.signal(signal.SIGHUP, lambda *_: program.send_signal(signal.SIGHUP))
        os.write(reports, b"%d\n" % program.pid)
    os.write(reports, b"%d\n" % program.returncode)
    os.read(end, 1)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
