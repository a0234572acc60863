"""SHA-256 of a file on the host: computed there, over an exec channel, or here by reading it."""

from __future__ import annotations

import hashlib
import logging
import re
from contextlib import closing
from typing import TYPE_CHECKING, Callable, Optional

from qxub.transport.errors import ChannelError
from qxub.transport.files.failures import shell_failure
from qxub.transport.files.shell import Script

if TYPE_CHECKING:
    from qxub.transport.connection import Connection
    from qxub.transport.files.status import Way

log = logging.getLogger(__name__)

RemoteSha256 = Callable[[bytes, int], Optional[str]]
"""(path, count) → of the first `count` bytes, in hexadecimal, or None where the host cannot tell.

Raises FileError and ConnectionLost.
"""

_NO_TOOL = 97
_PATIENCE = 0.5
"""seconds for another session to end; where MaxSessions is 1, SFTP's own does not"""

_BLOCK_BYTES = 1 << 16

# A file that is longer by now is cut by dd, whose blocks are whole as long as it reads a file.
_COMMANDS = b"""
if command -v sha256sum; then tool=sha256sum
elif command -v shasum; then tool='shasum -a 256'
elif command -v openssl; then tool='openssl dgst -sha256'
else exit %(no_tool)d
fi >/dev/null
exec <"$1" || exit
{ dd bs=%(block)d count=%(blocks)d; dd bs=%(rest)d count=%(last)d; } 2>/dev/null | $tool
"""


def remote_sha256(connection: Connection) -> RemoteSha256:
    """Give the function that asks the host of `connection`."""

    def ask(path: bytes, count: int) -> str | None:
        blocks, rest = divmod(count, _BLOCK_BYTES)
        commands = _COMMANDS % {
            b"no_tool": _NO_TOOL,
            b"block": _BLOCK_BYTES,
            b"blocks": blocks,
            b"rest": rest or 1,
            b"last": min(rest, 1),
        }
        try:
            with Script(connection, commands, path, patience=_PATIENCE) as script:
                said = b"".join(script.output())
                answer = script.answer()
        except ChannelError as error:  # a host for file transfers alone, or MaxSessions
            log.debug("no SHA-256 is to be had: %s", error)
            return None
        found = re.search(rb"\b[0-9a-f]{64}\b", said)
        if answer.status == _NO_TOOL or (answer.status == 0 and not found):
            return None
        if answer.status != 0 or not found:
            raise shell_failure(connection.host.alias, path, answer.words)
        return found[0].decode("ascii")

    return ask


def read_back(way: Way, path: bytes, count: int) -> str:
    """Compute the SHA-256 of the first `count` bytes by reading the file once more."""
    digest = hashlib.sha256()
    with closing(way.read(path, 0, count)) as blocks:
        for block in blocks:
            digest.update(block[:count])
            count -= min(count, len(block))
    return digest.hexdigest()
