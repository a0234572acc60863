"""Jobs that wait: for a time, or for other jobs."""

from __future__ import annotations

import time

from tests.fakes.batch.jobs import JOB_ID, Job, is_over
from tests.fakes.batch.site_state import date, now

FULFILLED, OPEN, FAILED = "fulfilled", "open", "failed"


def settle(job: Job) -> None:
    """Queue a job that need not wait any more; delete one whose dependency has failed."""
    if job.inside().get("deleted"):
        return
    if job["job_state"] == "W":
        when = time.mktime(time.strptime(job["Execution_Time"]))
        if now() >= when:
            job.change(job_state="Q", substate=10, etime=date())
    if job["job_state"] != "H" or "u" in job["Hold_Types"]:
        return
    standing = {_standing(condition, i) for condition, ids in job.inside()["depends"] for i in ids}
    if FAILED in standing:
        job.change(job_state="F", substate=92, mtime=date(), history_timestamp=int(now()))
    elif OPEN not in standing:
        job.change(job_state="Q", substate=10, Hold_Types="n", depend=None, etime=date())


def _standing(condition: str, job_id: str) -> str:
    match = JOB_ID.fullmatch(job_id)
    parent = Job(f"{match[1]}{match[2] or ''}") if match else None
    if parent is None or not parent.exists:
        return FAILED
    if condition == "after":
        return FULFILLED if parent.get("stime") else FAILED if is_over(parent) else OPEN
    if not is_over(parent):
        return OPEN
    went_well = parent.get("Exit_status") == 0 and parent["substate"] != 91
    wanted = {"afterok": went_well, "afternotok": not went_well, "afterany": True}
    return FULFILLED if wanted[condition] else FAILED
