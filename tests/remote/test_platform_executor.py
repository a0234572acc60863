"""A run over SSH: what becomes of it when the far side is well, old, broken, or gone."""

from __future__ import annotations

import re
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from qxub.errors import ConnectionFailed, LostError, RefusedError, SetupError
from qxub.job import JobSpec, Outcome, OutcomeKind
from qxub.remote import wire
from qxub.remote.platform_executor import execute, open_connection, plan_remote_run
from qxub.run import new_run_id
from tests.fakes.cluster import Cluster, fake_cluster
from tests.fakes.ssh_host import FakeHost, fake_host
from tests.posix import runs_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qxub.transport.session import Session

FAR_SIDE = f"""#!{sys.executable}
import os, sys, time
from qxub.errors import RefusedError
from qxub.job import Outcome, OutcomeKind
from qxub.remote import wire
if sys.argv[1:] == ["--version"]:
    print("qxub 0.1.0 (wire 1)")
    sys.exit(0)
writer = wire.FrameWriter(sys.stdout.buffer, os.environ["QXUB_WIRE"].partition(":")[2])
"""
OLD = '#!/bin/sh\n[ "$1" != --version ] || {{ echo "qxub, version 3.2.1"; exit 0; }}\n{}\n'


@dataclass
class Recorder:
    """A RunObserver that keeps everything."""

    out: bytes = b""
    err: bytes = b""
    events: list[str] = field(default_factory=list)

    def stdout(self, data: bytes) -> None:
        self.out += data

    def stderr(self, data: bytes) -> None:
        self.err += data

    def event(self, name: str, **_: str) -> None:
        self.events.append(name)

    def tick(self) -> None:
        pass

    def end(self, outcome: Outcome) -> None:
        pass


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Cluster, FakeHost]]:
    with fake_cluster(tmp_path) as both:
        yield both


def run(
    place: tuple[Cluster, FakeHost], *command: str, cancelled: threading.Event | None = None
) -> tuple[Outcome, Recorder]:
    cluster, host = place
    plan = plan_remote_run(
        JobSpec(command or ("true",)),
        platform="x",
        remote=cluster.remote(host.ssh_config),
        run_id=new_run_id(),
    )
    seen = Recorder()
    with open_connection(plan) as connection:
        return execute(plan, connection, seen, cancelled or threading.Event()), seen


@runs_jobs
def test_a_job_runs_there_and_its_bytes_come_back(place: tuple[Cluster, FakeHost]) -> None:
    outcome, seen = run(place, "sh", "-c", "pwd; printf 'e\\377' >&2; exit 7")
    assert (outcome.kind, outcome.status) == (OutcomeKind.COMPLETED, 7)
    assert seen.out == f"{place[0].work}\n".encode()
    assert seen.err == b"e\xff"
    assert seen.events == ["connected", "submitted", "started", "ended"]


@runs_jobs
def test_the_far_side_has_the_last_word_on_limits(place: tuple[Cluster, FakeHost]) -> None:
    plan = plan_remote_run(
        JobSpec(("true",), queue="auto"),
        platform="x",
        remote=place[0].remote(place[1].ssh_config),
        run_id=new_run_id(),
    )
    place[0].config.write_text("scheduler: local\ndefaults: {cpus: 100000}\n")
    with (
        open_connection(plan) as connection,
        pytest.raises(RefusedError, match="asks for 100000 cores; this machine has"),
    ):
        execute(plan, connection, Recorder(), threading.Event())


@runs_jobs
def test_cancelling_ends_the_job_there(place: tuple[Cluster, FakeHost]) -> None:
    cancelled = threading.Event()
    started = place[0].work / "started"

    def cancel_when_started() -> None:
        while not started.exists():
            cancelled.wait(0.02)
        cancelled.set()

    thread = threading.Thread(target=cancel_when_started)
    thread.start()
    outcome, seen = run(place, "sh", "-c", "touch started; sleep 60", cancelled=cancelled)
    thread.join()
    assert outcome.kind is OutcomeKind.CANCELLED
    assert seen.events[-2:] == ["cancelling", "ended"]


@runs_jobs
def test_a_qxub_that_knows_no_frames_works_by_its_plain_output(
    place: tuple[Cluster, FakeHost],
) -> None:
    place[0].install(OLD.format("echo out; echo err >&2; exit 3"))
    outcome, seen = run(place)
    assert (outcome.kind, outcome.status) == (OutcomeKind.COMPLETED, 3)
    assert (seen.out, seen.err) == (b"out\n", b"err\n")


@runs_jobs
@pytest.mark.parametrize("status", [0, 2])
def test_one_that_says_nothing_at_all_is_believed_when_it_is_an_old_one(
    place: tuple[Cluster, FakeHost], status: int
) -> None:
    place[0].install(OLD.format(f"echo 'Error: no such option' >&2; exit {status}"))
    outcome, seen = run(place)
    assert (outcome.status, seen.err) == (status, b"Error: no such option\n")


