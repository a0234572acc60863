"""Nothing secret reaches a log, an error or the screen, at whatever level one logs."""

from __future__ import annotations

import base64
import logging
import traceback
from typing import TYPE_CHECKING

import pytest

from qxub.transport import AuthenticationError, connect, generate_key_pair, identities
from tests.fakes.login_server import login_server
from tests.fakes.prompter import Answers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.login_server import Desk, LoginHost

# Six digits alone turn up by chance: a record of the log holds some fifty, of times and threads.
PASSPHRASE, PASSWORD, CODE = "open-sesame-77", "hunter2-hunter2", "kestrel-918273"
SECRETS = (PASSPHRASE, PASSWORD, CODE)


def locked_key(file: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    generate_key_pair(file)
    key = serialization.load_ssh_private_key(file.read_bytes(), None)
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.BestAvailableEncryption(PASSPHRASE.encode()),
        )
    )


def three_steps(desk: Desk, *, last: str) -> None:
    """A key, a password, and a code; `last` is the code that is right."""
    desk.request("none")
    desk.refuse("publickey")
    fields = desk.request("publickey").fields
    assert not fields.get_boolean()
    desk.send(60, fields.get_binary(), fields.get_binary())
    desk.request("publickey")
    desk.refuse("password", partial=True)
    assert desk.password() == PASSWORD
    desk.refuse("keyboard-interactive", partial=True)
    for _ in range(3):
        desk.request("keyboard-interactive")
        if desk.ask((f"Code (you said {PASSWORD[:3]}…): ", False)) == [last]:
            desk.let_in()
            return
        desk.refuse("keyboard-interactive")


def private_part(file: Path) -> str:
    """A piece of the key's private bytes, as a log of them would show it."""
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_ssh_private_key(file.read_bytes(), PASSPHRASE.encode())
    raw = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )[-32:]
    return raw.hex()


def shown_by(host: LoginHost, caplog: pytest.LogCaptureFixture, *, is_let_in: bool) -> str:
    """Log in with every logger at DEBUG; give all that was logged, raised and told."""
    person = Answers([PASSPHRASE, PASSWORD, *[CODE] * 3])
    for name in ("", "paramiko", "paramiko.transport", "qxub", *logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger=name or None)
    raised = ""
    try:
        connect(host.config(), prompter=person).close()
    except AuthenticationError as error:
        raised = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        raised += repr(error.attempts) + error.hint + repr(vars(error))
    assert is_let_in == (not raised)
    assert person.asked[0][0].startswith("Enter passphrase for key")
    assert "qxub.transport.paramiko_hooks" in {record.name for record in caplog.records}
    records = "".join(repr(vars(record)) for record in caplog.records)
    return caplog.text + records + raised + repr(person.told)


@pytest.mark.parametrize("is_let_in", [True, False], ids=["let in", "refused"])
def test_no_secret_is_shown(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    is_let_in: bool,
) -> None:
    monkeypatch.setattr(identities, "_unlocked", {})
    last = CODE if is_let_in else "something else"
    with login_server(tmp_path / "server", lambda desk: three_steps(desk, last=last)) as host:
        locked_key(tmp_path / "server" / "key")
        shown = shown_by(host, caplog, is_let_in=is_let_in)
        private = private_part(tmp_path / "server" / "key")
    out, err = capfd.readouterr()
    for secret in (*SECRETS, private):
        encoded = base64.b64encode(secret.encode()).decode()
        for form in (secret, encoded, secret.encode().hex()):
            assert form not in shown
            assert form not in out + err
