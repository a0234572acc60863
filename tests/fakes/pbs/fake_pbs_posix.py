"""A fake PBS Pro that really runs its jobs, with OpenPBS 23.06's words (tests/data/pbs).

The directory that FAKE_PBS names holds `jobs/NUMBER/`, and the tests' switches: `down` (nothing
answers), `busy` (jobs stay queued), `nohistory` (finished jobs are forgotten). Each job has a
process that is its server and execution host. Unlike the real one it takes jobs from root, as the
tests may run as root.
"""

from __future__ import annotations

import contextlib
import getopt
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

assert sys.platform != "win32"

DIRECTORY = Path(os.environ["FAKE_PBS"])
QUEUES = {"normal": 48 * 3600, "express": 24 * 3600}
"""the longest walltime of each, in seconds; both have 8 cpus"""
DEFAULTS = {"jobfs": "100mb", "mem": "500mb", "ncpus": "1", "walltime": "01:00:00"}
KILL_DELAY = 5.0
"""seconds from TERM to KILL; the real one takes up to 10"""
OBIT_DELAY = 1.0
"""seconds from the script's end to state E, as measured; its output is staged after that"""
VNODE = "(vm:jobfs=102400kb:mem=512000kb:ncpus=1)"


class Refused(Exception):  # noqa: N818 - not an error of the fake's
    """An exit status, and what goes to stderr."""


class Job:
    """A job's files."""

    def __init__(self, number: str) -> None:
        self.job_id = f"{number}.pbshost"
        self.directory = DIRECTORY / "jobs" / number
        self.file = self.directory / "attributes"
        self.deleted = self.directory / "deleted"

    def __getitem__(self, attribute: str) -> Any:
        return json.loads(self.file.read_text())[attribute]

    def change(self, **changes: object) -> None:
        before = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.file.with_suffix(".part").write_text(json.dumps({**before, **changes}))
        self.file.with_suffix(".part").replace(self.file)


def main(command: Callable[[list[str]], str]) -> None:
    try:
        sys.stdout.write(command(sys.argv[1:]))
    except Refused as error:
        status, words, *answer = error.args
        sys.stdout.write("".join(answer))
        sys.stderr.write(f"{words}\n")
        sys.exit(status)


def is_on(switch: str) -> bool:
    return (DIRECTORY / switch).exists()


def seconds(walltime: str) -> int:
    hours, minutes, rest = map(int, f"0:0:{walltime}".split(":")[-3:])
    return (hours * 60 + minutes) * 60 + rest


def qsub(argv: list[str]) -> str:
    if argv == ["--version"]:
        return "pbs_version = 23.06.06\n"
    given, (name,) = getopt.getopt(argv, "N:j:o:r:q:P:l:")
    script = Path(name)
    if not script.exists():
        raise Refused(1, "qsub: script file:: No such file or directory")
    pairs = [*directives(script), *given]  # the command line overrides
    if is_on("down"):
        words = "Connection refused\nqsub: cannot connect to server pbshost (errno=15010)"
        raise Refused(162, words)
    asked = ",".join(value for key, value in pairs if key == "-l").split(",")
    wanted = {**DEFAULTS, **dict(item.split("=", 1) for item in asked if item)}
    options = {"-N": script.name, "-q": "normal", "-P": "_pbs_project_default", **dict(pairs)}
    if options["-q"] not in QUEUES:
        raise Refused(170, "qsub: Unknown queue")
    if int(wanted["ncpus"]) > 8 or seconds(wanted["walltime"]) > QUEUES[options["-q"]]:
        raise Refused(188, "qsub: Job violates queue and/or server resource limits")
    return f"{queued(script, options, wanted)}\n"


def directives(script: Path) -> list[tuple[str, str]]:
    pairs = []
    for line in script.read_text(errors="surrogateescape").splitlines():
        if line and not line.startswith("#"):
            break  # only before the first command
        words = line[4:].strip() if line.startswith("#PBS") else ""
        given, rest = getopt.getopt(words.split(), "N:j:o:r:q:P:l:")
        if rest:
            raise Refused(1, f"qsub: directive error: {words} ")
        pairs += given
    return pairs


def queued(script: Path, options: dict[str, str], wanted: dict[str, str]) -> str:
    number = 1
    while (DIRECTORY / "jobs" / str(number)).exists():
        number += 1
    job = Job(str(number))
    job.directory.mkdir(parents=True)
    shutil.copyfile(script, job.directory / "SC")
    (job.directory / "SC").chmod(0o700)
    job.change(
        Job_Name=options["-N"],
        job_state="Q",
        queue=options["-q"],
        Output_Path=f"vm:{Path(options.get('-o', f'{script.name}.o{number}')).absolute()}",
        Resource_List={**wanted, "ncpus": int(wanted["ncpus"])},
        substate=10,
        project=options["-P"],
    )
    argv, null = [sys.executable, __file__, str(number)], subprocess.DEVNULL
    subprocess.Popen(argv, stdin=null, stdout=null, stderr=null, start_new_session=True)
    return job.job_id


