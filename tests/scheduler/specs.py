"""Submissions for the tests of directives."""

from __future__ import annotations

from pathlib import Path

from qxub.job import ArrayRange, JobSpec, Resources
from qxub.scheduler.base import Submission

EVERYTHING = JobSpec(
    ("x",),
    queue="normal",
    project="a56",
    resources=Resources(
        memory=2**30 + 1, cpus=4, walltime=5400, disk=10 * 2**30, gpus=2, gpu_type="v100"
    ),
    array=ArrayRange(1, 10, 2, 4),
    dependencies=("afterok:12", "afterany:13"),
    hold=True,
    email="a@example.org",
    email_options="ae",
)


def submission(spec: JobSpec) -> Submission:
    return Submission(spec, "20261123T000000-0123456789ab", "train", Path("/r/j"), Path("/r/log"))
