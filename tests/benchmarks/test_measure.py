from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING

import pytest

from benchmarks.measure import Benchmark, Work, at_least, at_most, measure, summarize

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def nothing(_directory: Path) -> Iterator[tuple[Work, Work]]:
    yield (lambda: None), (lambda: None)


BENCHMARK = Benchmark("name", "work", "peer", bar=at_most(0.5), rounds=3, prepare=nothing)


def test_ratio_is_that_of_the_medians() -> None:
    result = summarize(BENCHMARK, [(1.0, 4.0), (2.0, 8.0), (90.0, 9.0)])
    assert (result.ours, result.theirs, result.ratio) == (2.0, 8.0, 0.25)
    assert result.rounds == 3


def test_spread_is_the_interquartile_range_of_the_ratios_over_their_median() -> None:
    result = summarize(BENCHMARK, [(1.0, 1.0), (2.0, 1.0), (3.0, 1.0), (4.0, 1.0), (50.0, 1.0)])
    assert result.spread == pytest.approx((4 - 2) / 3)


def test_no_spread_where_all_rounds_are_alike() -> None:
    assert summarize(BENCHMARK, [(1.0, 2.0), (2.0, 4.0)]).spread == 0


@pytest.mark.parametrize(("ours", "met"), [(0.4, True), (0.5, True), (0.6, False)])
def test_bar_is_met_up_to_the_bar_itself(ours: float, met: bool) -> None:
    assert summarize(BENCHMARK, [(ours, 1.0)] * 2).met is met


@pytest.mark.parametrize(
    ("ours", "ratio", "met"), [(0.5, 4.0, True), (1.0, 2.0, True), (4.0, 0.5, False)]
)
def test_twice_the_throughput_is_half_of_the_time(ours: float, ratio: float, met: bool) -> None:
    benchmark = dataclasses.replace(BENCHMARK, bar=at_least(2.0))
    result = summarize(benchmark, [(ours, 2.0)] * 2)
    assert (result.ratio, result.met) == (ratio, met)


@pytest.mark.parametrize(("warm_up", "turns"), [(True, 4), (False, 3)])
def test_both_sides_run_in_turn(tmp_path: Path, warm_up: bool, turns: int) -> None:
    calls = []

    @contextlib.contextmanager
    def prepare(directory: Path) -> Iterator[tuple[Work, Work]]:
        assert directory == tmp_path
        yield (lambda: calls.append("ours")), (lambda: calls.append("theirs"))
        calls.append("closed")

    result = measure(Benchmark("name", "work", "peer", at_most(1), 3, prepare, warm_up), tmp_path)
    assert calls == ["ours", "theirs"] * turns + ["closed"]
    assert result.rounds == 3
