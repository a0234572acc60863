"""Try a line by hand as a Windows user would: `python -m tests.windows "qxub --version"`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.windows.prompt import Prompt, new_profile
from tests.windows.session import Wine, running_wine
from tests.windows.wine import Root, obstacle, root_directory

if TYPE_CHECKING:
    import subprocess


def type_line(wine: Wine, line: str) -> subprocess.CompletedProcess[bytes]:
    """Run the line under the newest Python, with an empty profile."""
    with new_profile(wine.root) as profile:
        return Prompt(wine, wine.root.pythons()[-1], profile).type(line)


def main(line: str) -> int:
    """Show what the line writes, and return its exit status."""
    root = Root(root_directory())
    reason = obstacle(root)
    if reason:
        raise SystemExit(reason)
    with tempfile.TemporaryDirectory() as empty, running_wine(root, Path(empty)) as wine:
        ended = type_line(wine, line)
    sys.stdout.buffer.write(ended.stdout)
    sys.stderr.buffer.write(ended.stderr)
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
