"""How a job ended, from what its script wrote and what the scheduler says: never from a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qxub.job import Outcome, OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qxub.execution.run_directory import Ending, JobFiles

WORST_FIRST = (
    OutcomeKind.LOST,
    OutcomeKind.SETUP_FAILED,
    OutcomeKind.OUT_OF_MEMORY,
    OutcomeKind.WALLTIME_EXCEEDED,
    OutcomeKind.SIGNALLED,
    OutcomeKind.CANCELLED,
    OutcomeKind.POST_FAILED,
    OutcomeKind.COMPLETED,
)
"""the endings that a job can have, in the order in which one stands for all members of an array"""
_OF_THE_SCRIPT = (OutcomeKind.SETUP_FAILED.exit_status, OutcomeKind.POST_FAILED.exit_status)
_KILLED = {("signal", "9"), ("exit", "137")}
"""a command that KILL ended; and one that passes on, as a shell does, that KILL ended its own"""
_OF_A_SHELL = 128
"""from here on an exit status of bash may stand for a signal"""


def script_may_know_more(said: Outcome | None) -> bool:
    """Return whether the status file, where there is one, tells more than the scheduler's words."""
    return said is None or said.kind in (OutcomeKind.COMPLETED, OutcomeKind.SIGNALLED)


def scheduler_may_know_why(ending: Ending) -> bool:
    """Return whether the scheduler is to be asked what is behind an ending that the script tells.

    Of TERM it knows whether that was the walltime or a cancellation; and where memory is enforced
    by cgroups, as Slurm does (cgroup.conf(5), ConstrainRAMSpace), the kernel kills one process, and
    the script goes on.
    """
    return ending.terminated or (ending.word, ending.detail) in _KILLED


def told_by_script(ending: Ending, files: JobFiles, job_id: str) -> Outcome:
    """Return the outcome that the job script has written down."""
    if ending.word == "setup":
        words = files.setup_words().rstrip()
        rest = f"\n{words}\nSee {files.setup_log}." if words else ""
        detail = f"{ending.detail} failed{rest}"
        return Outcome(OutcomeKind.SETUP_FAILED, job_id=job_id, detail=detail)
    if ending.word == "post":
        detail = f"the command succeeded, but --post ended with {ending.detail}"
        return Outcome(OutcomeKind.POST_FAILED, job_id=job_id, detail=detail)
    if ending.word == "lost":
        return _lost(files, job_id, "the job script lost sight of the command")
    try:
        number = int(ending.detail)
        if ending.word == "signal":
            return Outcome(OutcomeKind.SIGNALLED, signal=number, job_id=job_id)
        if ending.word == "exit":
            return Outcome(OutcomeKind.COMPLETED, status=number, job_id=job_id)
    except ValueError:  # told below
        pass
    return _lost(files, job_id, f"its status file says {ending.word!r} {ending.detail!r}")


def told_by_scheduler(
    said: Outcome | None, files: JobFiles, job_id: str, *, cancelled: bool
) -> Outcome:
    """Return the outcome of a job that is over, by the scheduler's words, and what fits them.

    For a job whose script has left no status, or one that `scheduler_may_know_why`. `said` is None
    where the scheduler knows the job no more, or not how it ended. With `cancelled` the scheduler
    accepted that we cancelled it.
    """
    ending = files.ending()
    may_be_cancelled = cancelled and (ending is None or ending.terminated)
    if said is None and may_be_cancelled:  # the scheduler has forgotten it; this side has not
        return Outcome(OutcomeKind.CANCELLED, job_id=job_id)
    if ending is not None and script_may_know_more(said):
        return told_by_script(ending, files, job_id)
    if said is None:
        return _lost(files, job_id, "the scheduler cannot tell how it ended, and it left no status")
    return _without_status(said, files, job_id)


def _without_status(said: Outcome, files: JobFiles, job_id: str) -> Outcome:
    """Return how a job ended of which there are the scheduler's words alone."""
    if not script_may_know_more(said):
        return said
    if not files.has_started():
        return _lost(
            files, job_id, f"{said}, says the scheduler; but its script never began to run"
        )
    # Without a status file (a full disk) the script's own exit status is the command's.
    if said.status is None or (said.status < _OF_A_SHELL and said.status not in _OF_THE_SCRIPT):
        return said
    return _lost(files, job_id, f"{said}, says the scheduler; but its script left no status")


def worst(members: Mapping[int, Outcome], job_id: str) -> Outcome:
    """Return the outcome of an array job: its worst member's, by WORST_FIRST.

    Of several that completed, or were ended by signals, the largest number is the worst.
    """
    index = max(members, key=lambda member: (_badness(members[member]), -member))
    found = members[index]
    alike = sum(1 for outcome in members.values() if str(outcome) == str(found))
    detail = f"{_how_many(alike, len(members))}member {index} of the array"
    if found.detail:
        detail = f"{detail}: {found.detail}"
    return Outcome(found.kind, found.status, found.signal, job_id=job_id, detail=detail)


def _how_many(alike: int, members: int) -> str:
    """Return what stands before the member that is named for all that ended like it."""
    if alike == 1:
        return ""
    share = f"all {members}" if alike == members else f"{alike} of {members}"
    return f"{share} members ended so, such as "


def _badness(outcome: Outcome) -> tuple[int, int]:
    return -WORST_FIRST.index(outcome.kind), outcome.exit_status


def _lost(files: JobFiles, job_id: str, what: str) -> Outcome:
    detail = f"Job {job_id}: {what}. What there is of it is in {files.path}."
    return Outcome(OutcomeKind.LOST, job_id=job_id, detail=detail)
