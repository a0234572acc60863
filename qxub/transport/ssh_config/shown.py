"""A look-up in the shape of `ssh -G`, with where each value comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.transport.ssh_config.keywords import DEFAULT_IDENTITIES, KEYWORDS
from qxub.transport.ssh_config.lines import lower
from qxub.transport.ssh_config.settings import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    return Setting(
        tuple(value.value for value in values), tuple(value.origin for value in values)
    )


def _texts(state: State, name: str) -> Sequence[str]:
    settings = state.settings
    value = settings.get(name)
    if name == "connecttimeout" and value is None:
        return ("none",)
    if name == "rekeylimit":
        return (f"{value} {settings.part('rekeylimit.seconds', 0)}",)
    if name == "forwardagent":
        return (settings.part("forwardagent.path", "yes" if value else "no"),)
    if name == "setenv":
        return value or ()
    if name == "proxyjump" and value is not None and not value.hosts:
        return ()
    if name == "globalknownhostsfile" and value is None:
        return (" ".join(default_known_hosts(state)),)
    if name.endswith("knownhostsfile") and lower(value[0]) == "none":
        return ()
    return () if value is None else (KEYWORDS[name].kind.show(value),)


def default_known_hosts(state: State) -> tuple[str, ...]:
    """Return the system's own known_hosts files."""
    directory = state.machine.system_directory
    return tuple(f"{directory}/{name}" for name in ("ssh_known_hosts", "ssh_known_hosts2"))
