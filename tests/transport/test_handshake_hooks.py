"""What paramiko_handshake relies on in Paramiko: if one of these fails, read that module first."""

from __future__ import annotations

import inspect
import re

import paramiko
import pytest
from paramiko.common import MSG_CHANNEL_DATA, MSG_CHANNEL_EXTENDED_DATA, MSG_NAMES

from qxub.transport.paramiko_handshake import OFFERS, PREFERRED
from qxub.transport.ssh_config.algorithms import OURS


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("_check_banner", ["self"]),
        ("_parse_kex_init", ["self", "m"]),
        ("_really_parse_kex_init", ["self", "m", "ignore_first_byte"]),
        ("_send_user_message", ["self", "data"]),
        ("_send_message", ["self", "data"]),
        ("_parse_newkeys", ["self", "m"]),
        ("_parse_global_request", ["self", "m"]),
    ],
)
def test_methods_of_transport(name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(paramiko.Transport, name)).parameters) == parameters


def test_unknown_messages_would_be_a_key_error() -> None:
    """The handler table is asked before the names, and per instance."""
    source = inspect.getsource(paramiko.Transport.run)
    assert source.index("self._handler_table[ptype](m)") < source.index("MSG_NAMES[ptype]")
    assert "self._handler_table = {" in inspect.getsource(paramiko.Transport.__init__)
    assert 192 not in MSG_NAMES


def test_data_of_channels_goes_through_the_table() -> None:
    table = paramiko.Transport._channel_handler_table  # type: ignore[attr-defined]
    assert table[MSG_CHANNEL_DATA] is paramiko.Channel._feed  # type: ignore[attr-defined]
    assert table[MSG_CHANNEL_EXTENDED_DATA] is paramiko.Channel._feed_extended  # type: ignore[attr-defined]


def test_lists_are_found_in_the_offer_of_the_server() -> None:
    source = inspect.getsource(paramiko.Transport._really_parse_kex_init)  # type: ignore[attr-defined]
    for names in OFFERS.values():
        for name in names:
            assert f'parsed["{name}"]' in source


def test_lists_of_ours_are_read_from_the_instance() -> None:
    assert '"_preferred_{}".format(type_)' in inspect.getsource(
        paramiko.Transport._filter_algorithm  # type: ignore[attr-defined]
    )
    for keyword, field in PREFERRED.items():
        # certificates and keys in FIDO tokens are no business of Paramiko's
        plain = {name for name in OURS.usable[keyword] if not re.search("-cert-|^sk-", name)}
        depending = {"mlkem768x25519-sha256"}  # on the version of the cryptography library
        assert plain - depending <= set(getattr(paramiko.Transport, field))
