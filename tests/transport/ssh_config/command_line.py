"""An `ssh` command line as the arguments of a look-up; see ssh(1), and getopt's string in ssh.c."""

from __future__ import annotations

import getopt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LETTERS = "1246ab:c:e:fgi:kl:m:no:p:qstvxAB:CD:E:F:GI:J:KL:MNO:P:Q:R:S:TVw:W:XYy"

# These set their option at once, so that the last one wins, also over an -o before it.
OVERRIDE = {
    "-4": "AddressFamily=inet",
    "-6": "AddressFamily=inet6",
    "-A": "ForwardAgent=yes",
    "-a": "ForwardAgent=no",
    "-b": "BindAddress=",
    "-C": "Compression=yes",
    "-c": "Ciphers=",
    "-m": "MACs=",
    "-q": "LogLevel=QUIET",
    "-T": "RequestTTY=no",
    "-t": "RequestTTY=yes",
}
# Of these the first wins, -o among them.
FIRST_WINS = {"-J": "ProxyJump=", "-l": "User=", "-p": "Port=", "-o": ""}


@dataclass(frozen=True)
class Arguments:
    """What is given to look_up."""

    destination: str
    options: tuple[str, ...] = ()
    config_file: str | None = None


def parsed(argv: Sequence[str], *, exists: Callable[[str], bool]) -> Arguments:
    """Parse options, then one destination. `exists` says whether an identity file (-i) is there.

    Options that change nothing that is looked at (-x, -v, …) are passed over.
    """
    found, (destination,) = getopt.getopt(list(argv), LETTERS)
    options: list[str] = []
    config_file = None
    for letter, value in found:
        if letter in OVERRIDE:
            options.insert(0, OVERRIDE[letter] + value)
        elif letter in FIRST_WINS:
            options.append(FIRST_WINS[letter] + value)
        elif letter == "-i" and exists(value):  # ssh drops one that is missing, with a warning
            options.append(f"IdentityFile={value}")
        elif letter == "-F":
            config_file = value
    return Arguments(destination, tuple(options), config_file)


def keywords(arguments: Arguments) -> set[str]:
    """Give the keywords that options name, in lower case."""
    words = (re.split(r"[\s=]", option.strip(), maxsplit=1)[0] for option in arguments.options)
    return {word.lower() for word in words}
