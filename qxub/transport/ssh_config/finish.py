"""The end of a look-up: what follows from the values that were found, and what they expand to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qxub.transport.ssh_config.lines import lower

if TYPE_CHECKING:
    from qxub.transport.ssh_config.destination import JumpList
    from qxub.transport.ssh_config.state import State

DEBIANS_BATCH_INTERVAL = 300
"""seconds between signs of life in batch mode, as in Debian's OpenSSH: no script should hang"""

_EXPANDED_PATHS = ("controlpath", "identityagent", "revokedhostkeys")


def finish(state: State) -> None:
    """Fill in and expand what `ssh -G` shows expanded. Raises HostConfigError with the line."""
    settings = state.settings
    if settings.get("batchmode") and not settings.is_set("serveraliveinterval"):
        settings.fix("serveraliveinterval", DEBIANS_BATCH_INTERVAL)
    _expand_user(state)
    _check_jump(state)
    _check_counts(state)
    if settings.is_set("hostkeyalias"):
        settings.fix("hostkeyalias", lower(settings.get("hostkeyalias")))
    for name in ("proxycommand", "remotecommand", "revokedhostkeys", "controlpath"):
        if settings.is_set(name) and lower(settings.get(name)) == "none":
            settings.fix(name, None)
    _expand_values(state)
    for name in state.machine.algorithms.defaults:
        _assemble(state, name)


def _expand_user(state: State) -> None:
    user = state.settings.get("user")
    if user is not None and ("%" in user or "${" in user):
        tokens = state.tokens()
        del tokens["r"], tokens["C"]  # which the user is part of
        user = state.expanded("user", user, tokens, variables=True)
    state.settings.fix("user", user or state.local_user)


def _check_jump(state: State) -> None:
    """Refuse a host that is its own jump host, as `Host *` with ProxyJump makes it."""
    settings = state.settings
    jump: JumpList | None = settings.get("proxyjump")
    if jump is None or not jump.hosts:
        return
    hop = jump.hosts[-1]
    here = (state.hostname, settings.get("port"), settings.get("user"))
    if (hop.host, hop.port or 22, settings.get("user") if hop.user is None else hop.user) == here:
        raise state.wrong("proxyjump", ValueError(f"leads from {hop} to itself"))


def _check_counts(state: State) -> None:
    """Refuse no attempt at all, and a client in the background with nothing to do."""
    get = state.settings.get
    if get("connectionattempts") == 0:
        raise state.wrong("connectionattempts", ValueError("takes 1 or more"))
    has_work = state.remote_command or get("remotecommand") or get("sessiontype") == "none"
    if get("forkafterauthentication") and not has_work:
        raise state.wrong("forkafterauthentication", ValueError("needs a command to run"))


def _expand_values(state: State) -> None:
    settings, tokens = state.settings, state.tokens()
    command = settings.get("remotecommand")
    if command is not None:
        text = state.expanded("remotecommand", command, tokens, variables=False)
        settings.fix("remotecommand", text)
    for name in _EXPANDED_PATHS:
        if settings.get(name) is not None:
            settings.fix(name, state.expanded_path(name, settings.get(name)))
    agent = settings.part("forwardagent.path", None)
    if agent is not None:
        settings.fix("forwardagent.path", state.expanded_path("forwardagent", agent))
    names = settings.get("userknownhostsfile")
    if names != ("none",):
        paths = tuple(state.expanded_path("userknownhostsfile", name) for name in names)
        settings.fix("userknownhostsfile", paths)
    if settings.is_set("setenv"):
        pairs = (text.partition("=") for text in settings.get("setenv"))
        values = (
            f"{name}={state.expanded('setenv', value, tokens, variables=True)}"
            for name, _, value in pairs
        )
        settings.fix("setenv", tuple(values))


def _assemble(state: State, name: str) -> None:
    settings = state.settings
    if name == "hostkeyalgorithms" and (settings.get(name) or "+")[0] not in "+-":
        settings.fix(
            f"{name}.fixed", True
        )  # with these signs, OpenSSH keeps putting known keys first
    try:
        names = state.machine.algorithms.assemble(name, settings.get(name))
    except ValueError as error:
        raise state.wrong(name, error) from error
    settings.fix(name, ",".join(names))
