"""Timing of two sides in turn, and what is made of the times."""

from __future__ import annotations

import statistics
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Literal, Optional

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# What is timed. Where that is a part of it only, it gives the seconds that this part took.
Work = Callable[[], Optional[float]]
# Our work and the peer's, ready to be called again and again while the context is open.
Pair = AbstractContextManager[tuple[Work, Work]]
Quantity = Literal["time", "throughput"]


class LeftOutError(Exception):
    """The benchmark cannot run here; the message says why."""


@dataclass(frozen=True)
class Bar:
    """What we are content with: at most so much of the peer's time, or at least of its throughput.

    Both sides do the same work, so the one ratio is the reciprocal of the other.
    """

    of: Quantity
    limit: float

    def ratio(self, ours: float, theirs: float) -> float:
        """Give ours over theirs, made of the seconds that the work took."""
        return ours / theirs if self.of == "time" else theirs / ours

    def is_met(self, ratio: float) -> bool:
        """Tell whether the ratio is good enough; the limit itself is."""
        return ratio <= self.limit if self.of == "time" else ratio >= self.limit


def at_most(limit: float) -> Bar:
    """Give the bar of so much of the peer's time."""
    return Bar("time", limit)


def at_least(limit: float) -> Bar:
    """Give the bar of so much of the peer's throughput."""
    return Bar("throughput", limit)


@dataclass(frozen=True)
class Benchmark:
    """One comparison. `prepare` is given an empty directory; it may raise LeftOutError."""

    name: str
    work: str
    peer: str
    bar: Bar
    rounds: int
    prepare: Callable[[Path], Pair]
    warm_up: bool = True


@dataclass(frozen=True)
class Result:
    """The outcome of one benchmark: medians in seconds, and the ratio that the bar is about."""

    name: str
    work: str
    peer: str
    rounds: int
    ours: float
    theirs: float
    ratio: float  # of these medians, in the bar's quantity
    bar: Bar
    spread: float  # interquartile range of the ratios of the rounds, over their median
    met: bool


def measure(benchmark: Benchmark, directory: Path) -> Result:
    """Run both sides in turn, after an unmeasured round if one is wanted. Raises LeftOutError."""
    with benchmark.prepare(directory) as (our_work, their_work):
        if benchmark.warm_up:
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
    ratios = [benchmark.bar.ratio(*pair) for pair in times]
    ratio = benchmark.bar.ratio(ours, theirs)
    quartiles = statistics.quantiles(ratios, n=4, method="inclusive")
    return Result(
        name=benchmark.name,
        work=benchmark.work,
        peer=benchmark.peer,
        rounds=len(times),
        ours=ours,
        theirs=theirs,
        ratio=ratio,
        bar=benchmark.bar,
        spread=(quartiles[2] - quartiles[0]) / statistics.median(ratios),
        met=benchmark.bar.is_met(ratio),
    )
