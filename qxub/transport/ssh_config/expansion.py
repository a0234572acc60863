"""Tokens (%h), variables (${NAME}) and home directories (~) in the values of ssh_config(5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qxub.transport.ssh_config.machine import Machine

_VARIABLE = r"\$\{([^}]*)(\}?)"
_PERCENT = r"%(.?)"
_BOTH = re.compile(f"{_VARIABLE}|{_PERCENT}", re.DOTALL)
_ONLY_VARIABLES = re.compile(f"{_VARIABLE}|(?!)()", re.DOTALL)
_ONLY_TOKENS = re.compile(f"(?!)()()|{_PERCENT}", re.DOTALL)


def expand(
    text: str,
    *,
    tokens: Mapping[str, Callable[[], str]] | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Replace %-tokens where `tokens` are given, and variables where an `environment` is.

    Raises ValueError for an unknown token, and for a variable that is not set.
    """
    if "%" not in text and "$" not in text:
        return text

    def replace(found: re.Match[str]) -> str:
        if found[3] is not None:
            return _token(found[3], text, tokens or {})
        return _variable(found[1], bool(found[2]), text, environment or {})

    if tokens is None:
        return _ONLY_VARIABLES.sub(replace, text)
    return (_ONLY_TOKENS if environment is None else _BOTH).sub(replace, text)


def _variable(name: str, closed: bool, text: str, environment: Mapping[str, str]) -> str:
    if not closed or not name:
        raise ValueError(f"has a wrong ${{NAME}} in {text!r}")
    if name not in environment:
        raise ValueError(f"needs the environment variable {name}, which is not set")
    return environment[name]


def _token(name: str, text: str, tokens: Mapping[str, Callable[[], str]]) -> str:
    if name == "%":
        return "%"
    if name not in tokens or not name:
        known = " ".join(f"%{token}" for token in sorted(tokens))
        raise ValueError(f"has the unknown token %{name} in {text!r}; it may have %% {known}")
    return tokens[name]()


def expand_tilde(text: str, machine: Machine) -> str:
    """Replace `~` and `~user` at the beginning. Raises ValueError for a user who is not known."""
    if not text.startswith("~"):
        return text
    separators = "/\\" if machine.is_windows else "/"
    found = re.fullmatch(rf"~([^{re.escape(separators)}]*)(.*)", text, re.DOTALL)
    user, path = (found[1], found[2]) if found else (text[1:], "")
    home = machine.home_of(user) if user else machine.home
    if home is None:
        raise ValueError(f"has no user {user!r} for {text!r}")
    return home + ("" if home.endswith("/") else "/") + path.lstrip(separators)
