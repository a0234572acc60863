"""Two bastions and a target: three sshds, each with host keys, user key and known_hosts of its own.

`target` is reached by `ProxyJump one,two`. All three are on loopback, and nothing but the client's
configuration makes it take that way; so the target's log tells whether it did.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.real.sshd import running_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.real.sshd import Sshd

NAMES = ("one", "two", "target")


@dataclass(frozen=True)
class Chain:
    """The three servers, in the order of the way, and a configuration for `ssh -F`."""

    servers: Mapping[str, Sshd]
    ssh_config: Path

    def has_logins(self) -> dict[str, bool]:
        """Whether each server has let somebody in."""
        return {name: "Accepted publickey" in one.log() for name, one in self.servers.items()}


@contextlib.contextmanager
def running_chain(
    directory: Path, *, options: Mapping[str, Sequence[str]] | None = None
) -> Iterator[Chain]:
    """Run the three, each with further sshd_config lines from `options`, by name."""
    with contextlib.ExitStack() as stack:
        servers = {
            name: stack.enter_context(
                running_sshd(directory / name, *(options or {}).get(name, ()))
            )
            for name in NAMES
        }
        config = directory / "ssh_config"
        blocks = [
            server.ssh_config.read_text().replace("Host target", f"Host {name}")
            for name, server in servers.items()
        ]
        blocks[2] = blocks[2].replace("Host target", "Host target\n    ProxyJump one,two")
        config.write_text("\n".join(blocks))
        yield Chain(servers, config)
