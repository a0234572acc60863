"""What an open connection needs in time: signs of life from its peer, and new keys."""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import TYPE_CHECKING

import paramiko

if TYPE_CHECKING:
    from qxub.transport.host_config import HostConfig
    from qxub.transport.paramiko_hooks import HookedTransport

log = logging.getLogger(__name__)

DEFAULT_ALIVE_SECONDS = 30
DEFAULT_ALIVE_COUNT = 3
"""where ssh_config says nothing: docs/decisions/0007-a-silent-line-ends.md"""


class Upkeep:
    """Watches over one connection, in a thread: ServerAliveInterval, and RekeyLimit's time.

    A peer that sends nothing for the interval is asked for a sign of life, and again after each
    interval more. When ServerAliveCountMax questions are unanswered for an interval, the connection
    is ended, as ssh does. Whatever comes from the peer is a sign of life.
    """

    def __init__(self, host: HostConfig, transport: HookedTransport) -> None:
        self._interval, self._count_max = _liveness(host)
        self._rekey_seconds = host.rekey_seconds or math.inf
        self._transport = transport
        self._unanswered = 0
        self._asked = time.monotonic()
        self._probe = threading.Thread()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin, if there is anything to do."""
        if min(self._interval, self._rekey_seconds) < math.inf:
            self._thread.start()

    def stop(self) -> None:
        """End the thread. The connection must have been closed."""
        self._stop.set()
        for thread in (self._thread, self._probe):
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(timeout=5)

    def _run(self) -> None:
        now = time.monotonic()
        alive_due, rekey_due = now + self._interval, now + self._rekey_seconds
        while self._transport.is_active():
            if self._stop.wait(max(0.0, min(alive_due, rekey_due) - now)):
                return
            now = time.monotonic()
            if now >= rekey_due:
                self._transport.renew_keys()
                rekey_due = now + self._rekey_seconds
            if now >= alive_due:
                alive_due = self._check_peer(now)

    def _check_peer(self, now: float) -> float:
        """Ask for a sign of life if it is time to, or end the connection; give the next time."""
        heard = self._transport.packetizer.last_heard
        if heard > self._asked:
            self._unanswered = 0
        if now - heard < self._interval:
            return heard + self._interval
        if self._unanswered >= self._count_max > 0:
            self._transport.give_up(f"no answer for {now - heard:.0f} s")
            return now + self._interval  # by when it has ended
        self._unanswered += 1
        self._asked = now
        self._ask()
        return now + self._interval

    def _ask(self) -> None:
        """Send the question in a thread of its own, as sending blocks on a line that is stuck."""
        if not self._probe.is_alive():
            self._probe = threading.Thread(target=self._send, name="keepalive", daemon=True)
            self._probe.start()

    def _send(self) -> None:
        try:
            self._transport.probe()
        except (paramiko.SSHException, OSError, EOFError) as error:
            log.debug("no question sent, the line is gone or busy: %s", error)


def _liveness(host: HostConfig) -> tuple[float, int]:
    """Give the interval in seconds, and how many questions may stay unanswered."""
    if not host.is_default("serveraliveinterval") or host.server_alive_interval:
        return host.server_alive_interval or math.inf, host.server_alive_count_max
    return DEFAULT_ALIVE_SECONDS, DEFAULT_ALIVE_COUNT
