"""The values that describe a job and its end, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from qxub.job import ArrayRange, ExecutionContext, JobSpec, Outcome, OutcomeKind, Resources

CONTRACT = {
    "walltime exceeded": 124,
    "out of memory": 137,
    "cancelled": 130,
    "usage": 2,
    "refused": 65,
    "config": 78,
    "scheduler unavailable": 69,
    "remote setup failed": 71,
    "post failed": 73,
    "connection": 255,
    "lost": 75,
}


@pytest.mark.parametrize(("label", "status"), CONTRACT.items())
def test_the_exit_status_contract(label: str, status: int) -> None:
    assert Outcome(OutcomeKind.labelled(label)).exit_status == status


def test_every_kind_is_in_the_contract() -> None:
    assert {kind.label for kind in OutcomeKind} == {*CONTRACT, "completed", "signalled"}


@pytest.mark.parametrize("status", [0, 1, 7, 255])
def test_a_completed_job_has_its_own_status(status: int) -> None:
    assert Outcome(OutcomeKind.COMPLETED, status=status).exit_status == status


def test_a_signalled_job_has_128_and_the_signal() -> None:
    assert Outcome(OutcomeKind.SIGNALLED, signal=15).exit_status == 143


@pytest.mark.parametrize(
    ("kind", "status", "signal"),
    [
        (OutcomeKind.COMPLETED, None, None),
        (OutcomeKind.COMPLETED, -1, None),
        (OutcomeKind.COMPLETED, 256, None),
        (OutcomeKind.COMPLETED, 0, 9),
        (OutcomeKind.SIGNALLED, None, None),
        (OutcomeKind.SIGNALLED, None, 0),
        (OutcomeKind.LOST, 0, None),
        (OutcomeKind.CANCELLED, None, 2),
    ],
)
def test_no_outcome_contradicts_itself(
    kind: OutcomeKind, status: int | None, signal: int | None
) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Outcome(kind, status=status, signal=signal)


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(ValueError, match="no outcome is called"):
        OutcomeKind.labelled("fine")


def test_a_job_needs_a_command() -> None:
    with pytest.raises(ValueError, match="needs a command"):
        JobSpec(())


@pytest.mark.parametrize("field", ["memory", "cpus", "walltime", "disk", "gpus"])
def test_resources_are_positive(field: str) -> None:
    nothing: dict[str, Any] = {field: 0}
    with pytest.raises(ValueError, match=field):
        Resources(**nothing)


def test_the_range_of_an_array_as_it_is_written() -> None:
    assert list(ArrayRange(1, 10, 3).indices()) == [1, 4, 7, 10]
    assert str(ArrayRange(1, 10, 2, limit=4)) == "1-10:2%4"
    assert str(ArrayRange(0, 0)) == "0-0"


@pytest.mark.parametrize("parts", [(2, 1), (-1, 3), (1, 3, 0), (1, 3, 1, 0)])
def test_a_range_that_is_none(parts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="no range of an array"):
        ArrayRange(*parts)


def test_contexts_that_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="--env and --sif"):
        ExecutionContext(environment="a", container="b.sif")
    with pytest.raises(ValueError, match="--bind needs --sif"):
        ExecutionContext(binds=("/scratch",))
    with pytest.raises(ValueError, match="--default excludes"):
        ExecutionContext(default=True, modules=("gcc",))
    with pytest.raises(ValueError, match="not the name of a module"):
        ExecutionContext(modules=("gcc cuda",))
