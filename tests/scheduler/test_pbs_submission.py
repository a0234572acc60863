"""PBS Pro: what a submission asks for, and what comes back."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from qxub.errors import RefusedError
from qxub.job import ArrayRange, JobSpec, Resources
from qxub.scheduler.base import Answer
from qxub.scheduler.pbs import PbsPro
from tests.scheduler.specs import EVERYTHING, submission
from tests.scheduler.transcripts import answer


@pytest.mark.parametrize(
    ("stdout", "expected"),
    [
        ("Maintenance on\n2026\n12.gadi-pbs\n", "12.gadi-pbs"),
        ("217[].pbshost\n", "217[].pbshost"),
        ("12 jobs of yours\n", None),
    ],
)
def test_the_job_id_is_found_among_a_site_s_notices(stdout: str, expected: str | None) -> None:
    assert PbsPro().job_id(Answer(stdout, "", 0)) == expected


def test_everything_that_can_be_asked_for_becomes_directives() -> None:
    spec = dataclasses.replace(
        EVERYTHING,
        resources=dataclasses.replace(EVERYTHING.resources, volumes=("gdata/a56", "scratch/a56")),
    )
    assert PbsPro().directives(submission(spec)) == [
        "#PBS -N train",
        "#PBS -j oe",
        "#PBS -r n",
        "#PBS -q normal",
        "#PBS -P a56",
        "#PBS -J 1-10:2%4",
        "#PBS -W depend=afterok:12,afterany:13",
        "#PBS -M a@example.org",
        "#PBS -m ae",
        "#PBS -h",
        "#PBS -l ncpus=4",
        "#PBS -l mem=1025mb",
        "#PBS -l walltime=1:30:00",
        "#PBS -l jobfs=10240mb",
        "#PBS -l ngpus=2",
        "#PBS -l storage=gdata/a56+scratch/a56",
    ]


def test_nothing_asked_for_is_no_directive() -> None:
    assert PbsPro().directives(submission(JobSpec(("x",), queue="auto"))) == [
        "#PBS -N train",
        "#PBS -j oe",
        "#PBS -r n",
    ]
    assert PbsPro().directives(submission(JobSpec(("x",), resources=Resources()))) == [
        "#PBS -N train",
        "#PBS -j oe",
        "#PBS -r n",
    ]


def test_an_array_of_one_member_is_refused_before_qsub_does() -> None:
    with pytest.raises(RefusedError, match=r"no array of one member \(3-3\)"):
        PbsPro().directives(submission(JobSpec(("x",), array=ArrayRange(3, 3))))


def test_the_run_id_and_the_logs_of_members_are_on_the_command_line() -> None:
    log, run_id = Path("/r/log.^array_index^"), "20261123T000000-0123456789ab"
    assert PbsPro().submit(submission(EVERYTHING)) == (
        ["qsub", "-o", str(log), "-v", f"QXUB_RUN_ID={run_id}", str(Path("/r/j"))]
    )


def test_of_a_usage_text_the_reason_is_enough() -> None:
    said = answer("09-depend-malformed")
    assert len(said.stderr.splitlines()) == 8
    assert said.words == "qsub: illegal -W value"
    around = f"Welcome\n{said.stderr}  Your site's hook\nsays more.\n"
    told = dataclasses.replace(said, stderr=around).words
    assert told == "Welcome\nqsub: illegal -W value\n  Your site's hook\nsays more."
    text = said.stderr.partition("\n")[2]
    assert Answer("", text, 2).words == text.strip()


@pytest.mark.parametrize(
    ("name", "way_out"),
    [
        ("04-qsub-l-ncpus-over-queue", "ask for less, or name another queue"),
        ("04-qsub-queue-unknown", "--queue"),
        ("04-qsub-l-unknown-resource", ""),
        ("05-qsub-as-root", "takes no jobs from this account"),
        ("12-array-J-too-big", "submit it in parts"),
        ("13-array-dep-afterok-subjob", "never a member"),
        ("02-qsub-directive-bad-walltime", "walltime as 2h"),
        ("40-files-o-unicode", "XDG_STATE_HOME"),
    ],
)
def test_a_refusal_has_our_reading(name: str, way_out: str) -> None:
    hint = PbsPro().hint(answer(name))
    assert way_out in hint
    assert bool(hint) is bool(way_out)
