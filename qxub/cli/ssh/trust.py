"""`qxub ssh trust`: a host's keys, shown, and added to known_hosts if somebody vouches for them."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from qxub.cli.console import set_up_logging
from qxub.cli.prompts import TerminalPrompter
from qxub.errors import ConnectionFailed, UsageError
from qxub.remote.translation import translated
from qxub.transport import NOBODY, connect, resolve
from qxub.transport.host_key_fetch import OfferedKey, fetch_host_keys, trust_key, way_to
from qxub.transport.host_keys import Standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qxub.transport import Connection, HostConfig, Prompter

_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_QUESTION = "Are these the host's keys, and shall they be trusted (yes/no/[fingerprint])? "
_AGAIN = "Please type 'yes', 'no' or the fingerprint: "
_MOST_QUESTIONS = 5


@click.command("trust")
@click.option(
    "-F",
    "config_file",
    metavar="FILE",
    help="Read FILE instead of the user's and the system's ssh_config.",
)
@click.option(
    "--fingerprint",
    "fingerprints",
    metavar="SHA256:…",
    multiple=True,
    help="Trust the key with this fingerprint, and no other, without a question. May be repeated, "
    "for a jump host's.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, and ask nobody.")
@click.argument("host")
def command(
    host: str, *, config_file: str | None, fingerprints: tuple[str, ...], as_json: bool
) -> int:
    """Show the host keys of HOST, and add them to known_hosts once they are vouched for.

    That is by your word, or by a fingerprint that the site has published. Jump hosts come first:
    to look beyond one takes a login there. Nothing is added unseen, and a key that has changed is
    never replaced.

    \b
    qxub ssh trust gadi
    qxub ssh trust gadi --fingerprint SHA256:...
    """
    _check(fingerprints)
    set_up_logging(0, quiet=False)
    with translated():
        target = resolve(host, config_file=config_file)
        prompter = NOBODY if as_json else TerminalPrompter()
        inquiry = _Inquiry(frozenset(fingerprints), prompter, shows=not as_json)
        try:
            inquiry.go(way_to(target))
        finally:
            if as_json:
                click.echo(json.dumps(inquiry.seen, indent=2))
    return 0


def _check(fingerprints: Sequence[str]) -> None:
    for text in fingerprints:
        if not _FINGERPRINT.fullmatch(text):
            raise UsageError(
                f"{text!r} is not a fingerprint",
                hint="One is SHA256: and 43 characters, as `ssh-keygen -l` prints it.",
            )


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
            for host in way:
                keys = fetch_host_keys(host, jump)
                added = self._look_at(host, keys, is_last=host is way[-1])
                self.seen.append(_for_programs(host, keys, added))
                if not self._is_trusted(keys, added, is_last=host is way[-1]):
                    raise self._refusal(host, keys)
                if host is not way[-1]:
                    jump = stack.enter_context(connect(host, prompter=self.prompter))

    def _look_at(
        self, host: HostConfig, keys: Sequence[OfferedKey], *, is_last: bool
    ) -> tuple[OfferedKey, ...]:
        """Show the keys, and add those that somebody vouches for."""
        self._show(host, keys)
        new = [key for key in keys if key.standing is Standing.UNKNOWN]
        is_known = len(new) < len(keys)
        if not new or (is_known and not is_last):
            return ()
        chosen = self._vouched_for(keys) if self.fingerprints else self._confirmed(new)
        added = []
        for key in chosen:
            file = trust_key(host, key)
            if file is None:
                raise ConnectionFailed(f"the key of {host.alias} cannot be added to known_hosts")
            added.append(key)
            self._say(f"  {key.key_type} key added to {file}")
        return tuple(added)

    def _is_trusted(
        self, keys: Sequence[OfferedKey], added: Sequence[OfferedKey], *, is_last: bool
    ) -> bool:
        """Whether to go on. A given fingerprint must be the host's, even if that is known."""
        if is_last and self.fingerprints:
            return any(key.fingerprint in self.fingerprints for key in keys)
        return any(key.standing is Standing.KNOWN or key in added for key in keys)

    def _vouched_for(self, keys: Sequence[OfferedKey]) -> list[OfferedKey]:
        return [
            key
            for key in keys
            if key.fingerprint in self.fingerprints and key.standing is Standing.UNKNOWN
        ]

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
            click.echo(text)


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
