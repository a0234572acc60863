"""Where `qxub` and `qx` begin.

Ctrl-C ends them quietly while Python still reads the code, which may take a second on a busy login
node: nothing has been done by then, and a traceback would help nobody.
"""

from __future__ import annotations

import signal

_heeds = signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""and does not ignore it, as what a script starts in the background does"""
if _heeds:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from qxub.cli.main import qx, qxub  # noqa: E402 - what takes the time

if _heeds:
    signal.signal(signal.SIGINT, signal.default_int_handler)

__all__ = ["qx", "qxub"]
