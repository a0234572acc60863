"""Broken configurations: random bytes, and what random changes make of the corpus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from .corpus import CORPUS, questions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

HOME = "/home/fuzz"
CONFIG = f"{HOME}/.ssh/config"
# More than these only takes longer.
LARGEST = 50_000  # bytes
DEEPEST = 16  # so often a file is read that includes itself
MOST_NAMES = 60  # of files to include: OpenSSH too reads each of them as often as it is named
HOSTS = (
    "foo",
    "a" * 250,
    "host1.example.org",
    "10.0.0.1",
    "::1",
    "ssh://u@foo:22",
    "u@foo",
    "é\udcff",
)
SPECIAL = (
    *(
        b"\0",
        b"\r",
        b"\n",
        b"\f",
        b"\v",
        b"\t",
        b" ",
        b"=",
        b'"',
        b"'",
        b"\\",
        b"#",
        b"%",
        b"${",
        b"}",
    ),
    *(
        b"~",
        b"!",
        b"*",
        b"?",
        b",",
        b"@",
        b"[",
        b"]",
        b":",
        b"/",
        b"-",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\xc2",
    ),
    *(
        b"\xe2\x80\xa8",
        b"\xed\xa0\x80",
        b"%h",
        b"%%",
        b"none",
        b"Match ",
        b"Include ",
        b"Host ",
        b"9" * 30,
    ),
)

Change = Callable[["Fuzzer", bytes], bytes]


@dataclass(frozen=True)
class Broken:
    """Files by path, and what to look up in them."""

    files: Mapping[str, bytes]
    destination: str
    options: tuple[str, ...]
    is_windows: bool


class Fuzzer:
    """Draws broken configurations from a source of random numbers."""

    def __init__(self, random: Random, contents: Sequence[bytes]) -> None:
        self.random = random
        self.contents = contents

    def draw(self) -> Broken:
        """Draw one: some random bytes, and many changes of what was right once."""
        content = self._noise() if self.random.random() < 0.1 else self.random.choice(self.contents)
        for _ in range(self.random.randint(0, 4)):
            content = self.random.choice(CHANGES)(self, content)[:LARGEST]
        if b"include" in content.lower():
            content = _with_few_names(content[: LARGEST // DEEPEST])
        files = {CONFIG: content}
        for number in range(self.random.choice((0, 0, 1, 3))):
            files[f"{HOME}/.ssh/extra{number}"] = self.random.choice(self.contents)
        options = (self._option(),) if self.random.random() < 0.1 else ()
        destination = self.random.choice(HOSTS)
        return Broken(files, destination, options, is_windows=self.random.random() < 0.2)

    def _noise(self) -> bytes:
        size = self.random.choice((0, 1, 10, 100, 2000))
        if self.random.random() < 0.5:
            return self.random.getrandbits(8 * size + 1).to_bytes(size + 1, "big")
        return b"".join(self.random.choices(SPECIAL, k=size))

    def _option(self) -> str:
        line = self.random.choice(self.random.choice(self.contents).split(b"\n"))
        return line.decode("utf-8", "surrogateescape")

    def place(self, content: bytes) -> int:
        """Draw a place in a file."""
        return self.random.randint(0, len(content))


def _with_few_names(content: bytes) -> bytes:
    """Leave out what Include names beyond MOST_NAMES."""
    left, lines = MOST_NAMES, []
    for line in content.split(b"\n"):
        kept = line
        if line.lstrip(b' \t\f\v\r"')[:7].lower() == b"include":
            words = line.split(b" ", left + 1)[: left + 1]
            left = max(left + 1 - len(words), 0)
            kept = b" ".join(words)
        lines.append(kept)
    return b"\n".join(lines)


def _flip(fuzzer: Fuzzer, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(fuzzer.random.randint(1, 8) if content else 0):
        changed[fuzzer.random.randrange(len(changed))] = fuzzer.random.randrange(256)
    return bytes(changed)


def _insert(fuzzer: Fuzzer, content: bytes) -> bytes:
    at = fuzzer.place(content)
    return content[:at] + fuzzer.random.choice(SPECIAL) + content[at:]


def _delete(fuzzer: Fuzzer, content: bytes) -> bytes:
    at = fuzzer.place(content)
    return content[:at] + content[at + fuzzer.random.randint(1, 20) :]


def _splice(fuzzer: Fuzzer, content: bytes) -> bytes:
    """Put some lines of another file in."""
    lines, others = content.split(b"\n"), fuzzer.random.choice(fuzzer.contents).split(b"\n")
    at, start = fuzzer.random.randint(0, len(lines)), fuzzer.random.randrange(len(others))
    lines[at:at] = others[start : start + fuzzer.random.randint(1, 5)]
    return b"\n".join(lines)


def _token(fuzzer: Fuzzer, content: bytes) -> bytes:
    """Delete a word, or repeat it up to some thousand times."""
    words = content.split(b" ")
    at = fuzzer.random.randrange(len(words))
    words[at : at + 1] = words[at : at + 1] * fuzzer.random.choice((0, 0, 2, 2, 3, 100, 5000))
    return b" ".join(words)


def _stretch(fuzzer: Fuzzer, content: bytes) -> bytes:
    """Make a line very long."""
    at = fuzzer.place(content)
    return (
        content[:at]
        + fuzzer.random.choice(SPECIAL) * fuzzer.random.choice((100, 20_000))
        + content[at:]
    )


def _stars(fuzzer: Fuzzer, content: bytes) -> bytes:
    """Put patterns in that can be matched in very many ways."""
    part = fuzzer.random.choice((b"*a", b"*", b"*?", b"?*a*", b"a*", b"**a,*a"))
    pattern = part * fuzzer.random.choice((5, 60, 2000)) + fuzzer.random.choice((b"b", b"", b"*"))
    before = fuzzer.random.choice(
        (b"Host ", b"Host !", b"Match host ", b"IgnoreUnknown ", b"SendEnv -")
    )
    return before + pattern + b"\n" + content


def _include(fuzzer: Fuzzer, content: bytes) -> bytes:
    """Include the other files, and this one itself, many times."""
    name = fuzzer.random.choice(
        (b"extra*", b"extra0", b"config", b"*", b"~/.ssh/extra1", b"missing")
    )
    words, lines = fuzzer.random.choice(((1, 1), (3, 2), (100, 1), (1, 100)))
    return (b"Include " + b" ".join([name] * words) + b"\n") * lines + content


def _repeat(fuzzer: Fuzzer, content: bytes) -> bytes:
    return content * fuzzer.random.choice((2, 10, 100))


CHANGES: tuple[Change, ...] = (
    *(_flip, _flip, _insert, _insert, _delete, _splice, _splice, _token, _token),
    *(_stretch, _stars, _include, _repeat),
)


def corpus_contents() -> list[bytes]:
    """Give every file of the corpus."""
    cases = {question.case.name: question.case for question in questions(CORPUS)}
    return [
        file.content.replace(b"@@HOME@@", HOME.encode())
        for case in cases.values()
        for file in case.files
    ]
