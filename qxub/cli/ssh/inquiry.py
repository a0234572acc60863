"""Asking hosts for their keys, one after the other, and a person whether to trust them."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qxub.cli.answer import write_answer
from qxub.cli.prompts import TerminalPrompter
from qxub.errors import ConnectionFailed
from qxub.remote.translation import translated
from qxub.transport import NOBODY, connect, resolve
from qxub.transport.host_key_fetch import OfferedKey, fetch_host_keys, trust_key, way_to
from qxub.transport.host_keys import Standing, known_host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qxub.transport import Connection, HostConfig, Prompter

_QUESTION = "Are these the host's keys, and shall they be trusted (yes/no/[fingerprint])? "
_AGAIN = "Please type 'yes', 'no' or the fingerprint: "
_MOST_QUESTIONS = 5


def inquire(
    host: str, config_file: str | None, fingerprints: frozenset[str], *, as_json: bool
) -> None:
    """Show the keys of `host` and of the jump hosts before it, and add those vouched for.

    Raises ConnectionFailed if one of them is not trusted in the end, and ConfigError.
    """
    with translated():
        target = resolve(host, config_file=config_file)
        prompter = NOBODY if as_json else TerminalPrompter()
        inquiry = _Inquiry(fingerprints, prompter, shows=not as_json)
        try:
            inquiry.go(way_to(target))
        finally:
            if as_json:
                write_answer(json.dumps(inquiry.seen, indent=2))


@dataclass
class _Inquiry:
    """Goes from host to host; `seen` is what --json prints."""

    fingerprints: frozenset[str]
    prompter: Prompter
    shows: bool
    seen: list[dict[str, object]] = field(default_factory=list)

    def go(self, way: Sequence[HostConfig]) -> None:
        """Look at each host, by way of the one before. Raises what keeps one from being trusted."""
        with ExitStack() as stack:
            jump: Connection | None = None
            for host in way[:-1]:
                keys = fetch_host_keys(host, jump, self.prompter)
                is_trusted = self._look_at(host, keys, asks=not _is_known(host, keys))
                if not is_trusted and not _has_authority(host):
                    raise self._refusal(host, keys)
                jump = stack.enter_context(connect(host, prompter=self.prompter))
            target = way[-1]
            keys = fetch_host_keys(target, jump, self.prompter)
            is_trusted = self._look_at(target, keys, asks=True)
            # a given fingerprint must be the host's, even if that is known
            if self.fingerprints and not self._has_given(keys):
                is_trusted = False
            if not is_trusted:
                raise self._refusal(target, keys)

    def _look_at(self, host: HostConfig, keys: Sequence[OfferedKey], *, asks: bool) -> bool:
        """Show the keys, add those that somebody vouches for, and tell if one is trusted now."""
        self._show(host, keys)
        new = [key for key in keys if key.standing is Standing.UNKNOWN]
        added = self._add(host, self._choose(new)) if new and asks else []
        self.seen.append(_for_programs(host, keys, added))
        return bool(added) or len(new) < len(keys)

    def _choose(self, new: Sequence[OfferedKey]) -> list[OfferedKey]:
        if self.fingerprints:
            return [key for key in new if key.fingerprint in self.fingerprints]
        return self._confirmed(new)

    def _has_given(self, keys: Sequence[OfferedKey]) -> bool:
        return any(key.fingerprint in self.fingerprints for key in keys)

    def _add(self, host: HostConfig, keys: Sequence[OfferedKey]) -> list[OfferedKey]:
        for key in keys:
            file = trust_key(host, key)
            if file is None:
                raise ConnectionFailed(f"the key of {host.alias} cannot be added to known_hosts")
            self._say(f"  {key.key_type} key added to {file}")
        return list(keys)

    def _confirmed(self, new: Sequence[OfferedKey]) -> list[OfferedKey]:
        """Ask. A fingerprint is an answer for that one key."""
        text = _QUESTION
        for _ in range(_MOST_QUESTIONS):
            answer = self.prompter.ask(text, echo=True)
            word = "no" if answer is None else answer.strip() or "no"
            if word.lower() == "no":
                return []
            chosen = [key for key in new if word.lower() == "yes" or word == key.fingerprint]
            if chosen:
                return chosen
            text = _AGAIN
        return []

    def _show(self, host: HostConfig, keys: Sequence[OfferedKey]) -> None:
        self._say(f"{host.alias} ({host.hostname} port {host.port})")
        for key in keys:
            where = f"known: {', '.join(key.places)}" if key.places else "not known"
            self._say(f"  {key.key_type:<19}  {key.fingerprint}  {where}")

    def _refusal(self, host: HostConfig, keys: Sequence[OfferedKey]) -> ConnectionFailed:
        if self.fingerprints:
            shown = ", ".join(key.fingerprint for key in keys)
            return ConnectionFailed(
                f"no key of {host.alias} has the given fingerprint; nothing was added for it",
                hint=f"It offers {shown}. Do not trust them unless the site says so.",
            )
        return ConnectionFailed(
            f"the keys of {host.alias} were not confirmed; nothing was added for it",
            hint="Get the host's fingerprint from the site, and give it with --fingerprint.",
        )

    def _say(self, text: str) -> None:
        if self.shows:
            write_answer(text)


def _is_known(host: HostConfig, keys: Sequence[OfferedKey]) -> bool:
    return _has_authority(host) or any(key.standing is Standing.KNOWN for key in keys)


def _has_authority(host: HostConfig) -> bool:
    """Whether the host may be known by a certificate; the login to it finds that out."""
    return known_host(host).has_authority


def _for_programs(
    host: HostConfig, keys: Sequence[OfferedKey], added: Sequence[OfferedKey]
) -> dict[str, object]:
    shown = [
        {
            "type": key.key_type,
            "fingerprint": key.fingerprint,
            "standing": "added" if key in added else key.standing.value,
            "places": list(key.places),
        }
        for key in keys
    ]
    return {"host": host.alias, "hostname": host.hostname, "port": host.port, "keys": shown}
