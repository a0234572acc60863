"""The fake's answers beside those of the real one."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.scheduler.transcripts import record

if TYPE_CHECKING:
    from tests.fakes.batch.harness import FakePbs


def same(pbs: FakePbs, name: str, then: str = "", now: str = "") -> None:
    """Call as was called then, with the job ID of now for the one of then."""
    said = json.loads(json.dumps(record(name)).replace(then or "\0", now))
    stdout, stderr, status = pbs.call(*said["argv"])
    assert (stderr, status) == (said["stderr"], said["rc"])
    if said["stdout"].startswith("{"):
        ours, theirs = json.loads(stdout), json.loads(said["stdout"])
        assert {**ours, "timestamp": 0} == {**theirs, "timestamp": 0}
        assert stdout.splitlines()[0] == said["stdout"].splitlines()[0]
        assert stdout.splitlines()[2] == said["stdout"].splitlines()[2]  # tabs and all
    else:
        assert stdout == said["stdout"]


def theirs(name: str, job_id: str = "") -> dict[str, Any]:
    jobs: dict[str, Any] = json.loads(record(name)["stdout"])["Jobs"]
    found: dict[str, Any] = jobs[job_id] if job_id else next(iter(jobs.values()))
    return found


def alike(ours: dict[str, Any], told: dict[str, Any]) -> None:
    """Compare what qxub reads, and see that no attribute is of the fake's invention."""
    read = ("job_state", "substate", "Exit_status", "Hold_Types", "run_count")
    assert [ours.get(key) for key in read] == [told.get(key) for key in read]
    invented = ours.keys() - told.keys()
    assert not invented
    assert {key: type(ours[key]) for key in ours} == {key: type(told[key]) for key in ours}
    order = [key for key in told if key in ours]
    assert list(ours) == order
    assert tail(ours) == tail(told)


def tail(job: dict[str, Any]) -> str:
    """Return a comment without the day, the node, and the resources."""
    comment = re.sub(r"at \w{3} \w{3} +\d+ at \d\d:\d\d", "at DATE", job.get("comment", ""))
    comment = re.sub(r"on \w{3} \w{3} +\d+ [\d:]+ \d{4}", "on DATE", comment)
    return re.sub(r" on \(.*?\)", "", comment)


def submit_again(pbs: FakePbs, name: str) -> str:
    return pbs.submit_as_is(record(name)["script"], *record(name)["submit_argv"][1:-1])