def found(command: str, job_id: str) -> Job:
    if not re.fullmatch(r"\d+(\.pbshost)?", job_id):
        raise Refused(1, f"{command}: illegally formed job identifier: {job_id}")
    job = Job(job_id.partition(".")[0])
    if not job.file.exists() or (job["job_state"] == "F" and is_on("nohistory")):
        raise Refused(153, f"{command}: Unknown Job Id {job.job_id}")
    return job


def qstat(argv: list[str]) -> str:
    given, (job_id,) = getopt.getopt(argv, "xfF:")
    answer: dict[str, object] = {"timestamp": int(time.time()), "pbs_version": "23.06.06"}
    answer["pbs_server"] = "pbshost"
    try:
        answer["Jobs"] = status_of(job_id, history=("-x", "") in given)
    except Refused as error:
        raise Refused(*error.args, as_json(answer)) from None
    return as_json(answer)


def as_json(answer: object) -> str:
    return json.dumps(answer, indent="\t", separators=(",", ":\t")) + "\n"


def status_of(job_id: str, *, history: bool) -> dict[str, Any]:
    if is_on("down"):
        words = "Connection refused\nqstat: cannot connect to server pbshost (errno=15010)"
        raise Refused(255, words)
    if history and is_on("nohistory"):
        raise Refused(0, f"qstat: PBS is not configured to maintain job history {job_id}")
    job = found("qstat", job_id)
    if job["job_state"] == "F" and not history:
        words = "Job has finished, use -x or -H to obtain historical job information"
        raise Refused(35, f"qstat: {job.job_id} {words}")
    return {job.job_id: json.loads(job.file.read_text())}


def qdel(argv: list[str]) -> str:
    (job_id,) = argv
    if is_on("down") and job_id[0].isdigit():
        raise Refused(162, "Connection refused\nCouldn't connect to cluster: pbshost")
    job = found("qdel", job_id)
    if job["job_state"] == "F":
        raise Refused(35, f"qdel: Job has finished {job.job_id}")
    if job["job_state"] == "E":
        raise Refused(168, f"qdel: Request invalid for state of job {job.job_id}")
    job.deleted.touch()
    return ""


def live(job: Job) -> None:
    """Be the server: keep the job from queued to finished."""
    waits = "Not Running: Not enough free nodes available"
    while is_on("busy") and not job.deleted.exists():
        job.change(comment=waits)
        time.sleep(0.05)
    if job.deleted.exists():  # then there is no Exit_status
        job.change(job_state="F", substate=91, comment=f"{waits} and terminated")
        return
    ran = f"Job run at {time.strftime('%a %b %d at %H:%M')} on {VNODE}"
    job.change(job_state="R", substate=41, stime=time.ctime(), comment=ran)
    status = run(job, job.directory / "OU")
    time.sleep(OBIT_DELAY)
    job.change(job_state="E", substate=51, Exit_status=status)
    shutil.move(job.directory / "OU", job["Output_Path"].partition(":")[2])
    substate, why = (92, "finished") if status == 0 else (93, "failed")
    if job.deleted.exists():
        substate, why = 91, "terminated by alice@vm"
    elif status == -29:
        why = "exceeded resource walltime"
    job.change(job_state="F", substate=substate, comment=f"{ran} and {why}")


def run(job: Job, spool: Path) -> int:
    """Be the execution host: run the script; return its Exit_status."""
    limit = seconds(job["Resource_List"]["walltime"])
    environment = {  # a fresh login's and what PBS adds: nothing of the submitter's
        "HOME": str(Path.home()),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PBS_ENVIRONMENT": "PBS_BATCH",
        "PBS_JOBID": job.job_id,
    }
    with spool.open("wb") as output:
        process = subprocess.Popen(
            [job.directory / "SC"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=Path.home(),
            env=environment,
            start_new_session=True,
        )
        end = time.monotonic() + limit
        while process.poll() is None and time.monotonic() < end and not job.deleted.exists():
            time.sleep(0.02)
        status = process.poll()
        if status is None and not job.deleted.exists():
            output.write(b"=>> PBS: job killed: walltime %d exceeded limit %d\n" % (limit, limit))
        end_session(process)
    if status is None:
        return 256 + signal.SIGTERM if job.deleted.exists() else -29
    return status if status >= 0 else 128 - status  # the login shell above puts it so


def end_session(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(KILL_DELAY)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


if __name__ == "__main__":
    os.umask(0o077)
    live(Job(sys.argv[1]))
