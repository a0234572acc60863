"""Match lines (ssh_config(5), Match): criteria that must all hold; each may be negated."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Callable

from qxub.transport.patterns import matches_any

if TYPE_CHECKING:
    from collections.abc import Sequence

RELEASE = "OpenSSH_10.0p1"
"""what `Match version` is compared with: the release whose configuration is understood here"""

WITHOUT_ARGUMENT = ("canonical", "final")
_MAY_BE_EMPTY = ("tagged", "command")

Criterion = Callable[[str], bool]


def take_argument(words: list[str], name: str, equals: str, value: str) -> str:
    """Take a criterion's argument, which may stand behind a "=" with or without blanks."""
    if not equals and words and words[0].startswith("="):
        equals, value = "=", words.pop(0)[1:]
    if value or (equals and not words):
        argument = value
    elif words:
        argument = words.pop(0)
    else:
        raise ValueError(f"has no argument for {name}")
    if not argument and name not in _MAY_BE_EMPTY:
        raise ValueError(f"has no argument for {name}")
    return argument


def in_list(text: str, patterns: str) -> bool:
    """Whether a comma-separated pattern list takes `text`."""
    return matches_any(text, patterns.split(","))


def in_list_or_both_empty(text: str, patterns: str) -> bool:
    """As `in_list`, but nothing is taken by the empty list, and by no other."""
    return in_list(text, patterns) if text else not patterns


def in_networks(addresses: Sequence[str], networks: str) -> bool:
    """Whether one address is in one network of a list in CIDR form. Raises ValueError."""
    ranges = [
        (text.startswith("!"), ipaddress.ip_network(text.lstrip("!")))
        for text in networks.split(",")
    ]
    return any(_in_ranges(address.partition("%")[0], ranges) for address in addresses)


def _in_ranges(
    text: str, ranges: Sequence[tuple[bool, ipaddress.IPv4Network | ipaddress.IPv6Network]]
) -> bool:
    address = ipaddress.ip_address(text)
    inside = [negated for negated, network in ranges if address in network]
    return bool(inside) and not any(inside)
