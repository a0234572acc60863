"""qsub: a job comes in."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.fakes.batch import amounts, qsub_options, usage
from tests.fakes.batch.jobs import Job
from tests.fakes.batch.site_state import (
    HOST,
    QUEUES,
    SERVER,
    Refused,
    alone,
    date,
    directory,
    is_on,
    owner,
    suffer,
    value_of,
)

ROOT = Path(__file__).resolve().parents[3]


def qsub(argv: list[str]) -> str:
    given, operands = qsub_options.parsed(argv)
    if len(operands) > 1:
        raise Refused(2, usage.QSUB)
    script, name = _script(operands)
    pairs = [*qsub_options.directives(script), *given]  # the command line overrules
    if "-N" not in dict(pairs):
        pairs.append(("-N", name))
    options = qsub_options.checked(pairs)
    variables = qsub_options.variables(options.get("-v", ""), dict(os.environ))
    suffer("qsub")
    if is_on("refuse"):
        status, _, words = value_of("refuse").partition(" ")
        raise Refused(int(status), f"qsub: {words}\n")
    with alone():
        job = _queued(script, options, qsub_options.resources(pairs), variables, argv)
    _wake_server()
    while is_on("lost"):
        time.sleep(0.05)
    return "" if "-z" in options else f"{job.job_id}\n"


def _script(operands: list[str]) -> tuple[Path, str]:
    """Return the script's file and the name that the job gets from it."""
    if operands and operands[0] != "-":
        path = Path(operands[0])
        if not path.exists():
            raise Refused(1, "qsub: script file:: No such file or directory\n")
        if not path.is_file():
            raise Refused(1, "qsub: script not a file\n")
        if b"\r\n" in path.read_bytes():
            raise Refused(1, "qsub: script contains cr, lf\n")
        return path, path.name
    path = directory() / f"STDIN.{os.getpid()}"
    path.write_bytes(sys.stdin.buffer.read())
    return path, "STDIN"


def _queued(
    script: Path,
    options: dict[str, str],
    wanted: dict[str, str],
    variables: dict[str, str],
    argv: list[str],
) -> Job:
    """Take the job in; one that is refused uses up a number, too."""
    counter = directory() / "next"
    number = int(counter.read_text()) if counter.exists() else 1
    counter.write_text(str(number + 1))
    queue = options.get("-q", "normal")
    if queue not in QUEUES:
        raise Refused(170, "qsub: Unknown queue\n")
    if "/" in options.get("-P", ""):
        raise Refused(166, "qsub: Illegal attribute or resource value project\n")
    resources = amounts.resource_list(wanted, queue, "qsub")
    job = Job(f"{number}[]" if "-J" in options else str(number))
    attributes = _attributes(job, options, queue, variables)
    attributes["Resource_List"] = resources
    attributes["Submit_arguments"] = shlex.join(argv)
    spec = options.get("-J")
    indices = list(qsub_options.indices(spec)) if spec else []
    if spec:
        attributes.update(_of_array(spec, indices))
    limit = int(spec.partition("%")[2] or len(indices)) if spec else 0
    depends = qsub_options.dependencies(options["-W"]) if "-W" in options else []
    job.create(attributes, indices=indices, limit=limit, depends=depends, variables=variables)
    shutil.copyfile(script, job.script)
    job.script.chmod(0o700)
    return job


def _attributes(
    job: Job, options: dict[str, str], queue: str, variables: dict[str, str]
) -> dict[str, Any]:
    today, here = date(), str(Path.cwd())
    default = f"{options['-N']}.{{}}{job.number}" + (".^array_index^" if job.is_array else "")
    depend = qsub_options.dependencies(options["-W"]) if "-W" in options else []
    state, substate = _first_state(options)
    return {
        "Job_Name": options["-N"],
        "Job_Owner": f"{owner()}@{HOST}",
        "job_state": state,
        "queue": queue,
        "server": SERVER,
        "Checkpoint": "u",
        "ctime": today,
        **({"depend": _shown(depend)} if depend else {}),
        **({"Execution_Time": _shown_time(options["-a"])} if "-a" in options else {}),
        "Error_Path": f"{HOST}:{Path(here, options.get('-e', default.format('e')))}",
        "Hold_Types": "u" if "-h" in options else "s" if depend else "n",
        "Join_Path": options.get("-j", "n"),
        "Keep_Files": "n",
        "Mail_Points": options.get("-m", "a"),
        "mtime": today,
        "Output_Path": f"{HOST}:{Path(here, options.get('-o', default.format('o')))}",
        "Priority": int(options.get("-p", "0")),
        "qtime": today,
        "Rerunable": "False" if options.get("-r") == "n" else "True",
        "substate": substate,
        "Variable_List": {**_submitter(here, queue), **variables},
        **({"etime": today} if state == "Q" else {}),
        "project": options.get("-P") or "_pbs_project_default",
        "Submit_Host": HOST,
    }


def _first_state(options: dict[str, str]) -> tuple[str, int]:
    if "-h" in options:
        return "H", 20
    if "depend=" in options.get("-W", ""):
        return "H", 22
    return ("W", 30) if "-a" in options else ("Q", 10)


def _submitter(here: str, queue: str) -> dict[str, str]:
    return {
        "PBS_O_HOME": str(Path.home()),
        "PBS_O_LANG": os.environ.get("LANG", "C.UTF-8"),
        "PBS_O_LOGNAME": owner(),
        "PBS_O_PATH": os.environ.get("PATH", ""),
        "PBS_O_SHELL": "/bin/bash",
        "PBS_O_INTERACTIVE_AUTH_METHOD": "resvport",
        "PBS_O_INTERACTIVE_ENCRYPT_METHOD": "",
        "PBS_O_WORKDIR": here,
        "PBS_O_SYSTEM": "Linux",
        "PBS_O_QUEUE": queue,
        "PBS_O_HOST": HOST,
    }


def _of_array(spec: str, indices: list[int]) -> dict[str, Any]:
    submitted = spec.partition("%")[0]
    return {
        "array": "True",
        "array_state_count": f"Queued:{len(indices)} Running:0 Exiting:0 Expired:0",
        "array_indices_submitted": submitted,
        "array_indices_remaining": submitted,
    }


def _shown(depend: list[tuple[str, list[str]]]) -> str:
    parts = []
    for condition, job_ids in depend:
        whole = (i if "." in i else f"{i}.{SERVER}" for i in job_ids)
        parts.append(":".join([condition, *(f"{job_id}@{SERVER}" for job_id in whole)]))
    return ",".join(parts)


def _shown_time(text: str) -> str:
    return time.ctime(time.mktime(time.strptime(text, "%Y%m%d%H%M")))


def _wake_server() -> None:
    """Start the server, which runs as long as there are jobs; a second one leaves at once."""
    null = subprocess.DEVNULL
    subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.batch.server_posix"],
        stdin=null,
        stdout=null,
        stderr=(directory() / "server.log").open("ab"),
        cwd=ROOT,
        start_new_session=True,
    )
