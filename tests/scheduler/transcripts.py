"""Exchanges with a real OpenPBS, by name (tests/data/pbs)."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from qxub.scheduler.base import Answer

DATA = Path(__file__).parents[1] / "data" / "pbs"


@functools.cache
def transcripts() -> dict[str, dict[str, Any]]:
    lines = (DATA / "transcripts.jsonl").read_text(encoding="utf-8").splitlines()
    return {record["name"]: record for record in map(json.loads, lines)}


def record(name: str) -> dict[str, Any]:
    return transcripts()[name]


def answer(name: str) -> Answer:
    said = record(name)
    return Answer(said["stdout"], said["stderr"], said["rc"])


def jobs(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(record(name)["stdout"], strict=False)["Jobs"]
    return found
