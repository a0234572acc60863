"""A new block in a file: every byte of the rest stays, and what was asked for takes effect."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qxub.transport.errors import HostConfigError
from qxub.transport.ssh_config import NewHost, look_up, plan_addition, this_machine
from qxub.transport.ssh_config.insertion import insertions
from qxub.transport.ssh_config.lines import quoted
from qxub.transport.ssh_config.memory import read_line

GADI = NewHost("gadi", "gadi.nci.org.au", user="ab1234")
BLOCK = "Host gadi\n  HostName gadi.nci.org.au\n  User ab1234\n"

MARK = b"\xef\xbb\xbf"
"""a byte order mark, as Windows' editors put it first"""

LINES = st.sampled_from(
    [
        *("Host *", "Host g*", "Host other", "Host !gadi *", "Match all", "Match host x", "host=*"),
        *("  User x", "\tUser y", "User=z", "  Port 2200", "# größe", "", " ", "  # note", "\f"),
        *("  HostName %h.x", "  IdentityFile ~/.ssh/k", "  ProxyJump none", "  SendEnv A*"),
    ]
)
FILES = st.builds(
    lambda lines, newline, end, mark, tail: (
        mark + newline.join(lines).encode("latin-1") + (newline.encode() if end else b"") + tail
    ),
    st.lists(LINES, max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from([b"", MARK]),
    st.sampled_from([b"", b"\n# \xff\xfe\x00", b"\r", b"\n\n"]),
)


@given(FILES, st.booleans())
@example(b"", False)
@example(MARK + b"Host *\r\n", True)
def test_every_byte_stays_in_its_place(content: bytes, is_windows: bool) -> None:
    for insertion in insertions(content, GADI, is_windows=is_windows):
        new, longer = insertion.content, len(insertion.content) - len(content)
        added = {
            new[at : at + longer]
            for at in range(len(content) + 1)
            if content == new[:at] + new[at + longer :]
        }
        text = new.removeprefix(MARK) if is_windows else new
        lines = [text.split(b"\n")[number - 1] for number in insertion.lines]
        assert b"\n".join(lines).strip() in {text.strip() for text in added}
        assert [line.split()[0] for line in lines] == [b"Host", b"HostName", b"User"]
        assert len({line.endswith(b"\r") for line in lines}) == 1


@given(FILES)
def test_what_is_asked_for_takes_effect_or_is_refused(content: bytes) -> None:
    machine = dataclasses.replace(this_machine(), home="/nowhere", system_directory="/nowhere")
    try:
        addition = plan_addition(GADI, content, config_file="f", machine=machine)
    except HostConfigError as error:
        assert error.problems  # noqa: PT017 - it may or may not be raised
        return
    new = dataclasses.replace(machine, read_file=lambda _: addition.insertion.content)
    found = look_up("gadi", config_file="f", machine=new)
    assert found.settings["hostname"].texts == ("gadi.nci.org.au",)
    assert found.settings["user"].texts == ("ab1234",)
    old = dataclasses.replace(machine, read_file=lambda _: content)
    for other in ("other", "x", "gadi2"):
        before, after = (look_up(other, config_file="f", machine=m) for m in (old, new))
        assert before.lines() == after.lines()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", BLOCK),
        ("Host a\n", f"Host a\n\n{BLOCK}"),
        ("Host a", f"Host a\n\n{BLOCK}"),
        ("Host a\n\n", f"Host a\n\n{BLOCK}"),
        ("Host a\n\nHost *\n  User x\n", f"Host a\n\n{BLOCK}\nHost *\n  User x\n"),
        ("Host a\n# all\n# of them\nHost *\n", f"Host a\n\n{BLOCK}\n# all\n# of them\nHost *\n"),
        ("Match all\n  User x\n", f"{BLOCK}\nMatch all\n  User x\n"),
        ("Match all\n  Port 7\n", f"Match all\n  Port 7\n\n{BLOCK}"),
        ("Host a\r\n\tUser b\r\n", f"Host a\n\tUser b\n\n{BLOCK}".replace("  ", "\t")),
        ("Host a\r\n    User b", f"Host a\n  User b\n\n{BLOCK}".replace("  ", "    ")),
    ],
)
def test_where_the_block_goes(before: str, after: str) -> None:
    machine = dataclasses.replace(this_machine(), is_windows=False)
    addition = plan_addition(GADI, before.encode(), config_file="f", machine=machine)
    if "\r" in before:
        after = after.replace("\n", "\r\n")
    assert addition.insertion.content.decode() == after


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("User x\n", "f:1: User is 'x' for 'gadi' there already"),
        ("HostName x\nHost *\n  User y\n", "f:1: HostName is 'x' for 'gadi' there already"),
    ],
)
def test_a_line_that_wins_everywhere_is_named(text: str, where: str) -> None:
    with pytest.raises(HostConfigError) as caught:
        plan_addition(GADI, text.encode(), config_file="f", machine=this_machine())
    assert where in caught.value.message


