"""asyncssh, another SSH client in Python, with its own defaults."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import asyncssh

if TYPE_CHECKING:
    from benchmarks.gate import Gate
    from tests.real.sshd import Sshd


class AsyncsshPeer:
    """A connection that is open; `close` ends it. Its loop runs while a command does."""

    def __init__(self, server: Sshd) -> None:
        self._loop = asyncio.new_event_loop()
        self._connection = self._loop.run_until_complete(
            asyncssh.connect(
                server.host,
                server.port,
                username=server.user,
                client_keys=[str(server.client_key)],
                known_hosts=str(server.known_hosts),
                config=[],
                agent_path=None,
            )
        )

    def run(self, command: str, gate: Gate) -> float:
        """Run a command behind the gate, and give the seconds from there to its end.

        Its output goes to a session that drops it, in binary: nothing of asyncssh's is faster.
        Raises RuntimeError unless it succeeds.
        """
        return self._loop.run_until_complete(self._run(command, gate))

    async def _run(self, command: str, gate: Gate) -> float:
        channel, _ = await self._connection.create_session(Dropped, command, encoding=None)
        start = gate.open()
        await channel.wait_closed()
        if channel.get_exit_status() != 0:
            raise RuntimeError(f"asyncssh's command ended with {channel.get_exit_status()}")
        return time.perf_counter() - start

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
        self._loop.run_until_complete(self._connection.wait_closed())
        self._loop.close()


class Dropped(asyncssh.SSHClientSession[bytes]):
    """Takes the output, and does nothing with it."""
