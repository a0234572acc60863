"""SSH agents on Windows: named pipes. (POSIX: test_authentication.py, with a real ssh-agent.)"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import threading
from typing import TYPE_CHECKING

import pytest

if sys.platform != "win32":
    pytest.skip("named pipes are Windows'", allow_module_level=True)
assert sys.platform == "win32"  # for mypy, which passes over it elsewhere

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from qxub.transport import AuthenticationError, connect, keys
from qxub.transport.agents import _windows
from tests.fakes import agent
from tests.fakes.pipe_windows import served_pipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qxub.transport import HostConfig
    from tests.fakes.ssh_host import FakeHost

PIPE = rf"\\.\pipe\qxub-test-{os.getpid()}"


@contextlib.contextmanager
def agent_with_the_key(fake: FakeHost, pipe: str) -> Iterator[HostConfig]:
    """Move the client's key from its file to an agent on `pipe`; give the host to log in to."""
    key = load_ssh_private_key(fake.client_key.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    fake.client_key.unlink()

    def serve(descriptor: int) -> None:
        def read(size: int) -> bytes:
            try:
                return os.read(descriptor, size)
            except BrokenPipeError:  # the client has closed
                return b""

        agent.serve(key, read, lambda data: os.write(descriptor, data))

    with served_pipe(pipe, serve):
        yield dataclasses.replace(fake.config(), identity_agent=None)


def test_a_key_in_openssh_s_agent_logs_in(fake: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with agent_with_the_key(fake, _windows.OPENSSH_PIPE) as host:
        connect(host).close()  # IdentitiesOnly: the key is named by client_key.pub
        connect(host).close()


@pytest.mark.parametrize("written", [PIPE, PIPE.replace("\\", "/")])
def test_ssh_auth_sock_names_another_pipe(
    fake: FakeHost, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", written)
    with agent_with_the_key(fake, PIPE) as host:
        connect(host).close()


def test_a_unix_socket_of_git_bash_is_passed_over(
    fake: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/tmp/ssh-AbCdEf/agent.123")  # noqa: S108 - only a name
    with agent_with_the_key(fake, _windows.OPENSSH_PIPE) as host:
        connect(host).close()


def test_a_busy_agent_is_waited_for(fake: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", PIPE)
    with agent_with_the_key(fake, PIPE) as host:
        other = os.open(PIPE, os.O_RDWR)
        threading.Timer(0.5, os.close, [other]).start()
        connect(host).close()


def test_no_agent_is_no_error(fake: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", PIPE)
    fake.client_key.unlink()
    with pytest.raises(AuthenticationError) as caught:
        connect(dataclasses.replace(fake.config(), identity_agent=None))
    assert [attempt.key for attempt in caught.value.attempts] == [str(fake.client_key)]


def test_a_hung_agent_is_only_a_note(fake: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "AGENT_SECONDS", 0.2)
    monkeypatch.setenv("SSH_AUTH_SOCK", PIPE)
    hung = threading.Event()
    host = dataclasses.replace(fake.config(), identity_agent=None, identity_files=())

    def serve(_: int) -> None:
        hung.wait()

    with served_pipe(PIPE, serve):
        with pytest.raises(AuthenticationError) as caught:
            connect(host)
        hung.set()
    assert "did not answer within" in caught.value.attempts[0].answer
