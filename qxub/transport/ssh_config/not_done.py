"""Warnings for what a file asks for and this client does not do, where that matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from qxub.transport.ssh_config.keywords import KEYWORDS
from qxub.transport.ssh_config.lines import lower

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from qxub.transport.ssh_config.state import State

_OFF = (None, False, "false", "none")
_METHODS = ("publickey", "keyboard-interactive", "password")


def warnings_for(state: State) -> Iterator[str]:
    """Give one sentence for each such line that applies to the host."""
    for name, keyword in KEYWORDS.items():
        value = state.settings.get(name) if keyword.note else None
        if (lower(value) if isinstance(value, str) else value) in _OFF:
            continue
        if _MATTERS.get(name, _always)(state):
            yield f"{state.settings.origin(name)}: {name} is not supported: {keyword.note}"


def _always(state: State) -> bool:
    del state
    return True


def _has_no_other_login(state: State) -> bool:
    """Whether every method that this client has is switched off."""
    get = state.settings.get
    on = {
        "publickey": get("pubkeyauthentication") != "false",
        "keyboard-interactive": get("kbdinteractiveauthentication"),
        "password": get("passwordauthentication"),
    }
    preferred = (get("preferredauthentications") or ",".join(_METHODS)).split(",")
    return not any(on[method] and method in preferred for method in _METHODS)


def _has_proxy_command(state: State) -> bool:
    return state.settings.get("proxycommand") is not None


def _has_fido_file(state: State) -> bool:
    return any("_sk" in value.value for value in state.settings.added("identityfile"))


_MATTERS: Mapping[str, Callable[[State], bool]] = {
    "gssapiauthentication": _has_no_other_login,
    "gssapikeyexchange": _has_no_other_login,
    "hostbasedauthentication": _has_no_other_login,
    "proxyusefdpass": _has_proxy_command,
    "securitykeyprovider": _has_fido_file,
}
