"""Judge the resolver by a corpus: `python -m tests.transport.ssh_config [FOLDER]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .corpus import CORPUS, questions
from .judge import judged


def main() -> int:
    """Print every disagreement, then how many look-ups agree."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.transport.ssh_config", description=__doc__
    )
    parser.add_argument("folder", nargs="?", type=Path, default=CORPUS, help="of a corpus")
    parser.add_argument("-k", default="", metavar="TEXT", help="only cases with this in their name")
    options = parser.parse_args()
    agreeing = total = 0
    for question in questions(options.folder):
        if options.k not in question.case.name:
            continue
        found = judged(question)
        for disagreement in found:
            print(f"{question} {disagreement}".encode("utf-8", "backslashreplace").decode())  # noqa: T201
        total += 1
        agreeing += not found
    print(f"{agreeing} of {total} look-ups agree")  # noqa: T201
    return 0 if total and agreeing == total else 1


if __name__ == "__main__":
    sys.exit(main())
