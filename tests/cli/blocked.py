"""The client without POSIX modules and with an empty PATH, as on Windows: it must not miss them."""

from __future__ import annotations

MODULES = ("termios", "fcntl", "pwd", "grp", "resource", "tty", "pty")

# The interpreter's own start-up may use the modules, so they are blocked after it. A process is
# started by way of an audit event (Python's table of audit events), or by the C function below.
BLOCK = f"""
import select, sys
for name in {MODULES}:
    sys.modules[name] = None
for name in ("poll", "epoll", "kqueue", "devpoll"):
    if hasattr(select, name):
        delattr(select, name)
def refuse(*words, **_):
    raise AssertionError(("a process was started", words))
import _posixsubprocess
_posixsubprocess.fork_exec = refuse
STARTS = ("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn",
          "os.system", "pty.spawn")
sys.addaudithook(lambda event, words: event in STARTS and refuse(event, words))
import os, subprocess
"""
RUN_QXUB = f"{BLOCK}\nfrom qxub.cli.main import qxub\nsys.exit(qxub(sys.argv[1:]))\n"