def test_a_proxy_command_keeps_a_jump_out() -> None:
    host = dataclasses.replace(GADI, proxy_jump="door")
    with pytest.raises(HostConfigError, match="f:1: ProxyJump is kept out for 'gadi'"):
        plan_addition(host, b"ProxyCommand nc %h\n", config_file="f", machine=this_machine())


def test_the_same_value_may_come_from_before() -> None:
    content = b"User ab1234\nIdentityFile other\n"
    host = dataclasses.replace(GADI, identity_file="mine")
    addition = plan_addition(host, content, config_file="f", machine=this_machine())
    assert addition.found.settings["identityfile"].texts == ("other", "mine")


TEXTS = st.text(min_size=1) | st.text("ab\\\"' #=-%\n\r\0\t*?!@:/[]", min_size=1)


@given(TEXTS, st.sampled_from(["alias", "hostname", "user", "identity_file", "proxy_jump"]))
def test_no_text_becomes_more_than_one_value(text: str, field: str) -> None:
    fields = {"alias": "a", "hostname": "h", field: text}
    try:
        host = NewHost(**fields)  # type: ignore[arg-type]
    except ValueError as error:
        assert "cannot be the" in str(error)  # noqa: PT017 - it may or may not be raised
        return
    (insertion,) = dict.fromkeys(insertions(b"", host, is_windows=False))
    read = [read_line(raw) for raw in insertion.content.decode().splitlines()]
    assert [line.name for line in read if line] == [name.lower() for name in host.values()]
    for line, (name, value) in zip(read, host.values().items()):
        assert line is not None
        assert line.value == ([value] if name == "Host" else value)


@pytest.mark.parametrize(
    ("field", "text", "problem"),
    [
        ("alias", "", "is empty"),
        ("alias", "a b", "has a blank"),
        ("alias", "a\nUser root", "has a line end"),
        ("alias", "*.org", "a character that has a meaning"),
        ("alias", "!a", "a character that has a meaning"),
        ("alias", "-oProxyCommand=x", "begins with - or #"),
        ("hostname", "h\rProxyCommand x", "has a line end"),
        ("hostname", "me@h", "the user is given by --user"),
        ("hostname", "h:22", "the port is given by --port"),
        ("hostname", "[::1]:22", "the port is given by --port"),
        ("hostname", "#h", "begins with - or #"),
        ("user", "a\0b", "has a line end or a control character"),
        ("user", 'a" ProxyCommand "x', "has a double quote"),
        ("user", "a;b", "has characters that none has"),
        ("identity_file", '"C:\\my keys\\id', "has a double quote"),
        ("identity_file", " ~/id", "begins or ends with a blank"),
        ("identity_file", "~/\ud800", "has characters that no file can have"),
        ("proxy_jump", "a b", "has a blank, a # or a ="),
        ("proxy_jump", "a:0", "takes a port from 1 to 65535"),
        ("proxy_jump", "a,$(b)", "has characters that no host and no user has"),
    ],
)
def test_texts_that_are_refused(field: str, text: str, problem: str) -> None:
    fields = {"alias": "a", "hostname": "h", field: text}
    with pytest.raises(ValueError, match=r"cannot be the .*: it ") as caught:
        NewHost(**fields)  # type: ignore[arg-type]
    assert problem in str(caught.value)


def test_windows_paths_are_quoted() -> None:
    host = NewHost("a", "h", user="DOM\\ann", identity_file=r"C:\Users\Ann O'Hara\.ssh\id")
    assert host.block("  ") == [
        "Host a",
        "  HostName h",
        f"  User {quoted('DOM' + chr(92) + 'ann')}",
        '  IdentityFile "C:\\Users\\Ann O\'Hara\\.ssh\\id"',
    ]
