"""The SSH agents of this machine: where they are differs, so there are two twins, chosen here."""

import sys

if sys.platform == "win32":
    from qxub.transport.agents._windows import open_stream
else:
    from qxub.transport.agents._posix import open_stream

__all__ = ["open_stream"]
