"""`qxub ssh trust`: a host's keys, shown, and added to known_hosts if somebody vouches for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from qxub.cli.answer import CommandWithHelp
from qxub.cli.console import set_up_logging
from qxub.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


@click.command("trust", cls=CommandWithHelp)
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
    from qxub.cli.ssh.inquiry import inquire  # noqa: PLC0415 - brings Paramiko

    set_up_logging(0, quiet=False)
    inquire(host, config_file, frozenset(fingerprints), as_json=as_json)
    return 0


def _check(fingerprints: Sequence[str]) -> None:
    for text in fingerprints:
        if not _FINGERPRINT.fullmatch(text):
            raise UsageError(
                f"{text!r} is not a fingerprint",
                hint="One is SHA256: and 43 characters, as `ssh-keygen -l` prints it.",
            )
