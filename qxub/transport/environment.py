"""The environment that is offered to a process over there (RFC 4254 section 6.4)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from qxub.transport.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qxub.transport.host_config import HostConfig


def offered_environment(host: HostConfig, local: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Give the variables of SendEnv, from `local`, and those of SetEnv, which win.

    SendEnv leaves out TERM, which tells of this end's terminal and travels with the request for
    one over there.
    """
    sent = {
        name: value
        for name, value in local.items()
        if name != "TERM" and any(matches(name, pattern) for pattern in host.send_env)
    }
    return {**sent, **_assignments(host)}


def set_term(host: HostConfig) -> str | None:
    """Give the TERM of SetEnv, which stands for the local one when a PTY is asked for."""
    return _assignments(host).get("TERM")


def _assignments(host: HostConfig) -> dict[str, str]:
    return {name: value for name, _, value in (text.partition("=") for text in host.set_env)}
