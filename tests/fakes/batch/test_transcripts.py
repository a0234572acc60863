"""The fake batch system answers word for word as the real one did (tests/data/pbs)."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.scheduler.transcripts import record, transcripts

if TYPE_CHECKING:
    from tests.fakes.batch.harness import FakePbs

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake batch system needs POSIX")

# What the fake does not do, because nothing that qxub asks for needs it.
NOT_DONE = re.compile(
    r"00-version-qsub|.*-(I|X|V)-.*|05-qsub-(I|X|S|as-root|other-user|script-unreadable).*"
    r"|06-qsub-v-.*|07-.*|08-.*|17-.*|25-.*|50-block.*|51-frozen-qsub.*|05-qsub-W-block-bad"
    r"|04-qsub-l-(select|nodes|empty|spaces|storage-comma).*|04-qsub-queue-at.*|.*-S-bash.*"
    r"|40-files-o-host|01-qsub-script-nul|09-depend-bad-id"
)
SCRIPTS = {
    "crlf.sh": "#!/bin/bash\r\necho\r\n",
    "dirbad.sh": "#!/bin/bash\n#PBS -l walltime=abc\n",
    "dirbad2.sh": "#!/bin/bash\n#PBS --nosuch\n",
    "dirbad3.sh": "#!/bin/bash\n#PBS -N two words\n",
    "dirquoted.sh": "#!/bin/bash\n#PBS -l walltime=60 # trailing comment\n",
}


def submissions(*, refused: bool) -> list[str]:
    return [
        name
        for name, said in transcripts().items()
        if said["argv"][0] == "qsub" and not NOT_DONE.fullmatch(name)
        if bool(said["rc"]) is refused
    ]


def prepare(pbs: FakePbs, name: str) -> None:
    script = record(name)["argv"][-1]
    if script.endswith(".sh") and "/" not in script and script != "nosuch.sh":
        pbs.write(script, SCRIPTS.get(script, "#!/bin/bash\n"))
    if name.startswith("50-down"):
        pbs.switch("down")


@pytest.mark.parametrize("name", submissions(refused=True))
def test_what_qsub_refuses(pbs: FakePbs, name: str) -> None:
    prepare(pbs, name)
    said = record(name)
    assert pbs.call(*said["argv"]) == (said["stdout"], said["stderr"], said["rc"])


def test_what_qsub_accepts(pbs: FakePbs) -> None:
    """All in one queue, in which nothing starts."""
    pbs.switch("busy")
    names = submissions(refused=False)
    assert len(names) > 70
    for number, name in enumerate(names, start=1):
        prepare(pbs, name)
        said = record(name)
        stdout, stderr, status = pbs.call(*said["argv"], stdin=said.get("stdin") or "")
        assert (stderr, status) == ("", 0), name
        assert stdout == re.sub(r"^\d+", str(number), said["stdout"]), name


def of_no_job(name: str, command: str, words: list[str]) -> bool:
    """Return whether the fake needs no job to give this answer."""
    if command == "qsub" or (command == "qstat" and "-F" not in words) or "qstat-Q" in name:
        return False
    families = ("22-qstat", "26-no", "32-qdel", "33-", "34-", "50-down", "24-pbsnodes")
    wanted = "-(unknown|malformed|no-arg|F-without-f|bad-option|bad-F)|nohistory|50-down"
    return name.startswith(families) and bool(re.search(wanted, name))


@pytest.mark.parametrize(
    "name",
    [n for n, said in transcripts().items() if of_no_job(n, said["argv"][0], said["argv"])],
)
def test_what_is_said_of_no_job(pbs: FakePbs, name: str) -> None:
    if name.startswith(("26-nohistory", "50-down")):
        pbs.switch(name.split("-")[1])
    same(pbs, name)


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


ENDED_FROM_OUTSIDE = "qdel|requeue|r-n|never|-S-|walltime|mem$"
FATES = [
    name
    for name in transcripts()
    if name.startswith("21-run-") and not re.search(ENDED_FROM_OUTSIDE, name)
]


def submit_again(pbs: FakePbs, name: str) -> str:
    return pbs.submit_as_is(record(name)["script"], *record(name)["submit_argv"][1:-1])


@pytest.mark.parametrize("name", FATES)
def test_a_job_s_end(pbs: FakePbs, name: str) -> None:
    job_id = submit_again(pbs, name)
    alike(pbs.wait_for(job_id, "F"), theirs(name))


@pytest.mark.parametrize(
    "name", ["21-run-walltime", "21-run-walltime-trap", "21-run-walltime-ignore"]
)
def test_a_job_s_walltime(pbs: FakePbs, name: str) -> None:
    """The clock goes on by ten seconds as soon as the job runs, and once more for the KILL."""
    job_id = submit_again(pbs, name)
    pbs.wait_for(job_id, "R", 42)
    pbs.switch("clock", "10")
    if name.endswith("ignore"):
        pbs.wait_for_file("ER", "exceeded limit 5")
        pbs.switch("clock", "20")
    alike(pbs.wait_for(job_id, "F"), theirs(name))
    said = next(pbs.directory.glob("*.e1")).read_text()
    assert re.search(r"=>> PBS: job killed: walltime \d+ exceeded limit 5\n", said)


def test_a_job_s_memory(pbs: FakePbs) -> None:
    job_id = submit_again(pbs, "21-run-mem")
    alike(pbs.wait_for(job_id, "F"), theirs("21-run-mem"))
    said = next(pbs.directory.glob("*.e1")).read_text()
    assert re.fullmatch(r"=>> PBS: job killed: mem \d+kb exceeded limit 51200kb\n", said)


@pytest.mark.parametrize(
    ("name", "force"), [("21-run-qdel-trap", []), ("21-run-qdel-force", ["-W", "force"])]
)
def test_a_running_job_is_deleted(pbs: FakePbs, name: str, force: list[str]) -> None:
    job_id = submit_again(pbs, name)
    pbs.wait_for(job_id, "R", 42)
    assert pbs.call("qdel", *force, job_id) == ("", "", 0)
    alike(pbs.wait_for(job_id, "F"), theirs(name))
    same(pbs, "32-qdel-finished", "167.pbshost", job_id)
    same(pbs, "33-qhold-finished", "163.pbshost", job_id)
    same(pbs, "33-qrls-finished", "163.pbshost", job_id)
    same(pbs, "34-qalter-finished", "165.pbshost", job_id)
    same(pbs, "22-qstat-finished-no-x-json", "163.pbshost", job_id)


def test_a_job_that_can_never_run_is_deleted(pbs: FakePbs) -> None:
    job_id = pbs.submit("true", "-l", "walltime=60,mem=100gb")
    pbs.wait_for_comment(job_id, "Can Never Run")
    alike(pbs.jobs(job_id)[job_id], theirs("21-run-never"))
    same(pbs, "34-qalter-bad", "165.pbshost", job_id)
    same(pbs, "34-qalter-over-limit", "165.pbshost", job_id)
    same(pbs, "32-qdel-queued", "166.pbshost", job_id)
    alike(pbs.wait_for(job_id, "F"), theirs("21-run-qdel-queued"))


def test_a_job_is_altered_so_that_it_can_run(pbs: FakePbs) -> None:
    job_id = pbs.submit("true", "-l", "walltime=60,mem=100gb")
    same(pbs, "34-qalter-mem", "165.pbshost", job_id)
    alike(pbs.wait_for(job_id, "F"), theirs("34-qalter-mem-result"))


def test_a_running_job_is_held_and_altered(pbs: FakePbs) -> None:
    job_id = pbs.submit("exec sleep 60", "-l", "walltime=60")
    alike(pbs.wait_for(job_id, "R", 41), theirs("20-qstat-json-running"))
    pbs.wait_for(job_id, "R", 42)
    same(pbs, "34-qalter-running-ncpus", "167.pbshost", job_id)
    same(pbs, "34-qalter-running-walltime-up", "167.pbshost", job_id)
    same(pbs, "34-qalter-running-walltime-down", "167.pbshost", job_id)
    same(pbs, "33-qhold-running", "167.pbshost", job_id)
    told = pbs.jobs(job_id)[job_id]
    alike(told, theirs("20-qstat-json-running-qhold"))
    pbs.switch("mom-down")
    same(pbs, "53-mom-down-qdel", "243.pbshost", job_id)


def test_a_job_is_held_and_released(pbs: FakePbs) -> None:
    job_id = pbs.submit("true", "-l", "walltime=60", "-h")
    alike(pbs.jobs(job_id)[job_id], theirs("20-qstat-json-held"))
    same(pbs, "33-qrls", "163.pbshost", job_id)
    alike(pbs.wait_for(job_id, "F"), theirs("33-qrls-result"))
    pbs.switch("busy")
    queued = pbs.submit("true")
    same(pbs, "33-qhold-queued", "165.pbshost", queued)
    alike(pbs.jobs(queued)[queued], theirs("20-qstat-json-qhold"))


def test_a_job_waits_for_its_time(pbs: FakePbs) -> None:
    job_id = pbs.submit("true", "-l", "walltime=60", "-a", "209912312359")
    alike(pbs.jobs(job_id)[job_id], theirs("20-qstat-json-waiting"))


def test_several_jobs_in_one_question(pbs: FakePbs) -> None:
    job_id = pbs.submit("true")
    pbs.wait_for(job_id, "F")
    stdout, stderr, status = pbs.call("qstat", "-xfFjson", job_id, "999999", "888888")
    assert list(json.loads(stdout)["Jobs"]) == [job_id]
    complaint = record("22-qstat-several-mixed-json")["stderr"]
    assert (stderr, status) == (f"{complaint}{complaint.replace('999999', '888888')}", 153)


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


def test_the_node(pbs: FakePbs) -> None:
    told = json.loads(record("24-pbsnodes-a-json")["stdout"])["nodes"]["vm"]
    job_id = pbs.submit("sleep 60")
    pbs.wait_for(job_id, "R")
    node = json.loads(pbs.call("pbsnodes", "-a", "-F", "json")[0])["nodes"]["vm"]
    assert {**node, "jobs": told["jobs"]} == {key: told[key] for key in node}
    assert node["jobs"] == [job_id]
