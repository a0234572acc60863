"""qselect and pbsnodes: which jobs and which nodes there are."""

from __future__ import annotations

import getopt
import json

from tests.fakes.batch import amounts
from tests.fakes.batch.jobs import Job, is_over, jobs
from tests.fakes.batch.site_state import (
    COUNTS,
    HOST,
    LARGEST_ARRAY,
    QUEUES,
    SERVER,
    SIZES,
    Refused,
    alone,
    is_on,
    now,
    suffer,
)


def qselect(argv: list[str]) -> str:
    given, _ = getopt.getopt(argv, "xTu:N:s:q:")
    options = dict(given)
    suffer("qselect")
    history = "-x" in options and not is_on("nohistory")
    with alone():
        chosen = [job for job in jobs() if _fits(job, options, history=history)]
    if "-T" in options:
        chosen = [m for job in chosen for m in ([job.member(i) for i in job.indices] or [job])]
    return "".join(f"{job.job_id}\n" for job in chosen)


def _fits(job: Job, options: dict[str, str], *, history: bool) -> bool:
    told = job.all()
    return (
        (history or not is_over(job))
        and options.get("-u", "") in ("", told["Job_Owner"].partition("@")[0])
        and options.get("-N", "") in ("", told["Job_Name"])
        and options.get("-q", "") in ("", told["queue"])
        and told["job_state"] in options.get("-s", told["job_state"])
    )


def pbsnodes(argv: list[str]) -> str:
    given, names = getopt.getopt(argv, "aF:")
    suffer("pbsnodes")
    for name in names:
        if name != HOST:
            raise Refused(1, f"Node: {name},  Error: Unknown node \n")
    if dict(given).get("-F") != "json":
        raise Refused(1, "pbsnodes: the fake has no form but json\n")
    with alone():
        running = [job for job in jobs() if job["job_state"] in "RE"]
    assigned = [job["Resource_List"] for job in running]
    sizes = {
        name: f"{sum(amounts.size(asked[name]) for asked in assigned) // 1024}kb"
        for name in ("jobfs", "mem")
    }
    node = {
        "Mom": HOST,
        "ntype": "PBS",
        "state": "free",
        "pcpus": 2,
        **({"jobs": [job.job_id for job in running]} if running else {}),
        "resources_available": {"arch": "linux", "host": HOST, **SIZES, **COUNTS, "vnode": HOST},
        "resources_assigned": {**sizes, "ncpus": sum(asked["ncpus"] for asked in assigned)},
        "resv_enable": "True",
        "sharing": "default_shared",
        "license": "l",
    }
    told = {**_head(), "nodes": {HOST: node}}
    return json.dumps(told, indent="\t", separators=(",", ":\t")) + "\n"


def queues(options: dict[str, str]) -> str:
    """qstat -Q, in the one form that the fake has."""
    if options.get("-F") != "json" or "-f" not in options:
        raise Refused(2, "qstat: the fake has no form of -Q but -f -F json\n")
    suffer("qstat")
    told = {
        name: {
            "queue_type": "Execution",
            "resources_max": {
                "ncpus": COUNTS["ncpus"],
                "walltime": f"{most // 3600:02}:{most % 3600 // 60:02}:{most % 60:02}",
            },
            "enabled": "True",
            "started": "True",
        }
        for name, most in QUEUES.items()
    }
    return json.dumps({**_head(), "Queue": told}, indent="\t") + "\n"


def server(options: dict[str, str]) -> str:
    """qstat -B, in the one form that the fake has. Without a history nothing is said of one."""
    if options.get("-F") != "json" or "-f" not in options:
        raise Refused(2, "qstat: the fake has no form of -B but -f -F json\n")
    suffer("qstat")
    told = {
        "server_state": "Active",
        "server_host": HOST,
        "scheduling": "True",
        "default_queue": next(iter(QUEUES)),
        "flatuid": "True",
        "max_array_size": LARGEST_ARRAY,
        **({} if is_on("nohistory") else {"job_history_enable": "True"}),
    }
    return json.dumps({**_head(), "Server": {SERVER: told}}, indent="\t") + "\n"


def _head() -> dict[str, object]:
    return {"timestamp": int(now()), "pbs_version": "23.06.06", "pbs_server": SERVER}
