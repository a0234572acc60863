"""qdel, qhold, qrls and qalter: what is done to jobs."""

from __future__ import annotations

import getopt
from typing import Callable

from tests.fakes.batch import amounts, qsub_options, usage
from tests.fakes.batch.jobs import JOB_ID, Job, found, is_over
from tests.fakes.batch.site_state import HOST, Refused, alone, date, is_on, owner, suffer


def qdel(argv: list[str]) -> str:
    given, job_ids = getopt.getopt(argv, "W:x")
    if not job_ids:
        raise Refused(2, usage.QDEL)
    malformed = [job_id for job_id in job_ids if JOB_ID.fullmatch(job_id) is None]
    words = "".join(f"qdel: illegally formed job identifier: {job_id}\n" for job_id in malformed)
    well_formed = [job_id for job_id in job_ids if job_id not in malformed]
    if not well_formed:
        raise Refused(1, words)  # no server is asked
    force = ("-W", "force") in given
    drop = ("-x", "") in given
    _for_each("qdel", well_formed, lambda job: _delete(job, force=force, drop=drop), words)
    return ""


def _delete(job: Job, *, force: bool, drop: bool) -> None:
    if not job.exists:  # a member that has not begun
        array = Job(f"{job.number}[]")
        index = int(job.name[len(job.number) + 1 : -1])
        array.note(gone=sorted({*array.inside().get("gone", []), index}))
        return
    if is_over(job) and not drop:
        raise Refused(35, f"qdel: Job has finished {job.job_id}\n")
    if is_over(job):
        (job.directory / "attributes").unlink()
        return
    state = job["job_state"]
    if state == "E":
        raise Refused(168, f"qdel: Request invalid for state of job {job.job_id}\n")
    if state == "R" and is_on("mom-down") and not force:
        raise Refused(222, f"qdel: Server could not connect to MOM {job.job_id}\n")
    for one in [job, *(job.member(index) for index in job.indices if job.is_array)]:
        if one.exists and not is_over(one):
            one.note(deleted=f"{owner()}@{HOST}", force=force)


def qhold(argv: list[str]) -> str:
    _, job_ids = getopt.getopt(argv, "h:")
    _for_each("qhold", job_ids, _hold)
    return ""


def _hold(job: Job) -> None:
    _refuse_finished("qhold", job)
    words = f"Job held by {owner()} on {date()}"
    job.change(Hold_Types="u", comment=words, mtime=date())
    if job["job_state"] in "QBW":
        job.change(job_state="H", substate=20, etime=None)


def qrls(argv: list[str]) -> str:
    _, job_ids = getopt.getopt(argv, "h:")
    _for_each("qrls", job_ids, _release)
    return ""


def _release(job: Job) -> None:
    _refuse_finished("qrls", job)
    if "u" not in job["Hold_Types"]:
        return
    depends = bool(job.inside()["depends"]) and "depend" in job.all()
    job.change(Hold_Types="s" if depends else "n", mtime=date(), comment=None)
    if job["job_state"] != "H":
        return
    if depends:
        job.change(substate=22)
    elif job.is_array and "stime" in job.all():
        job.change(job_state="B", substate=70)
    else:
        job.change(job_state="Q", substate=10, etime=date())


def qalter(argv: list[str]) -> str:
    given, job_ids = getopt.getopt(argv, "l:N:h:")
    _for_each("qalter", job_ids, lambda job: _alter(job, given))
    return ""


def _alter(job: Job, given: list[tuple[str, str]]) -> None:
    _refuse_finished("qalter", job)
    asked = qsub_options.resources(given)
    if asked:
        kept = ("jobfs", "mem", "ncpus", "walltime", "ngpus", "storage")
        before = {name: str(value) for name, value in job["Resource_List"].items() if name in kept}
        if job["job_state"] == "R":
            _refuse_change_while_running(job, asked, before)
        suffix = f" {job.job_id}"
        resources = amounts.resource_list({**before, **asked}, job["queue"], "qalter", suffix)
        job.change(Resource_List=resources)
    if "-N" in dict(given):
        job.change(Job_Name=dict(given)["-N"])
    if dict(given).get("-h") == "n":
        _release(job)


def _refuse_change_while_running(job: Job, asked: dict[str, str], before: dict[str, str]) -> None:
    for name in asked:
        if name != "walltime":
            words = f"Cannot modify attribute while job running  Resource_List.{name} {job.job_id}"
            raise Refused(167, f"qalter: {words}\n")
    if amounts.seconds(asked["walltime"]) > amounts.seconds(before["walltime"]):
        raise Refused(159, f"qalter: Unauthorized Request  {job.job_id}\n")


def _refuse_finished(command: str, job: Job) -> None:
    if is_over(job):
        raise Refused(35, f"{command}: Job has finished\n")


def _for_each(
    command: str, job_ids: list[str], change: Callable[[Job], None], words: str = ""
) -> None:
    """Do it to each job that there is; complain of the others, with the last one's status."""
    suffer(command)
    status = 1 if words else 0
    for job_id in job_ids:
        try:
            with alone():
                change(found(command, job_id))
        except Refused as error:
            status, words = error.status, words + error.words
    if status:
        raise Refused(status, words)
