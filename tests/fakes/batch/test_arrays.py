"""Array jobs and dependencies of the fake, beside those of the real one."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.fakes.batch.comparison import alike, same, theirs
from tests.scheduler.transcripts import record

if TYPE_CHECKING:
    from tests.fakes.batch.harness import FakePbs

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake batch system needs POSIX")


def test_dependencies(pbs: FakePbs) -> None:
    parent = pbs.submit("sleep 1; exit 1", name="parent.sh")
    child = pbs.submit("true", "-l", "walltime=60", "-W", f"depend=afterok:{parent}")
    alike(pbs.jobs(child)[child], theirs("09-depend-afterok-held"))
    grandchild = pbs.submit("true", "-W", f"depend=afterok:{child}")
    other = pbs.submit("true", "-W", f"depend=afternotok:{parent}")
    any_way = pbs.submit("true", "-W", "depend=afterany:1")
    alike(pbs.wait_for(child, "F"), theirs("09-depend-afterok-failing-result"))
    alike(pbs.wait_for(grandchild, "F"), theirs("09-depend-afterok-parent-qdel-grandchild"))
    alike(pbs.wait_for(other, "F"), theirs("09-depend-afternotok-finished-failed-result"))
    alike(pbs.wait_for(any_way, "F"), theirs("09-depend-afterany-result"))
    unknown = pbs.submit("true", "-W", "depend=afterok:999999")
    alike(pbs.wait_for(unknown, "F"), theirs("09-depend-unknown-result"))


def test_an_array(pbs: FakePbs) -> None:
    """As 217[] was: five members of three cpus each, so that two run at a time."""
    script = "[ $PBS_ARRAY_INDEX = 2 ] && exec sleep 60; sleep 1; exit $PBS_ARRAY_INDEX"
    options = ["-l", "walltime=60", "-l", "ncpus=3", "-J", "1-5", "-N", "arr"]
    array = pbs.submit(script, *options, name="a.sh")
    assert array == "1[].pbshost"
    pbs.wait_for("1[2].pbshost", "R", 42)
    running = pbs.jobs(array, "-t")
    for index in ("[]", "[1]", "[2]", "[3]", "[5]"):
        ours = running[f"1{index}.pbshost"]
        if index == "[1]" and ours["job_state"] != "R":
            continue  # the machine was slow
        alike(ours, theirs("11-array-qstat-t-json", f"217{index}.pbshost"))
    same(pbs, "11-array-qdel-subjob-queued", "217[5]", "1[5]")
    same(pbs, "11-array-qdel-subjob-running", "217[2]", "1[2]")
    alike(pbs.jobs("1[5].pbshost")["1[5].pbshost"], theirs("11-array-qstat-subjob-expired"))
    alike(pbs.wait_for(array, "F"), theirs("11-array-done-parent"))
    done = pbs.jobs(array, "-t")
    indices = ("[1]", "[2]", "[3]", "[4]", "[5]")
    assert list(done) == [f"1{index}.pbshost" for index in ("[]", *indices)]
    for index in indices:
        alike(done[f"1{index}.pbshost"], theirs("11-array-done-t-json", f"217{index}.pbshost"))
    assert pbs.call("qselect", "-x", "-T", "-N", "arr")[0] == record("11-array-done-qselect")[
        "stdout"
    ].replace("217", "1")


def test_a_queued_array_is_deleted(pbs: FakePbs) -> None:
    array = pbs.submit("true", "-l", "walltime=60,mem=100gb", "-J", "1-3")
    pbs.wait_for_comment(array, "Can Never Run")
    queued = pbs.jobs(array, "-t")
    assert len(queued) == 4
    for name, told in json.loads(record("14-array-queued-json")["stdout"])["Jobs"].items():
        alike(queued[name.replace("229", "1")], told)
    same(pbs, "14-array-qdel-queued", "229[]", "1[]")
    pbs.wait_for(array, "F")
    done = pbs.jobs(array, "-t")
    for name, told in json.loads(record("14-array-qdel-queued-done")["stdout"])["Jobs"].items():
        alike(done[name.replace("229", "1")], told)


def test_jobs_wait_for_an_array(pbs: FakePbs) -> None:
    array = pbs.submit("exit $PBS_ARRAY_INDEX", "-l", "walltime=60", "-J", "1-2")
    after = pbs.submit("true", "-l", "walltime=60", "-W", f"depend=afterok:{array}")
    any_way = pbs.submit("true", "-l", "walltime=60", "-W", f"depend=afterany:{array}")
    alike(pbs.wait_for(after, "F"), theirs("13-array-dep-afterok-done"))
    alike(pbs.wait_for(any_way, "F"), theirs("13-array-dep-afterany-done"))


def test_an_array_is_held_while_a_member_runs(pbs: FakePbs) -> None:
    """As 228[] was: eight cpus each, so that one runs at a time; three were deleted before."""
    array = pbs.submit("sleep 2", "-l", "walltime=60", "-l", "ncpus=8", "-J", "1-5")
    pbs.wait_for("1[1].pbshost", "R")
    for index in (2, 3, 4):
        assert pbs.call("qdel", f"1[{index}].pbshost") == ("", "", 0)
    same(pbs, "14-array-qhold", "228[]", "1[]")
    pbs.wait_for_counts(array, "Queued:1 Running:1 Exiting:0 Expired:3")
    told = pbs.jobs(array)[array]
    alike(told, theirs("14-array-qhold-json"))
    assert told["array_indices_remaining"] == 5
    pbs.wait_for("1[1].pbshost", "F")
    same(pbs, "14-array-qrls", "228[]", "1[]")
    assert pbs.wait_for(array, "F")["Exit_status"] == 1  # members were deleted


def test_no_more_members_at_once_than_asked_for(pbs: FakePbs) -> None:
    array = pbs.submit("sleep 0.5", "-J", "1-4%1")
    seen = set()
    while (told := pbs.jobs(array)[array])["job_state"] != "F":
        seen.add(re.findall(r"Running:(\d)", told["array_state_count"])[0])
    assert seen - {"0"} == {"1"}
    assert told["Exit_status"] == 0
