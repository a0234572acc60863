"""Where a new block can stand in a file, and the file with it: bytes in, bytes out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.transport.ssh_config.memory import read_line
from qxub.transport.ssh_config.reader import BOM, host_applies

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from qxub.transport.ssh_config.new_host import NewHost

_INDENT = "  "


@dataclass(frozen=True)
class Insertion:
    """A file with the block in it: the rest of its bytes is as it was.

    `lines` are the numbers of the block's lines. `before` is the text of the line that the block
    stands before, and `before_line` what its number was; at the end they are "" and 0.
    """

    content: bytes
    lines: range
    before: str = ""
    before_line: int = 0


def insertions(content: bytes, host: NewHost, *, is_windows: bool) -> list[Insertion]:
    """Give the places for a block, the first choice first.

    The first value wins, so that is before the first block that is for the host, too, such as
    `Host *`; then before the first Match; else the end. `is_windows` tells how lines end where the
    file does not, and that a byte order mark stays first.
    """
    file = _File(content, is_windows)
    block = host.block(file.indent())
    places = (file.first_host(host.alias), file.first_block(host.alias), None)
    return [file.with_block(block, place) for place in dict.fromkeys(places)]


class _File:
    """A file's lines, known by their index. A place is the index of the line that follows it."""

    def __init__(self, content: bytes, is_windows: bool) -> None:
        self._content = content
        self._mark = BOM if is_windows and content.startswith(BOM) else b""
        text = content[len(self._mark) :].decode("utf-8", "surrogateescape")
        self._lines = text.split("\n")
        ends = Counter(line.endswith("\r") for line in self._lines[:-1])
        self._newline = b"\r\n" if (ends[True] > ends[False] if ends else is_windows) else b"\n"

    def indent(self) -> str:
        """Return the indentation that most lines have which have one."""
        found = Counter(
            raw[: -len(raw.lstrip(" \t"))]
            for raw in self._lines
            if raw[:1] in " \t" and raw.strip()
        )
        return found.most_common(1)[0][0] if found else _INDENT

    def first_host(self, alias: str) -> int | None:
        """Find the first Host line that is for the alias."""
        for index, name, arguments in self._blocks():
            if name == "host" and host_applies(alias, arguments):
                return self._with_comment(index)
        return None

    def first_block(self, alias: str) -> int | None:
        """Find the first Host line that is for the alias, or the first Match line."""
        for index, name, arguments in self._blocks():
            if name == "match" or host_applies(alias, arguments):
                return self._with_comment(index)
        return None

    def with_block(self, block: Sequence[str], place: int | None) -> Insertion:
        """Put a block there, with a blank line between it and what is before and behind it."""
        index = len(self._lines) - 1 if place is None else place
        if place is None and self._lines[-1]:
            index += 1  # the last line has no end yet
        added = [*block]
        if index > 0 and self._lines[index - 1].strip():
            added.insert(0, "")
        first = index + 1 + len(added) - len(block)
        if place is not None:
            added.append("")
        text = b"".join(line.encode("utf-8", "surrogateescape") + self._newline for line in added)
        lines = range(first, first + len(block))
        before, before_line = ("", 0) if place is None else self._named(place)
        return Insertion(self._with_bytes(text, index), lines, before, before_line)

    def _with_bytes(self, text: bytes, index: int) -> bytes:
        before = "\n".join(self._lines[:index]).encode("utf-8", "surrogateescape")
        if 0 < index < len(self._lines):
            before += b"\n"
        elif index:
            before += self._newline
        return self._mark + before + text + self._content[len(self._mark) + len(before) :]

    def _named(self, place: int) -> tuple[str, int]:
        """Return the text and the number of the Host or Match line behind a place."""
        index = next(index for index, _, _ in self._blocks() if index >= place)
        return self._lines[index].strip(), index + 1

    def _blocks(self) -> Iterator[tuple[int, str, Sequence[str]]]:
        """List the lines at which blocks begin."""
        for index, raw in enumerate(self._lines):
            line = read_line(raw)
            if line is not None and line.name in ("host", "match") and not line.problem:
                yield index, line.name, line.value

    def _with_comment(self, index: int) -> int:
        """Go up over the comment that stands right above a line, as it belongs to it."""
        while index and self._lines[index - 1].lstrip().startswith("#"):
            index -= 1
        return index
