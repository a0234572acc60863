"""The account of a login: what was tried, what came of it, and what would help."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qxub.transport.errors import Attempt, AuthenticationError

if TYPE_CHECKING:
    from qxub.transport.host_config import HostConfig


@dataclass
class Account:
    """Attempts in order. One that has begun and has no answer yet is `pending`."""

    host: HostConfig
    attempts: list[Attempt] = field(default_factory=list)
    methods: tuple[str, ...] = ()
    accepted: list[str] = field(default_factory=list)
    """the methods that the server counted as a step (RFC 4252 section 5.1, partial success)"""
    hints: dict[int, str] = field(default_factory=dict)
    _pending: tuple[str, str, str] | None = None

    @property
    def is_pending(self) -> bool:
        """Whether an attempt has begun and has no answer yet."""
        return self._pending is not None

    def begin(self, method: str, key: str = "", fingerprint: str = "") -> None:
        """Note that an attempt is being made."""
        self._pending = (method, key, fingerprint)

    def end(self, answer: str) -> None:
        """Note what came of the attempt that was begun; nothing if there is none."""
        if self._pending is not None:
            self.attempts.append(Attempt(*self._pending, answer))
            self._pending = None

    def skip(self, method: str, key: str, reason: str, *, fingerprint: str = "") -> None:
        """Note what is not tried, and why."""
        self.attempts.append(Attempt(method, key, fingerprint, f"skipped: {reason}"))

    def suggest(self, rank: int, hint: str) -> None:
        """Propose a hint; of several, that of the lowest rank is given."""
        self.hints.setdefault(rank, hint)

    def origin(self, keyword: str) -> str:
        """Say where a setting comes from, such as " (/home/ann/.ssh/config:7)"; "" if unknown."""
        places = self.host.origins.get(keyword, ())
        return f" ({', '.join(places)})" if places else ""

    def refusal(self, *, ended: str = "") -> AuthenticationError:
        """Give the error; `ended` says why the server hung up, if it did."""
        host = self.host
        names = ", ".join(self.methods)
        lines = [f"  {attempt}" for attempt in self.attempts] or ["  nothing could be tried"]
        last = f"it ended the session: {ended}" if ended else f"it would still accept: {names}"
        if not ended and not names:
            last = "it would accept nothing further"
        return AuthenticationError(
            "\n".join(
                [f"{host.alias}: {host.hostname} did not let {host.user} in", *lines, f"  {last}"]
            ),
            attempts=tuple(self.attempts),
            methods=self.methods,
            hint=self._hint(ended),
            host=host.alias,
        )

    def _hint(self, ended: str) -> str:
        if "too many" in ended.lower() and "publickey" in self.methods:
            return (
                "The server counts every key that it is offered. Name the right one with "
                "IdentityFile, and set IdentitiesOnly yes, for this host in ssh_config."
            )
        if self.hints:
            return self.hints[min(self.hints)]
        if self.accepted:
            done = " and ".join(self.accepted)
            return f"The first step ({done}) was right; the step after it was refused."
        return (
            "Check User and IdentityFile for this host in ssh_config, "
            "and that the site has the public key."
        )
