"""Timing of two sides in turn, and what is made of the times."""

from __future__ import annotations

import statistics
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Optional

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# What is timed. Where that is a part of it only, it gives the seconds that this part took.
Work = Callable[[], Optional[float]]
# Our work and the peer's, ready to be called again and again while the context is open.
Pair = AbstractContextManager[tuple[Work, Work]]


class LeftOutError(Exception):
    """The benchmark cannot run here; the message says why."""


@dataclass(frozen=True)
class Benchmark:
    """One comparison. `prepare` is given an empty directory; it may raise LeftOutError."""

    name: str
    work: str
    peer: str
    bar: float  # the largest ratio, ours / theirs, that we are content with
    rounds: int
    prepare: Callable[[Path], Pair]


@dataclass(frozen=True)
class Result:
    """The outcome of one benchmark: medians in seconds, and the ratio of these medians."""

    name: str
    work: str
    peer: str
    rounds: int
    ours: float
    theirs: float
    ratio: float
    bar: float
    spread: float  # interquartile range of the ratios of the rounds, over their median
    met: bool


def measure(benchmark: Benchmark, directory: Path) -> Result:
    """Run both sides in turn, after one unmeasured round. Raises LeftOutError."""
    with benchmark.prepare(directory) as (our_work, their_work):
        our_work()
        their_work()
        times = [(seconds(our_work), seconds(their_work)) for _ in range(benchmark.rounds)]
    return summarize(benchmark, times)


def seconds(work: Work) -> float:
    """Give the time that one call takes, or says that it took."""
    start = time.perf_counter()
    own = work()
    return time.perf_counter() - start if own is None else own


def summarize(benchmark: Benchmark, times: Sequence[tuple[float, float]]) -> Result:
    """Make a result of the times (ours, theirs) of at least two rounds."""
    ours = statistics.median(our_time for our_time, _ in times)
    theirs = statistics.median(their_time for _, their_time in times)
    ratios = [our_time / their_time for our_time, their_time in times]
    quartiles = statistics.quantiles(ratios, n=4, method="inclusive")
    return Result(
        name=benchmark.name,
        work=benchmark.work,
        peer=benchmark.peer,
        rounds=len(times),
        ours=ours,
        theirs=theirs,
        ratio=ours / theirs,
        bar=benchmark.bar,
        spread=(quartiles[2] - quartiles[0]) / statistics.median(ratios),
        met=ours / theirs <= benchmark.bar,
    )
