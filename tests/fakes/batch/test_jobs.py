"""Jobs of the fake live and end as those of the real one did."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.fakes.batch.comparison import alike, same, submit_again, theirs
from tests.scheduler.transcripts import record, transcripts

if TYPE_CHECKING:
    from tests.fakes.batch.harness import FakePbs

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake batch system needs POSIX")

ENDED_FROM_OUTSIDE = "qdel|requeue|r-n|never|-S-|walltime|mem$"
FATES = [
    name
    for name in transcripts()
    if name.startswith("21-run-") and not re.search(ENDED_FROM_OUTSIDE, name)
]


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
    ("name", "force", "said"),
    [
        ("21-run-qdel-trap", [], "start\ngot TERM\n"),
        ("21-run-qdel-ignore", [], "start\n"),
        ("21-run-qdel-force", ["-W", "force"], "start\n"),
    ],
)
def test_a_running_job_is_deleted(pbs: FakePbs, name: str, force: list[str], said: str) -> None:
    """TERM ends the login shell at once; the script has its time all the same."""
    job_id = submit_again(pbs, name)
    pbs.wait_for(job_id, "R", 42)
    assert pbs.call("qdel", *force, job_id) == ("", "", 0)
    alike(pbs.wait_for(job_id, "F"), theirs(name))
    assert next(pbs.directory.glob("*.o1")).read_text() == said
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


def test_the_server(pbs: FakePbs) -> None:
    told = json.loads(record("23-qstat-Bf-json")["stdout"])["Server"]["pbshost"]
    ask = ("qstat", "-B", "-f", "-F", "json")
    server = json.loads(pbs.call(*ask)[0])["Server"]["pbshost"]
    assert server == {key: told[key] for key in server}
    assert server["job_history_enable"] == "True"
    pbs.switch("nohistory")
    assert "job_history_enable" not in json.loads(pbs.call(*ask)[0])["Server"]["pbshost"]


def test_the_node(pbs: FakePbs) -> None:
    told = json.loads(record("24-pbsnodes-a-json")["stdout"])["nodes"]["vm"]
    job_id = pbs.submit("sleep 60")
    pbs.wait_for(job_id, "R")
    node = json.loads(pbs.call("pbsnodes", "-a", "-F", "json")[0])["nodes"]["vm"]
    assert {**node, "jobs": told["jobs"]} == {key: told[key] for key in node}
    assert node["jobs"] == [job_id]
