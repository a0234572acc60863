"""Adding a host to ssh_config: what the file would become, and what it would then mean."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qxub.transport.errors import HostConfigError, ResolveError
from qxub.transport.ssh_config.aliases import aliases
from qxub.transport.ssh_config.insertion import Insertion, insertions
from qxub.transport.ssh_config.lines import lower
from qxub.transport.ssh_config.look_up import LookUp, look_up
from qxub.transport.ssh_config.resolve import with_jump_hosts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qxub.transport.ssh_config.machine import Machine
    from qxub.transport.ssh_config.new_host import NewHost


@dataclass(frozen=True)
class Addition:
    """A file with a host in it, and how the host would then be found. Nothing is written yet.

    `warnings` has what this client will not do of what holds for the host.
    """

    path: str
    insertion: Insertion
    found: LookUp
    warnings: tuple[str, ...]


def plan_addition(
    host: NewHost, content: bytes | None, *, config_file: str | None, machine: Machine
) -> Addition:
    """Find the place for a host where all that is asked for takes effect.

    `content` is what the file has, None where there is none; the file is `config_file`, or else the
    user's own. Raises HostConfigError for a file that is invalid already, for an alias that it or
    an included one has, and where a line before every place would win; ValueError where the host
    would not resolve.
    """
    path = machine.users_file if config_file is None else config_file
    before = _seeing(machine, path, content or b"", is_new=content is None)
    _check_file(host, path, config_file, before)
    trials = [
        _try(host, insertion, path, config_file, before)
        for insertion in insertions(content or b"", host, is_windows=machine.is_windows)
    ]
    best = min(trials, key=lambda addition: len(_winners(host, addition)))
    for keyword, origin in _winners(host, best).items():
        if keyword != "IdentityFile":  # of which all count: ours is tried after the others
            raise _overruled(host, keyword, best, origin)
    return best


def _seeing(machine: Machine, path: str, content: bytes, *, is_new: bool) -> Machine:
    """Return a machine on which the file has this content."""

    def read_file(name: str) -> bytes:
        return content if name == path else machine.read_file(name)

    def permission_problem(name: str) -> str:
        return "" if is_new and name == path else machine.permission_problem(name)

    return replace(machine, read_file=read_file, permission_problem=permission_problem)


def _check_file(host: NewHost, path: str, config_file: str | None, machine: Machine) -> None:
    with suppress(ResolveError):  # of a name that is only now being told
        look_up(host.alias, config_file=config_file, machine=machine)
    for alias in aliases(config_file=path, machine=machine):
        if alias.name == host.alias:
            raise HostConfigError(
                f"{alias.origin}: the host {alias.name!r} is there already",
                hint="Change it there with an editor, or take another alias.",
            )


def _try(
    host: NewHost, insertion: Insertion, path: str, config_file: str | None, machine: Machine
) -> Addition:
    """Look the host up in the file with the block in it."""
    machine = _seeing(machine, path, insertion.content, is_new=False)
    try:
        found = look_up(host.alias, config_file=config_file, machine=machine)
        config = with_jump_hosts(found, config_file, machine)
    except HostConfigError as error:
        raise ValueError(f"{host.alias!r} would not resolve: {error.message}") from error
    return Addition(path, insertion, found, config.warnings)


def _winners(host: NewHost, addition: Addition) -> Mapping[str, str]:
    """Return the keywords for which another value is used (first), with that one's place."""
    ours = {f"{addition.path}:{number}" for number in addition.insertion.lines}
    winners = {}
    for keyword, text in host.values().items():
        name = lower(keyword)
        setting = addition.found.settings.get(name)
        origin = _origin(addition.found, name)
        if name != "host" and origin not in ours and (setting is None or setting.texts[0] != text):
            winners[keyword] = origin
    return winners


def _origin(found: LookUp, name: str) -> str:
    """Return where the value of a keyword comes from, or what keeps it out."""
    if name == "identityfile":
        return found.settings[name].origins[0]
    settings = found.state.settings
    is_kept_out = name == "proxyjump" and not settings.is_set(name)
    return settings.origin("proxycommand" if is_kept_out else name)


def _overruled(host: NewHost, keyword: str, addition: Addition, origin: str) -> HostConfigError:
    setting = addition.found.settings.get(lower(keyword))
    what = f"{keyword} is {setting.texts[0]!r}" if setting else f"{keyword} is kept out"
    problem = f"{origin}: {what} for {host.alias!r} there already, and the first value wins"
    hint = "Change that line, or leave the option away. Nothing was written."
    return HostConfigError(problem, problems=(problem,), hint=hint)
