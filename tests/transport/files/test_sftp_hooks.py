"""What paramiko_sftp relies on in Paramiko: if one of these fails, read that module first."""

from __future__ import annotations

import inspect

import paramiko
import pytest
from paramiko.sftp_attr import SFTPAttributes


@pytest.mark.parametrize(
    ("kind", "name", "parameters"),
    [
        (paramiko.SFTPClient, "_request", ["self", "t", "args"]),
        (paramiko.SFTPClient, "_async_request", ["self", "fileobj", "t", "args"]),
        (paramiko.SFTPClient, "_read_response", ["self", "waitfor"]),
        (paramiko.SFTPClient, "_convert_status", ["self", "msg"]),
        (SFTPAttributes, "_from_msg", ["msg", "filename", "longname"]),
    ],
)
def test_methods(kind: type, name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(kind, name)).parameters) == parameters


def test_an_answer_goes_to_who_asked_for_it() -> None:
    source = inspect.getsource(paramiko.SFTPClient._read_response)  # type: ignore[attr-defined]
    assert "fileobj._async_response(t, msg, num)" in source
    assert "self._convert_status(msg)" in source  # of the request that is waited for


def test_what_is_used_of_the_socket() -> None:
    source = inspect.getsource(paramiko.sftp.BaseSFTP) + inspect.getsource(paramiko.SFTPClient)
    uses = [line.split("self.sock.")[1] for line in source.splitlines() if "self.sock." in line]
    names = {use.split("(")[0] for use in uses}
    assert names == {"send", "recv", "close", "get_name", "get_transport"}
    assert "if type(sock) is Channel:" in source  # so get_transport is asked of a channel alone
