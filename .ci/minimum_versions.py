"""Print constraints that pin qxub's dependencies to their lower bounds: name>=X becomes name==X.

Run by a Python in whose environment qxub is installed, as its metadata are read.
"""  # noqa: INP001 - a script, in no package

from __future__ import annotations

import importlib.metadata
import sys

for requirement in importlib.metadata.requires("qxub") or []:
    if "extra ==" in requirement:
        continue
    name, bound, version = requirement.partition(">=")
    if not bound or not version.replace(".", "").isalnum():
        sys.exit(f"{requirement!r} in pyproject.toml has no plain lower bound (name>=X)")
    sys.stdout.write(f"{name.strip()}=={version.strip()}\n")
