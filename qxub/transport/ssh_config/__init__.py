"""ssh_config(5), resolved as OpenSSH resolves it, on machines that have no OpenSSH.

`resolve` gives what a connection needs; `look_up` gives what `ssh -G` prints, and where each value
comes from; `aliases` lists the hosts that the files name, `plan_addition` adds one. All that is
outside is asked of a Machine, so that any can be given. What is honoured follows OpenSSH 9.2, and
what later releases up to 10 add; docs/decisions says where they differ.
"""

from qxub.transport.host_config import HostConfig
from qxub.transport.ssh_config.addition import Addition, plan_addition
from qxub.transport.ssh_config.algorithms import Algorithms
from qxub.transport.ssh_config.aliases import Alias, aliases
from qxub.transport.ssh_config.destination import JumpHost
from qxub.transport.ssh_config.look_up import LookUp, look_up
from qxub.transport.ssh_config.machine import Machine, this_machine
from qxub.transport.ssh_config.new_host import NewHost
from qxub.transport.ssh_config.resolve import host_config, resolve, with_jump_hosts
from qxub.transport.ssh_config.shown import Setting

__all__ = [
    "Addition",
    "Algorithms",
    "Alias",
    "HostConfig",
    "JumpHost",
    "LookUp",
    "Machine",
    "NewHost",
    "Setting",
    "aliases",
    "host_config",
    "look_up",
    "plan_addition",
    "resolve",
    "this_machine",
    "with_jump_hosts",
]
