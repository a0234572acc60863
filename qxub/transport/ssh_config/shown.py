"""A look-up in the shape of `ssh -G`, with where each value comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from qxub.transport.ssh_config.keywords import DEFAULT_IDENTITIES, KEYWORDS
from qxub.transport.ssh_config.settings import DEFAULT
from qxub.transport.ssh_config.values import show_flag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qxub.transport.ssh_config.settings import Settings
    from qxub.transport.ssh_config.state import State


@dataclass(frozen=True)
class Setting:
    """The value of a keyword as `ssh -G` prints it: one text, or several of a line each.

    `origins` tells for each where it comes from: "FILE:LINE", "command line" or "default".
    """

    texts: tuple[str, ...]
    origins: tuple[str, ...]


def shown_settings(state: State) -> dict[str, Setting]:
    """Return what has a value, in the order of `ssh -G`."""
    shown = {"host": Setting((state.alias,), ("command line",))}
    for name, keyword in KEYWORDS.items():
        if not keyword.shown or name != keyword.name:
            continue
        if keyword.adds:
            setting = _added(state, name)
        else:
            texts = _texts(state, name)
            setting = Setting(tuple(texts), (state.settings.origin(name),) * len(texts))
        if setting.texts:
            shown[name] = setting
    return shown


def _added(state: State, name: str) -> Setting:
    values = state.settings.added(name)
    if name == "identityfile" and not values:
        return Setting(DEFAULT_IDENTITIES, (DEFAULT,) * len(DEFAULT_IDENTITIES))
    return Setting(tuple(value.value for value in values), tuple(value.origin for value in values))


def _texts(state: State, name: str) -> Sequence[str]:
    special = _SPECIAL.get(name)
    if special is not None:
        return special(state.settings)
    value = state.settings.get(name)
    if name == "globalknownhostsfile" and value is None:
        value = default_known_hosts(state)
    return () if value is None else (KEYWORDS[name].kind.show(value),)


def _connect_timeout(settings: Settings) -> Sequence[str]:
    seconds = settings.get("connecttimeout")
    return ("none" if seconds is None else str(seconds),)


def _forward_agent(settings: Settings) -> Sequence[str]:
    return (settings.part("forwardagent.path", show_flag(settings.get("forwardagent"))),)


def _rekey_limit(settings: Settings) -> Sequence[str]:
    return (f"{settings.get('rekeylimit')} {settings.part('rekeylimit.seconds', 0)}",)


def _jump(settings: Settings) -> Sequence[str]:
    jump = settings.get("proxyjump")
    return (str(jump),) if jump and jump.hosts else ()


_SPECIAL: Mapping[str, Callable[[Settings], Sequence[str]]] = {
    "canonicaldomains": lambda settings: (" ".join(settings.get("canonicaldomains") or ["none"]),),
    "connecttimeout": _connect_timeout,
    "forwardagent": _forward_agent,
    "proxyjump": _jump,
    "rekeylimit": _rekey_limit,
    "setenv": lambda settings: settings.get("setenv") or (),
}


def default_known_hosts(state: State) -> tuple[str, ...]:
    """Return the system's own known_hosts files."""
    directory = state.machine.system_directory
    return tuple(f"{directory}/{name}" for name in ("ssh_known_hosts", "ssh_known_hosts2"))
