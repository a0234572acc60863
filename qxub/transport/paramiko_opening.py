"""Opening session channels, one of them ahead of its need.

Paramiko's open_channel waits for the server's answer. Here asking and waiting are apart, so that on
a connection that runs one command after the other the next one's channel is there when it is
wanted, which saves a round trip each time.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

import paramiko
from paramiko.common import CONNECTION_FAILED_CODE

from qxub.transport.stream import WAIT_SECONDS, Wakeup

if TYPE_CHECKING:
    from qxub.transport.paramiko_channels import SessionChannel
    from qxub.transport.paramiko_hooks import HookedTransport

log = logging.getLogger(__name__)

KEEPS_SPARE = "OpenSSH"
CLOSES_WRONGLY = "dropbear"
"""Dropbear 2022.82 to 2024.86 closes a channel in which nothing was started yet when the process of
another ends; and if that starts just then, it ends the whole connection (mkj/dropbear#321)"""
LEFT_SECONDS = 1.0
"""how long to wait there, before a channel is opened, for the processes that were left behind"""
LEFT_PAUSE = 0.005
"""between two looks, in seconds"""


class Opening:
    """A session channel that was asked for."""

    def __init__(self, transport: HookedTransport, session: SessionChannel) -> None:
        self._session = session
        self._transport = transport
        self._refusal: paramiko.ChannelException | None = None
        self._woken = Wakeup()

    def set(self) -> None:
        """Wake who waits; Paramiko calls this when the channel is open, or the line has ended."""
        self._transport.wake(self._woken)

    def refuse(self, reason: int, words: str) -> None:
        """Take note of why the server says no, and of its words (RFC 4254 section 5.1)."""
        known = CONNECTION_FAILED_CODE.get(reason, f"reason {reason}")
        self._refusal = paramiko.ChannelException(reason, f"{known}: {words}" if words else known)
        self.set()

    def wait(self, seconds: float) -> SessionChannel:
        """Wait for the answer, and give the channel.

        Raises ChannelException when it is refused, SSHException when no answer comes in time, and
        what ended the line.
        """
        deadline = time.monotonic() + seconds
        while not self._session.channel.active and self._refusal is None:
            if not self._transport.is_active():
                raise self._transport.get_exception() or EOFError
            if time.monotonic() > deadline:
                raise paramiko.SSHException("Timeout opening channel.")
            self._woken.wait(WAIT_SECONDS)
        if self._refusal is not None:
            raise self._refusal
        return self._session


class SessionOpener:
    """Opens the session channels of one connection; any thread."""

    def __init__(self, transport: HookedTransport) -> None:
        self._transport = transport
        self._lock = threading.Lock()
        self._spare: Opening | None = None
        self._opened = 0
        self._is_refused = False

    def open(self, seconds: float) -> SessionChannel:
        """Give the channel that was opened ahead, or a new one. Raises as Opening.wait."""
        with self._lock:
            spare, self._spare = self._spare, None
            self._opened += 1
        if spare is not None:
            try:
                session = spare.wait(seconds)
            except paramiko.ChannelException:
                self._is_refused = True
            else:
                if not session.channel.closed:
                    return session
        if CLOSES_WRONGLY in self._transport.remote_version:
            self._let_those_left_end(time.monotonic() + LEFT_SECONDS)
        return self._transport.ask_for_session().wait(seconds)

    def _let_those_left_end(self, deadline: float) -> None:
        """Wait until the server has closed the channels that we have: there, the process ended."""
        while time.monotonic() < deadline and self._transport.is_active():
            sessions = tuple(self._transport.sessions.values())
            if not any(session.channel.closed for session in sessions):
                return
            time.sleep(LEFT_PAUSE)

    def open_ahead(self) -> None:
        """Ask for the next channel, if this connection has run several commands already.

        A server that has once refused, as by MaxSessions (sshd_config(5)), is not asked again.
        """
        if KEEPS_SPARE not in self._transport.remote_version:
            return
        with self._lock:
            if self._spare is not None or self._opened < 2 or self._is_refused:
                return
            try:
                self._spare = self._transport.ask_for_session()
            except (EOFError, OSError, paramiko.SSHException) as error:
                log.debug("no channel is opened ahead: %s", error)  # the line ends for others, too
