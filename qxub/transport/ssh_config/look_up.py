"""Looking a host up, as `ssh -G` does: command line, the user's file, the system's, defaults."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from qxub.transport.errors import HostConfigError
from qxub.transport.ssh_config.canonical import canonical_host
from qxub.transport.ssh_config.destination import parse_destination, valid_host, valid_user
from qxub.transport.ssh_config.finish import finish
from qxub.transport.ssh_config.keywords import KEYWORDS
from qxub.transport.ssh_config.machine import Machine, this_machine
from qxub.transport.ssh_config.reader import Place, Reader
from qxub.transport.ssh_config.shown import Setting, shown_settings
from qxub.transport.ssh_config.state import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LookUp:
    """What ssh_config says about a host: `settings` by keyword, in the order of `ssh -G`."""

    alias: str
    state: State
    settings: Mapping[str, Setting]

    def lines(self) -> list[tuple[str, str]]:
        """Keywords and values as `ssh -G` prints them, a line each."""
        return [(name, text) for name, setting in self.settings.items() for text in setting.texts]


def look_up(
    destination: str,
    *,
    options: Sequence[str] = (),
    config_file: str | None = None,
    remote_command: str = "",
    machine: Machine | None = None,
) -> LookUp:
    """Resolve one host; its jump hosts are read, but not resolved.

    The arguments are ssh(1)'s: `options` is what stands behind each -o, `config_file` behind -F
    ("none" reads no file). Raises HostConfigError for whatever makes `ssh -G` fail: a bad file with
    all its bad lines, a bad destination, a value that cannot be expanded; and ResolveError where
    the name must be looked up and cannot be.
    """
    state = _begin(destination, options, remote_command, machine or this_machine())
    _read_files(state, config_file)
    _fix_canonicalization(state)
    canonical = canonical_host(state, state.hostname)
    state.settings.fix("hostname", canonical)
    state.is_final = True
    if state.wants_final or state.settings.get("canonicalizehostname") != "false":
        state.host = canonical
        _read_files(state, config_file)
    finish(state)
    return LookUp(state.alias, state, shown_settings(state))


def _begin(
    destination_text: str, options: Sequence[str], remote_command: str, machine: Machine
) -> State:
    """Take the command line. Names from there are checked, as they may come from anywhere."""
    try:
        destination = parse_destination(destination_text, machine.service_port)
    except ValueError as error:
        raise HostConfigError(f"{destination_text!r} is not a host: it {error}") from error
    state = State(machine, destination.host, remote_command)
    reader = Reader(state)
    for option in options:
        reader.read_option(option)
    for name, value in (("user", destination.user), ("port", destination.port)):
        if value is not None:
            state.settings.put(KEYWORDS[name], value, "command line", is_users=True)
    jump = state.settings.get("proxyjump")
    _check_names(state.alias, state.settings.get("user"))
    for hop in jump.hosts if jump else ():
        _check_names(hop.host, hop.user)
    return state


def _check_names(host: str, user: str | None) -> None:
    if not host or not valid_host(host):
        raise HostConfigError(f"the host name {host!r} has characters that none has")
    if user is not None and not valid_user(user):
        raise HostConfigError(f"the user name {user!r} has characters that none has")


def read_files(
    read: Callable[[Place, bool], None], config_file: str | None, machine: Machine
) -> None:
    """Read the file of -F, or else the user's and the system's, either of which may be missing.

    `read` takes each file, and whether it must be one that nobody else may write to.
    """
    if config_file is not None:
        if config_file.lower() == "none":
            return
        try:
            read(Place(config_file, is_users=True), False)
        except OSError as error:
            reason = error.strerror or error
            raise HostConfigError(f"{config_file}: cannot read it: {reason}") from error
        return
    users = Place(machine.users_file, is_users=True)
    system = Place(machine.system_file, is_users=False)
    for place in (users, system):
        try:
            read(place, place.is_users)
        except FileNotFoundError:
            log.debug("%s is not there", place.path)
        except OSError as error:  # as OpenSSH does, which does not even say so
            log.warning("%s: not read: %s", place.path, error.strerror or error)


def _read_files(state: State, config_file: str | None) -> None:
    reader = Reader(state)
    read_files(
        lambda place, checked: reader.read(place, checked=checked), config_file, state.machine
    )


def _fix_canonicalization(state: State) -> None:
    """Let what canonicalisation goes by no longer change: the final pass comes too late for it."""
    for name in ("canonicalizehostname", "canonicalizemaxdots", "canonicalizefallbacklocal"):
        if not state.settings.is_set(name):
            state.settings.fix(name, KEYWORDS[name].default)
