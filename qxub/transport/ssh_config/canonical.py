"""The real name of a host: canonical addresses, and CanonicalizeHostname (ssh_config(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qxub.transport.errors import HostConfigError, ResolveError
from qxub.transport.patterns import matches_any
from qxub.transport.ssh_config.destination import valid_domain
from qxub.transport.ssh_config.lines import lower

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qxub.transport.ssh_config.state import State


def canonical_host(state: State, host: str) -> str:
    """Return what `host` is to be called from now on.

    Raises HostConfigError for a name that is not found where that is not allowed, and ResolveError
    where the aliases of one are wanted that cannot be looked up.
    """
    get, family = state.settings.get, state.settings.get("addressfamily")
    address = state.machine.find_address(host, family)
    if address is None and not _looks_like_address(host):
        host = lower(host)
    if get("canonicalizehostname") != "false" or address is not None or _looks_like_address(host):
        found = address if address is not None else _in_domains(state, host)
        if found is not None:
            return found if lower(found) != lower(host) else host
    if _permitted_aliases(state) and (_is_direct(state) or get("canonicalizehostname") == "always"):
        return _follow_alias(state, host)
    return host


def _looks_like_address(host: str) -> bool:
    return "%" in host or ":" in host or not host.strip("0123456789.")


def _is_direct(state: State) -> bool:
    command = state.settings.get("proxycommand")
    jump = state.settings.get("proxyjump")
    return (command is None or lower(command) == "none") and not (jump and jump.hosts)


def _in_domains(state: State, host: str) -> str | None:
    """Try the name in each of CanonicalDomains; None where it stays as it is."""
    get = state.settings.get
    mode = get("canonicalizehostname")
    if _looks_like_address(host) or mode == "false" or not (_is_direct(state) or mode == "always"):
        return None
    if host.endswith("."):
        candidates = [host]
    elif host.count(".") > get("canonicalizemaxdots"):
        return None
    else:
        candidates = [f"{host}.{domain}." for domain in _domains(state)]
    for candidate in candidates:
        alias = state.machine.find_name(candidate, get("addressfamily"))
        if alias is not None:
            return _permitted(state, candidate[:-1], alias)
    if not get("canonicalizefallbacklocal"):
        raise HostConfigError(
            f"{host} is in none of CanonicalDomains, and CanonicalizeFallbackLocal is no",
            hint="Check the name and the network.",
        )
    return None


def _domains(state: State) -> Sequence[str]:
    domains = state.settings.get("canonicaldomains") or ()
    return () if domains == ("none",) else domains


def _permitted_aliases(state: State) -> Sequence[tuple[str, str]]:
    pairs = state.settings.get("canonicalizepermittedcnames") or ()
    return () if pairs == (("none", ""),) else pairs


def _permitted(state: State, host: str, alias: str) -> str:
    """Return the name that `host` is an alias of, if CanonicalizePermittedCNAMEs has it so."""
    mode = state.settings.get("canonicalizehostname")
    if not valid_domain(alias) or alias == host or mode == "false":
        return host
    if mode != "always" and not _is_direct(state):
        return host
    for sources, targets in _permitted_aliases(state):
        if matches_any(host, sources.split(",")) and matches_any(alias, targets.split(",")):
            return alias
    return host


def _follow_alias(state: State, host: str) -> str:
    alias = state.machine.find_name(host, state.settings.get("addressfamily"))
    if alias is not None:
        return _permitted(state, host, alias)
    if not _is_direct(state):
        return host
    raise ResolveError(f"{state.alias}: the name {host} cannot be resolved", host=state.alias)