@runs_jobs
@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("#!/no/such/python\n", "bad interpreter|not found|No such file"),
        ("#!/bin/sh\necho 'ModuleNotFoundError: click' >&2; exit 1\n", "ModuleNotFoundError"),
        ("#!/bin/sh\nexit 0\n", "stage qxub failed"),
        (FAR_SIDE.partition("writer =")[0] + "sys.exit('no disk')", "no disk"),
    ],
    ids=["no interpreter", "broken installation", "says nothing", "dies before it greets"],
)
def test_a_broken_qxub_s_status_is_never_taken_for_the_job_s(
    place: tuple[Cluster, FakeHost], script: str, words: str
) -> None:
    if script.endswith("exit 0\n"):  # even --version says nothing: still, it is an old one
        script = script.replace("exit 0", "exit 1")
    place[0].install(script)
    with pytest.raises(SetupError, match=words) as caught:
        run(place)
    assert "stage qxub failed" in caught.value.message


@runs_jobs
@pytest.mark.parametrize(
    ("play", "words"),
    [
        ("", "ended without a word"),
        ("writer.event('submitted', job_id='12.pbs', scheduler='pbs_pro')", "without a word"),
        ("os.kill(os.getpid(), 9)", "ended without a word on the job .*KILL"),
        ("writer.stdout(b'a'); writer._sent[b'O'] = 7; writer.stdout(b'b')", "bytes are missing"),
        ("sys.stdout.write('Traceback: this is no frame at all, but very long')", "broken"),
        ("writer.send(wire.Frame(wire.OUTCOME, b'{}'))", "broken"),
    ],
)
def test_an_end_that_is_not_known_is_lost(
    place: tuple[Cluster, FakeHost], play: str, words: str
) -> None:
    place[0].install(f"{FAR_SIDE}{play}\n")
    with pytest.raises(LostError, match=words) as caught:
        run(place)
    assert "is not known" in caught.value.message
    if "submitted" in play:
        assert "pbs_pro job 12.pbs" in caught.value.hint


@runs_jobs
def test_an_unknown_frame_is_passed_over(place: tuple[Cluster, FakeHost]) -> None:
    play = "writer.send(wire.Frame(b'?', b'x')); writer.end(Outcome(OutcomeKind.LOST, detail='d'))"
    place[0].install(f"{FAR_SIDE}{play}\n")
    assert run(place)[0] == Outcome(OutcomeKind.LOST, detail="d")


@runs_jobs
def test_a_stage_that_fails_is_named(place: tuple[Cluster, FakeHost]) -> None:
    place[0].work.rmdir()
    with pytest.raises(
        SetupError, match="x: stage working_dir failed on 127.0.0.1: .*No such file"
    ):
        run(place)


@runs_jobs
def test_a_far_side_without_qxub_is_told_the_way_out(place: tuple[Cluster, FakeHost]) -> None:
    (place[0].bin / "qxub").unlink()
    cluster, host = place
    remote = cluster.remote(host.ssh_config)
    plan = plan_remote_run(
        JobSpec(("true",)),
        platform="x",
        remote=type(remote)(remote.host, remote.working_dir, "PATH=/bin", remote.ssh_config),
        run_id=new_run_id(),
    )
    with open_connection(plan) as connection, pytest.raises(SetupError) as caught:
        execute(plan, connection, Recorder(), threading.Event())
    assert "stage qxub failed" in caught.value.message
    assert "Install qxub there" in caught.value.hint


def test_a_far_side_without_bash(tmp_path: Path) -> None:
    def no_bash(session: Session) -> None:
        session.write_stderr(b"sh: bash: command not found\n")
        session.exit(127)

    with (
        fake_host(tmp_path / "client", handler=no_bash) as host,
        pytest.raises(SetupError, match="stage login failed.*bash: command not found"),
    ):
        run((Cluster(tmp_path / "cluster"), host))


@pytest.mark.parametrize("submitted", [False, True])
def test_a_line_that_goes_after_the_hand_over_is_lost(tmp_path: Path, submitted: bool) -> None:
    def drop(session: Session) -> None:
        script = b""
        while not script.endswith(b"}\n"):
            script += session.read(4096)
        found = re.search(rb"QXUB_WIRE=1:(\w+)", script)
        assert found is not None
        nonce = found[1].decode()
        session.write_stdout(f"{nonce} handed over\n".encode() + wire.greeting(nonce))
        if submitted:
            event = (
                b'{"event": "submitted", "job_id": "9", "scheduler": "slurm", "directory": "/r"}'
            )
            session.write_stdout(wire.Frame(wire.EVENT, event).encode())
            session.write_stdout(wire.Frame(wire.OUT, b"so far").encode())
        session.drop_line()

    with fake_host(tmp_path / "client", handler=drop) as host, pytest.raises(LostError) as caught:
        run((Cluster(tmp_path / "cluster"), host))
    if submitted:
        assert caught.value.hint == "The job goes on: slurm job 9, in target:/r."
    else:
        assert "Whether it was submitted is not known either; the run ID is" in caught.value.hint


def test_a_host_that_cannot_be_reached(tmp_path: Path) -> None:
    with fake_host(tmp_path / "client") as host:
        pass  # it has stopped by now
    with pytest.raises(ConnectionFailed, match="target|127.0.0.1"):
        run((Cluster(tmp_path / "cluster"), host))
