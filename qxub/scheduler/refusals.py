"""What schedulers mean when they refuse a job or cannot be used, and the way out.

The keys are words of qsub (OpenPBS 23.06, tests/data/pbs), of sbatch (Slurm 22.05, `strerror` of
slurm_errno.c), and, for the embedded scheduler, of SQLite and strerror(3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_RESOURCE_FORMS = "Memory is written as 8GB, walltime as 2h or 02:30:00, cores as a whole number."
_BROKEN_CONF = (
    "Slurm's configuration on this machine is broken: look at SLURM_CONF, where it is set, or tell"
    " those who run the cluster."
)
_MAKE_ROOM = "Make room there, or let XDG_STATE_HOME name another place."

PBS = {
    "Job violates queue and/or server resource limits": (
        "It asks for more cores, memory or walltime than the queue allows (PBS does not say which):"
        " ask for less, or name another queue; `qstat -Qf` shows the limits."
    ),
    "would exceed": "You have as many jobs there as you may have: wait until some have ended.",
    "Unknown queue": "`qstat -Q` lists the queues; name one of them with --queue.",
    "Queue is not enabled": "The queue takes no jobs now; name another one with --queue.",
    "Access to queue is denied": "You may not use this queue; name another one with --queue.",
    "Unknown resource Resource_List.jobfs": "This PBS has no jobfs: leave --disk out.",
    "Unknown resource Resource_List.storage": "This PBS has no storage: leave --volumes out.",
    "Unknown resource Resource_List.ngpus": "This PBS has no ngpus: leave --gpus out.",
    "Illegal attribute or resource value": f"PBS does not take that value. {_RESOURCE_FORMS}",
    "Array job exceeds server or queue size limit": (
        "An array may not have so many members here: submit it in parts."
    ),
    "illegal -J value": "PBS takes arrays of at least two members, such as 1-10 or 1-10:2.",
    "illegal -W value": (
        "A dependency is CONDITION:JOB_ID, such as afterok:123.server, and never a member of an"
        " array job."
    ),
    "illegal -M value": "--email takes an address, such as alice@example.org.",
    "illegal -m value": "--email-opts takes letters: a (aborted), b (begun), e (ended).",
    "illegal -o value": (
        "PBS takes no path with letters outside ASCII: set XDG_STATE_HOME to a directory without."
    ),
    "Bad UID for job execution": "PBS takes no jobs from this account (root, for one).",
    "Unauthorized Request": "You may not do that; ask those who run the cluster.",
    "Invalid project": "Name a project that you belong to with --project.",
}

SLURM = {
    "Invalid partition name": "`sinfo` lists the partitions; name one of them with --queue.",
    "Invalid account": "Name a project that you belong to with --project.",
    "not permitted to use this partition": "Name another partition with --queue.",
    "Requested time limit is invalid": (
        "It asks for more walltime than the partition allows; `sinfo -o '%P %l'` shows the limits."
    ),
    "Invalid generic resource": "There are no such GPUs: change --gpus and --gpu-type.",
    "Memory specification can not be satisfied": "No node has so much memory: ask for less.",
    "Temporary disk specification": "No node has so large a disk: ask for less with --disk.",
    "More processors requested than permitted": "No node has so many cores: ask for less.",
    "CPU count per node can not be satisfied": "No node has so many cores: ask for less.",
    "Requested node configuration is not available": (
        "No node of the partition has what it asks for: ask for less, or name another queue."
    ),
    "Invalid job array specification": (
        "The array is too large, or its range is wrong: `scontrol show config` has MaxArraySize."
    ),
    "Job dependency problem": "A dependency is CONDITION:JOB_ID, such as afterok:123.",
    "QOS policy": "It is over one of your limits: wait for other jobs to end, or ask for less.",
    "Job violates accounting": "It is over a limit of the project or account: ask for less.",
    "Invalid qos": "Your account lacks the QOS of this partition; name another one with --queue.",
    "Unable to process configuration file": _BROKEN_CONF,
    "Can't find plugin": _BROKEN_CONF,
    "Munge encode failed": "MUNGE does not run on this machine: tell those who run it.",
}

LOCAL = {
    "disk is full": _MAKE_ROOM,
    "No space left on device": _MAKE_ROOM,
    "Disk quota exceeded": _MAKE_ROOM,
}


def reading(table: Mapping[str, str], words: str) -> str:
    """Return the first hint whose key is in the scheduler's words, or ""."""
    return next((hint for said, hint in table.items() if said in words), "")
