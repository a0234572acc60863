"""Where the SSH agents of this machine are: two twins, chosen here."""

import sys

if sys.platform == "win32":
    from qxub.transport.agents._windows import open_agents
else:
    from qxub.transport.agents._posix import open_agents

__all__ = ["open_agents"]
