"""Write SIZE reproducible random bytes to stdout and other ones to stderr, both at once."""

from __future__ import annotations

import random
import sys
import threading
from typing import IO


def random_bytes(seed: int, size: int) -> bytes:
    """Give the bytes of stdout (seed 1) or stderr (seed 2)."""
    return random.Random(seed).randbytes(size)  # noqa: S311 - reproducible, not secret


def main(size: int) -> None:
    """Fill both streams from two threads."""

    def fill(stream: IO[bytes], seed: int) -> None:
        stream.write(random_bytes(seed, size))
        stream.flush()

    other = threading.Thread(target=fill, args=(sys.stderr.buffer, 2))
    other.start()
    fill(sys.stdout.buffer, 1)
    other.join()


if __name__ == "__main__":
    main(int(sys.argv[1]))
