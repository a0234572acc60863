"""The client without POSIX modules and with an empty PATH, as on Windows: it must not miss them."""

from __future__ import annotations

MODULES = ("termios", "fcntl", "pwd", "grp", "resource", "tty", "pty")

# The interpreter's own start-up may use them, so they are blocked after it.
BLOCK = f"""
import os, select, subprocess, sys
for name in {MODULES}:
    sys.modules[name] = None
del select.poll
def refuse(*words, **_):
    raise AssertionError(("a process was started", words))
subprocess.Popen = os.fork = os.execv = os.posix_spawn = os.system = refuse
"""
RUN_QXUB = f"{BLOCK}\nfrom qxub.cli.main import qxub\nsys.exit(qxub(sys.argv[1:]))\n"
