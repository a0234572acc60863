"""The server and its scheduler: one process, as long as there are jobs that have not finished."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import contextlib
import fcntl
import signal
import time
from typing import TYPE_CHECKING

from tests.fakes.batch import amounts
from tests.fakes.batch.arrays import Members, begin_member, moment
from tests.fakes.batch.dependencies import settle
from tests.fakes.batch.jobs import Job, is_over, jobs
from tests.fakes.batch.mom_posix import MEMORY, WALLTIME, Running
from tests.fakes.batch.site_state import COUNTS, HOST, alone, date, directory, is_on, now

if TYPE_CHECKING:
    from collections.abc import Iterator

ITERATION = 0.05
"""seconds between two looks at all jobs"""
OBIT_DELAY = 1.0
"""seconds from the script's end to state E, as measured; its output is staged after that"""
CPUS = COUNTS["ncpus"]
_EXCEEDED = {WALLTIME: "exceeded resource walltime", MEMORY: "exceeded resource mem"}


class Server:
    """What runs now, and what has ended and is not finished yet."""

    def __init__(self) -> None:
        self._running: dict[str, Running] = {}
        self._exiting: dict[str, tuple[float, int]] = {}

    def step(self) -> bool:
        """Look at each job once; return whether there is one that has not finished."""
        waiting = [job for job in jobs() if not is_over(job)]
        for job in waiting:
            settle(job)
            if not is_over(job):
                self._step_array(job) if job.is_array else self._step_job(job)
        return bool(waiting)

    def _step_job(self, job: Job) -> None:
        state = job["job_state"]
        if job.name in self._exiting:
            self._finish(job)
        elif job.name in self._running:
            self._watch(job, self._running[job.name])
        elif job.inside().get("deleted"):
            told = job.get("comment")
            comment = f"{told} and terminated" if told else None
            job.change(job_state="F", substate=91, comment=comment, mtime=date())
        elif state == "Q":
            self._start_if_possible(job)

    def _step_array(self, array: Job) -> None:
        for member in Members(array).live:
            self._step_job(member)
        members = Members(array)
        if array["job_state"] in "QB":
            for index in members.left[: members.room]:
                obstacle = self._obstacle(array)
                if not obstacle:
                    self._start(begin_member(array, index))
                elif array["job_state"] == "Q":
                    array.change(comment=obstacle)
        Members(array).tell()

    def _obstacle(self, job: Job) -> str:
        """Return why the job cannot start now, or ""."""
        resources = job["Resource_List"]
        if is_on("busy"):
            return "Not Running: Not enough free nodes available"
        taken = sum(running.job["Resource_List"]["ncpus"] for running in self._running.values())
        if resources["ncpus"] > CPUS - taken:
            free = f"R: {resources['ncpus']} A: {CPUS - taken} T: {CPUS}"
            return f"Not Running: Insufficient amount of resource: ncpus ({free})"
        return amounts.can_never_run(resources)

    def _start_if_possible(self, job: Job) -> None:
        obstacle = self._obstacle(job)
        if not obstacle:
            self._start(job)
        elif job.get("comment") != obstacle:
            job.change(comment=obstacle)

    def _start(self, job: Job) -> None:
        asked = job["Resource_List"]
        kib = {name: f"{amounts.size(asked[name]) // 1024}kb" for name in ("jobfs", "mem")}
        vnode = f"({HOST}:jobfs={kib['jobfs']}:mem={kib['mem']}:ncpus={asked['ncpus']})"
        cpus = f"*{asked['ncpus']}" if asked["ncpus"] > 1 else ""
        job.change(
            job_state="R",
            substate=41,
            stime=date(),
            mtime=date(),
            exec_host=f"{HOST}/{len(self._running)}{cpus}",
            exec_vnode=vnode,
            comment=f"Job run at {moment()} on {vnode}",
            run_count=1,
        )
        self._running[job.name] = Running(job)

    def _watch(self, job: Job, running: Running) -> None:
        inside = job.inside()
        if inside.get("deleted") and running.verdict is None:
            by = f"{job['comment']} and terminated by {inside['deleted']}"
            running.end(signal.SIGKILL if inside.get("force") else signal.SIGTERM)
            job.change(comment=by)
        if job["substate"] == 41 and now() - running.started > 1:
            job.change(
                substate=42,
                resources_used=running.used(),
                jobdir=job["Variable_List"]["PBS_O_HOME"],
                session_id=running.session,
            )
        status = running.step()
        if status is not None:
            self._exiting[job.name] = (now(), status)
            job.change(resources_used=running.used())

    def _finish(self, job: Job) -> None:
        ended, status = self._exiting[job.name]
        if job["job_state"] != "E":
            if now() - ended >= OBIT_DELAY:
                job.change(job_state="E", substate=51, Exit_status=status)
            return
        self._running.pop(job.name).deliver()
        del self._exiting[job.name]
        comment = job["comment"]
        substate, word = (92, "finished") if status == 0 else (93, "failed")
        word = {WALLTIME: "exceeded resource walltime", MEMORY: "exceeded resource mem"}.get(
            status, word
        )
        if " and terminated" in comment:
            substate, word = 91, ""
        job.change(
            job_state="F",
            substate=substate,
            comment=f"{comment} and {word}" if word else comment,
            session_id=None,
            Stageout_status=1,
            obittime=date(),
            mtime=date(),
            history_timestamp=int(now()),
        )


@contextlib.contextmanager
def the_only_one() -> Iterator[bool]:
    """Give whether no other server runs here."""
    with (directory() / "server.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def serve() -> None:
    with contextlib.ExitStack() as stack:
        if not stack.enter_context(the_only_one()):
            return
        server = Server()
        while True:
            with alone():
                if not server.step():
                    stack.close()  # before a qsub can put in the next job
                    return
            time.sleep(ITERATION)


if __name__ == "__main__":
    serve()
