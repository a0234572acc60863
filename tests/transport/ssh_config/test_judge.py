"""The judge reports what is wrong: each answer of some cases, falsified, is disagreed with."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from .command_line import Arguments, keywords, parsed
from .corpus import KEYS, questions
from .judge import ask, disagreements, same_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .corpus import Answer

# Between them: every key, an error with lines, one with a file only, a fatal one, both proxies.
CASES = (
    "034-identityfile-accumulates",
    "043-each-option-first-wins",
    "116-include-error-in-included",
    "187-identityfile-env-undefined",
    "197-certificatefile-tokens",
    "203-proxycommand-token-ipv6",
    "250-proxyjump-second-ignored",
    "375-config-unreadable-F",
    "382-merge-conflict-markers",
)


def falsified(answer: Answer) -> Iterator[Answer]:
    """Give the answer with one thing in it changed, for each thing."""
    yield replace(answer, fails=not answer.fails)
    for key in answer.config or ():
        for wrong in ("wrong", ("wrong", "wrong"), ()):
            if answer.config and answer.config[key] != wrong:
                yield replace(answer, config={**answer.config, key: wrong})
    for key, value in (answer.expanded or {}).items():
        expanded = {} if key == "fatal_at_connect" else {key: (*value, "wrong")}
        yield replace(answer, expanded=expanded)
    if answer.stderr:
        yield replace(answer, stderr=tuple(re.sub("HOME", "HERE", line) for line in answer.stderr))
    if any(" line " in line for line in answer.stderr):
        yield replace(
            answer, stderr=tuple(re.sub("line [0-9]+", "line 99", line) for line in answer.stderr)
        )
        yield replace(answer, stderr=(*answer.stderr, "{HOME}/.ssh/config line 99: one more"))


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_answer_is_reported(name: str) -> None:
    asked = [question for question in questions() if question.case.name == name]
    assert asked
    for question in asked:
        result = ask(question)
        right = question.answers[0]
        assert not list(disagreements(right, result))
        for wrong in falsified(right):
            assert list(disagreements(wrong, result)), wrong


def test_a_crash_is_reported() -> None:
    question = next(questions())
    result = replace(ask(question), crash="Traceback")
    assert list(disagreements(question.answers[0], result))


def test_what_the_cases_cover() -> None:
    answers = [question.answers[0] for question in questions() if question.case.name in CASES]
    assert {key for answer in answers for key in answer.config or ()} == set(KEYS)
    expanded = {key for answer in answers for key in answer.expanded or ()}
    assert expanded == {"identityfile", "certificatefile", "proxy_exec", "fatal_at_connect"}


def test_other_releases_answer_too() -> None:
    by_name = {str(question): question for question in questions()}
    assert [answer.fails for answer in by_name["168-match-tagged foo"].answers] == [True, False]
    debian, upstream, newer = by_name["473-2fa-gateway-chain compute-17"].answers
    values = [
        answer.config and answer.config["serveraliveinterval"]
        for answer in (debian, upstream, newer)
    ]
    assert values == ["300", "0", "0"]


@pytest.mark.parametrize(
    ("argv", "arguments"),
    [
        (["h"], Arguments("h")),
        (
            ["-l", "u", "-p1", "-J", "j:2", "h"],
            Arguments("h", ("User=u", "Port=1", "ProxyJump=j:2")),
        ),
        (["-oUser=a", "-o", "Port 2", "u@h"], Arguments("u@h", ("User=a", "Port 2"))),
        (
            ["-4xo", "AddressFamily=any", "h"],
            Arguments("h", ("AddressFamily=inet", "AddressFamily=any")),
        ),
        (
            ["-o", "ForwardAgent=no", "-A", "h"],
            Arguments("h", ("ForwardAgent=yes", "ForwardAgent=no")),
        ),
        (
            ["-F", "f", "-i", "missing", "-i", "there", "h"],
            Arguments("h", ("IdentityFile=there",), "f"),
        ),
    ],
)
def test_command_line(argv: list[str], arguments: Arguments) -> None:
    assert parsed(argv, exists="there".__eq__) == arguments


def test_keywords_of_options() -> None:
    options = ("User=u", " Port 22", "IdentityFile\t~/x", "BatchMode = yes")
    assert keywords(Arguments("h", options)) == {"user", "port", "identityfile", "batchmode"}


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        (None, None, True),
        (None, "nc h 22", False),
        ("nc h 22", None, False),
        ("nc h 22", "exec nc h 22", True),
        ("nc h  22", "nc h 22", False),
        ("ssh -F c -v -W '[h]:22'  \"b\"", "ssh -F c -v -W '[h]:22' b", True),
        ("ssh -F c -v -W '[h]:22' b", "ssh -v -W '[h]:22' b", False),
    ],
)
def test_same_command(expected: str | None, got: str | None, same: bool) -> None:
    assert same_command(expected, got) == same
