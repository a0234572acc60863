"""What a server says about a session, for which Paramiko has no public way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paramiko.common import MSG_CHANNEL_SUCCESS
from paramiko.message import Message

from qxub.transport.paramiko_channels import channel_request

if TYPE_CHECKING:
    import paramiko


def grant_request(channel: paramiko.Channel) -> None:
    """Answer, as a server, that a request about `channel` was carried out."""
    message = Message()
    message.add_byte(bytes([MSG_CHANNEL_SUCCESS]))
    message.add_int(channel.remote_chanid)
    _send(channel, message)


def send_exit_signal(channel: paramiko.Channel, name: str, core_dumped: bool, text: str) -> None:
    """Report, as a server, that the process died by a signal (RFC 4254 section 6.10)."""
    message = channel_request(channel, "exit-signal", name.encode(), want_reply=False)
    message.add_boolean(core_dumped)
    message.add_string(text)
    message.add_string("")  # language tag
    _send(channel, message)


def _send(channel: paramiko.Channel, message: Message) -> None:
    channel.get_transport()._send_user_message(message)  # type: ignore[attr-defined]  # noqa: SLF001
