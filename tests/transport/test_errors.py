"""Every exception of Paramiko's becomes one of ours, and hostile peers become a ConnectError."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING

import paramiko
import pytest
from paramiko import ssh_exception

from qxub.transport import (
    ConnectError,
    ConnectionLost,
    HostConfig,
    ResolveError,
    TransportError,
    connect,
    errors,
)
from qxub.transport.translation import OWN_ERROR, printable, translate, translated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOREIGN = [
    kind
    for _, kind in inspect.getmembers(ssh_exception, inspect.isclass)
    if kind.__module__ == ssh_exception.__name__
]

_KEY = paramiko.ECDSAKey.generate()
EXAMPLES: dict[type[Exception], Exception] = {
    ssh_exception.BadAuthenticationType: ssh_exception.BadAuthenticationType("words", ["x"]),
    ssh_exception.BadHostKeyException: ssh_exception.BadHostKeyException("words", _KEY, _KEY),
    ssh_exception.ChannelException: ssh_exception.ChannelException(2, "words"),
    ssh_exception.NoValidConnectionsError: ssh_exception.NoValidConnectionsError(
        {("words", 22): OSError()}
    ),
    ssh_exception.PartialAuthentication: ssh_exception.PartialAuthentication(["words"]),
    ssh_exception.ProxyCommandFailure: ssh_exception.ProxyCommandFailure("nc", "words"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_every_class_of_paramiko_is_in_the_table(kind: type[Exception]) -> None:
    assert kind in OWN_ERROR
    own = OWN_ERROR[kind] or ConnectionLost
    example = EXAMPLES.get(kind) or kind("words")
    error = translate(example, "h", "a stage", ConnectionLost)
    assert type(error) is own
    assert error.host == "h"
    assert "a stage: " in str(error)
    assert "words" in str(error)


@pytest.mark.parametrize("kind", [KeyError, EOFError, OSError, socket.timeout, ValueError])
def test_other_classes_become_what_the_stage_says(kind: type[Exception]) -> None:
    with pytest.raises(ConnectError) as caught, translated("h", "a stage", ConnectError):
        raise kind
    assert isinstance(caught.value.__cause__, kind)


def test_own_errors_pass_unchanged() -> None:
    error = TransportError("mine")
    with pytest.raises(TransportError) as caught, translated("h", "a stage", ConnectError):
        raise error
    assert caught.value is error


def test_every_own_error_stands_in_the_tree() -> None:
    assert errors.__doc__ is not None
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, Exception):
            assert issubclass(kind, TransportError)
            assert name in errors.__doc__


def test_control_characters_are_made_visible() -> None:
    assert printable("a\x1b[31m\nb\u202e") == r"a\x1b[31m\nb\u202e"


def host_at(port: int, name: str = "127.0.0.1") -> HostConfig:
    return HostConfig("far", name, port, "u", connect_timeout=1.0)


@contextlib.contextmanager
def peer(greeting: bytes, *, hang_up: bool) -> Iterator[int]:
    """A TCP server that says `greeting` to one client, and then hangs up or keeps silent."""
    done = threading.Event()

    def serve() -> None:
        client, _ = listener.accept()
        with client:
            client.sendall(greeting)
            if not hang_up:
                done.wait()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            done.set()
            thread.join()


@pytest.mark.parametrize(
    ("greeting", "hang_up", "message"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", True, "does not speak SSH"),
        (b"", True, "does not speak SSH"),
        (b"", False, "connect time of 1 s was up, before an SSH banner"),
        (b"SSH-2.0-silent\r\n", False, "connect time of 1 s was up, in the key exchange"),
        (b"SSH-2.0-rude\r\n", True, "key exchange"),
        (b"SSH-1.5-old\r\n", True, "Incompatible version"),
        (b"SSH-2.0-junk\r\n" + b"\0\0\0\x0c\x0a\xc8" + bytes(10), True, "key exchange"),
    ],
)
def test_peers_that_do_not_shake_hands(greeting: bytes, hang_up: bool, message: str) -> None:
    start = time.monotonic()
    with peer(greeting, hang_up=hang_up) as port, pytest.raises(ConnectError, match=message):
        connect(host_at(port))
    assert time.monotonic() - start < 60  # far from any of Paramiko's own limits of an hour


def test_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectError, match=f"127.0.0.1 port {port}: ") as caught:
        connect(host_at(port))
    assert caught.value.hint
    assert caught.value.host == "far"


def test_unresolvable() -> None:
    with pytest.raises(ResolveError, match=r"nothere\.invalid"):
        connect(host_at(22, "nothere.invalid"))


def test_all_addresses_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    found = socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kw: found * 3)
    with pytest.raises(ConnectError) as caught:
        connect(host_at(port))
    assert caught.value.message.count(f"127.0.0.1 port {port}: ") == 3


def test_failures_print_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paramiko logs tracebacks of what it raises; with logging not set up they would show."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    config = dataclasses.replace(host_at(1), user_known_hosts_files=(tmp_path / "none",))
    with peer(b"SSH-2.0-rude\r\n", hang_up=True) as port, pytest.raises(ConnectError):
        connect(dataclasses.replace(config, port=port))
    assert capfd.readouterr() == ("", "")
