"""What paramiko_hooks relies on in Paramiko: if one of these fails, read that module first."""

from __future__ import annotations

import inspect
import re

import paramiko
import pytest
from paramiko.common import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_FAILURE,
    MSG_CHANNEL_REQUEST,
    MSG_CHANNEL_SUCCESS,
)

from qxub.transport.host_key_proof import RefusedHostKey
from qxub.transport.paramiko_hooks import (
    PLAIN_HOST_KEY_ALGORITHMS,
    WEAK_ALGORITHMS,
)

_USED = "self.auth_handler."


def test_handler_table_holds_the_messages() -> None:
    table = paramiko.Transport._channel_handler_table  # type: ignore[attr-defined]
    assert table[MSG_CHANNEL_REQUEST] is paramiko.Channel._handle_request  # type: ignore[attr-defined]
    assert table[MSG_CHANNEL_CLOSE] is paramiko.Channel._handle_close  # type: ignore[attr-defined]
    assert table[MSG_CHANNEL_SUCCESS] is paramiko.Channel._request_success  # type: ignore[attr-defined]
    assert table[MSG_CHANNEL_FAILURE] is paramiko.Channel._request_failed  # type: ignore[attr-defined]
    source = inspect.getsource(paramiko.Transport.run)
    assert "self._channel_handler_table[ptype](chan, m)" in source


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("_verify_key", ["self", "host_key", "sig"]),
        ("_parse_disconnect", ["self", "m"]),
        ("_log", ["self", "level", "msg", "args"]),
        ("_send_user_message", ["self", "data"]),
        ("_next_channel", ["self"]),
        ("_parse_channel_open_failure", ["self", "m"]),
        ("run", ["self"]),
    ],
)
def test_methods_of_transport(name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(paramiko.Transport, name)).parameters) == parameters


def test_streams_stand_in_for_the_buffers_of_a_channel() -> None:
    """A channel feeds and closes its buffers; the rest is for readers, who ask the stream."""
    source = inspect.getsource(paramiko.Channel)
    for name in ("_feed", "_feed_extended", "_handle_eof", "_set_closed", "_unlink"):
        called = re.findall(r"_buffer\.(\w+)", inspect.getsource(getattr(paramiko.Channel, name)))
        assert set(called) <= {"feed", "close"}
    assert "self.in_buffer.close()\n        self.in_stderr_buffer.close()" in source


def test_opening_of_a_channel() -> None:
    """ask_for_session does what open_channel does, and is told of the answer in the same way."""
    source = inspect.getsource(paramiko.Transport.open_channel)
    for line in (
        "chanid = self._next_channel()",
        "self._channels.put(chanid, chan)",
        "self.channels_seen[chanid] = True",
        "chan._set_transport(self)",
        "chan._set_window(window_size, max_packet_size)",
        "self._send_user_message(m)",
    ):
        assert line in source
    success = inspect.getsource(paramiko.Transport._parse_channel_open_success)  # type: ignore[attr-defined]
    assert "self.channel_events[chanid].set()\n                del self.channel_events" in success
    failure = inspect.getsource(paramiko.Transport._parse_channel_open_failure)  # type: ignore[attr-defined]
    assert failure.index("chanid = m.get_int()") < failure.index("reason = m.get_int()")
    assert "self._channels.delete(chanid)" in failure


def test_window_of_what_is_sent() -> None:
    """A window adjustment adds to `out_window_size` and wakes who waits on `out_buffer_cv`."""
    source = inspect.getsource(paramiko.Channel._window_adjust)  # type: ignore[attr-defined]
    assert "self.out_window_size += nbytes" in source
    assert "self.out_buffer_cv.notify_all()" in source
    assert "self.out_buffer_cv = threading.Condition(self.lock)" in inspect.getsource(
        paramiko.Channel.__init__
    )


@pytest.mark.parametrize("name", ["clear_to_send", "clear_to_send_lock", "_expected_packet"])
def test_fields_of_transport(name: str) -> None:
    assert f"self.{name} = " in inspect.getsource(paramiko.Transport.__init__)


def test_what_stands_in_for_the_auth_handler() -> None:
    source = inspect.getsource(paramiko.Transport)
    uses = {line.split("self.auth_handler.")[1] for line in source.splitlines() if _USED in line}
    called = {name.split("(")[0].split("[")[0].split(":")[0] for name in uses}
    own = {"_handler_table", "is_authenticated", "abort"}  # the rest is Paramiko's ways to log in
    ways = {"auth_none", "auth_password", "auth_publickey", "auth_interactive", "get_username"}
    others = {"banner", "wait_for_response"}
    assert called - ways - others == own
    assert {"session_id", "server_extensions"} <= set(paramiko.Transport.__init__.__code__.co_names)
    assert list(inspect.signature(paramiko.Transport._auth_trigger).parameters) == ["self"]  # type: ignore[attr-defined]


def test_preferred_keys_is_a_property() -> None:
    assert isinstance(paramiko.Transport.preferred_keys, property)


def test_algorithm_names_are_known_to_paramiko() -> None:
    assert set(PLAIN_HOST_KEY_ALGORITHMS) == set(paramiko.Transport._preferred_keys)  # type: ignore[attr-defined]
    for kind, names in WEAK_ALGORITHMS.items():
        assert set(names) <= set(getattr(paramiko.Transport, f"_preferred_{kind}"))


def test_the_host_key_is_verified_in_one_place() -> None:
    """With self.host_key_type, self.H and the key's own class; it then is self.host_key."""
    source = inspect.getsource(paramiko.Transport._verify_key)  # type: ignore[attr-defined]
    assert "self._key_info[self.host_key_type](Message(host_key))" in source
    assert "verify_ssh_sig(self.H, Message(sig))" in source
    assert "self.host_key = key" in source
    engines = paramiko.Transport._kex_info.values()  # type: ignore[attr-defined]
    for engine in engines:  # a client has no other way to accept a host key, whichever it is
        sources = [inspect.getsource(kind) for kind in engine.__mro__ if kind is not object]
        assert any("transport._verify_key(" in source for source in sources), engine


def test_certificates_are_verified_by_the_plain_key() -> None:
    """Paramiko is handed the plain key under a certificate's algorithm."""
    table = paramiko.Transport._key_info  # type: ignore[attr-defined]
    for name in PLAIN_HOST_KEY_ALGORITHMS:
        assert table[name] is table[f"{name}-cert-v01@openssh.com"]


def test_a_bad_host_key_has_a_class_that_is_translated() -> None:
    assert issubclass(RefusedHostKey, paramiko.BadHostKeyException)
    assert str(RefusedHostKey("a reason")) == "a reason"
