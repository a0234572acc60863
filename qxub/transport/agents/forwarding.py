"""ForwardAgent: programs over there may use the agent here (draft-miller-ssh-agent, section 4).

Whoever is root over there can, too, as long as the connection lasts; so it is off by default.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from qxub.transport.agents.client import SIGN_SECONDS, open_agent_stream
from qxub.transport.agents.stream import AgentError, read_message
from qxub.transport.paramiko_hooks import close_channel
from qxub.transport.translation import describe

if TYPE_CHECKING:
    import paramiko

    from qxub.transport.agents.stream import AgentStream
    from qxub.transport.host_config import HostConfig

log = logging.getLogger(__name__)

MAX_CHANNELS = 16
"""how many programs over there may use the agent at the same time"""


def forward_agent(host: HostConfig, channel: paramiko.Channel) -> None:
    """Offer the agent to the session, if ForwardAgent says so. Raises what ended the transport.

    Each program over there gets a channel and, here, a connection to the agent and a thread.
    """
    if not host.forward_agent:
        return
    place = host.forward_agent if isinstance(host.forward_agent, str) else host.identity_agent
    slots = threading.Semaphore(MAX_CHANNELS)

    def serve(opened: paramiko.Channel) -> None:  # in Paramiko's thread, so it starts another
        if not slots.acquire(blocking=False):
            log.warning("%s: more than %d programs use the agent", host.alias, MAX_CHANNELS)
            threading.Thread(target=opened.close, daemon=True).start()
            return
        arguments = (opened, place, slots)
        threading.Thread(target=_serve, args=arguments, name="agent channel", daemon=True).start()

    channel.request_forward_agent(serve)


def _serve(channel: paramiko.Channel, place: str | None, slots: threading.Semaphore) -> None:
    """Pass messages on, one after the other, until either side has had enough."""
    stream: AgentStream | None = None
    try:
        stream = open_agent_stream(place)
        while stream is not None:
            request = read_message(channel.recv)
            channel.sendall(_answer(stream, request))
    except AgentError as error:
        log.debug("forwarded agent: %s", error)
    except Exception as error:  # noqa: BLE001 - whatever ended Paramiko's thread: see translation
        log.debug("forwarded agent: %s", describe(error))
    finally:
        if stream is not None:
            stream.close()
        close_channel(channel)
        slots.release()


def _answer(stream: AgentStream, request: bytes) -> bytes:
    answer = stream.exchange(request, SIGN_SECONDS)
    return len(answer).to_bytes(4, "big") + answer
