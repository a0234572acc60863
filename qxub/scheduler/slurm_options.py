"""What a job asks for, in options of sbatch(1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qxub.errors import RefusedError
from qxub.quantities import format_clock
from qxub.scheduler.base import mebibytes, requested_queue

if TYPE_CHECKING:
    from qxub.job import JobSpec
    from qxub.scheduler.base import Submission

_MAIL_TYPES = {"a": "FAIL,INVALID_DEPEND,REQUEUE", "b": "BEGIN", "e": "END"}
"""the letters of JobSpec.email_options in words of sbatch(1)"""


def sbatch_options(submission: Submission) -> list[str]:
    """Return the options of sbatch(1) for what is asked for.

    A job whose dependency cannot be fulfilled any more is ended, as on PBS: it does not wait for
    ever.
    """
    _refuse_what_slurm_has_not(submission)
    spec = submission.spec
    asked = spec.resources
    options = {
        "job-name": submission.name,
        "partition": requested_queue(spec),
        "account": spec.project,
        "cpus-per-task": asked.cpus,
        "mem": asked.memory and f"{mebibytes(asked.memory)}M",
        "time": asked.walltime and format_clock(asked.walltime),
        "tmp": asked.disk and f"{mebibytes(asked.disk)}M",
        "gres": asked.gpus and ":".join(filter(None, ("gpu", asked.gpu_type, str(asked.gpus)))),
        "array": spec.array,
        "dependency": ",".join(spec.dependencies),
        "kill-on-invalid-dep": "yes" if spec.dependencies else None,
        "mail-user": spec.email,
        "mail-type": _mail_types(spec),
    }
    given = [f"--{key}={value}" for key, value in options.items() if value]
    return [*given, *(["--hold"] if spec.hold else []), "--no-requeue"]


def _refuse_what_slurm_has_not(submission: Submission) -> None:
    """Raise RefusedError for volumes, and for a log that Slurm would not find.

    A backslash in its path is a sign of its own (sbatch(1), "filename pattern"): what it stands
    before is not the file's name any more, and the job ends before its script begins.
    """
    volumes = submission.spec.resources.volumes
    if volumes:
        message = f"Slurm cannot ask for volumes ({'+'.join(volumes)})"
        raise RefusedError(message, hint="Leave --volumes out: all file systems are there.")
    if "\\" in submission.log.as_posix():  # which on Windows has none
        message = f"Slurm takes no path with a backslash, such as {submission.log.parent}"
        raise RefusedError(message, hint="Let XDG_STATE_HOME name a directory without one.")


def _mail_types(spec: JobSpec) -> str | None:
    """Return the occasions; where none is named, qsub's: when the job is aborted."""
    letters = spec.email_options or ("a" if spec.email else "")
    return ",".join(_MAIL_TYPES[letter] for letter in letters) or None
