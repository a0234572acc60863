"""A scheduler whose words are written by the test, and a job whose files are: for what no real
scheduler does when it is asked to."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from qxub.errors import SchedulerError
from qxub.execution.follow import follow
from qxub.execution.report_text import decode_report, encode_report
from qxub.execution.run_directory import RunDirectory
from qxub.execution.submit import SubmittedJob
from qxub.job import ArrayRange, JobSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from qxub.job import Outcome
    from qxub.scheduler.base import (
        Answer,
        JobReport,
        LookUp,
        Query,
        QueueQuestion,
        Submission,
    )

JOB_ID = "7.scripted"


class ScriptedScheduler:
    """Its query reads a file, its cancel runs a line of sh."""

    name = "scripted"
    query_interval = 0.2
    job_id_variable = "JOB_ID"
    index_variable = "INDEX"

    def __init__(self, directory: Path) -> None:
        self._words = directory / "words"
        self.on_cancel = "exit 0"
        self.calls = 0

    def says(self, report: JobReport | None) -> None:
        part = self._words.with_suffix(".part")
        part.write_text(encode_report(report))
        part.replace(self._words)

    def is_down(self) -> None:
        self._words.unlink()

    def query(self, job_ids: Sequence[str]) -> Query:
        self.calls += 1
        answer = yield ["cat", str(self._words)]
        if answer.status != 0:
            raise SchedulerError(answer.words)
        return {job_id: decode_report(answer.stdout) for job_id in job_ids}

    def is_unavailable(self, answer: Answer) -> bool:
        raise AssertionError(answer)

    def cancel(self, job_id: str) -> list[str]:
        return ["sh", "-c", self.on_cancel, job_id]

    def directives(self, submission: Submission) -> list[str]:
        raise AssertionError(submission)

    def submit(self, submission: Submission) -> list[str]:
        raise AssertionError(submission)

    def job_id(self, answer: Answer) -> str | None:
        raise AssertionError(answer)

    def look_up(self, run_id: str, user: str) -> LookUp:
        raise AssertionError(run_id, user)

    def queues(self) -> QueueQuestion:
        raise AssertionError

    def hold(self, job_id: str) -> list[str]:
        raise AssertionError(job_id)

    def release(self, job_id: str) -> list[str]:
        raise AssertionError(job_id)

    def may_have_submitted(self, answer: Answer) -> bool:
        raise AssertionError(answer)

    def ending_in_log(self, text: str, job_id: str) -> None:
        assert (text, job_id) == ("", JOB_ID)

    def hint(self, answer: Answer) -> str:
        raise AssertionError(answer)


class Observer:
    """Notes all that a run tells."""

    def __init__(self) -> None:
        self.out = b""
        self.err = b""
        self.events: list[tuple[str, dict[str, str]]] = []

    def stdout(self, data: bytes) -> None:
        self.out += data

    def stderr(self, data: bytes) -> None:
        self.err += data

    def event(self, name: str, **details: str) -> None:
        assert details.pop("job_id") == JOB_ID
        self.events.append((name, details))

    def tick(self) -> None:
        pass

    def end(self, outcome: Outcome) -> None:
        raise AssertionError(outcome)


class ScriptedRun:
    """A submitted job that is followed in a thread."""

    def __init__(self, directory: Path, array: ArrayRange | None = None) -> None:
        self.scheduler = ScriptedScheduler(directory)
        spec = JobSpec(("true",), array=array)
        self.run = RunDirectory.create(directory / "state" / "runs" / "run", spec)
        self.observer = Observer()
        self.cancelled = threading.Event()
        self._job = SubmittedJob(spec, self.run, self.scheduler, JOB_ID)
        self._outcome: Outcome | None = None
        self._thread = threading.Thread(target=self.follow, daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def starts(self, index: int | None = None, out: bytes = b"", err: bytes = b"") -> None:
        self.writes(out, err, index)
        (self.run.files(index).path / "started").touch()

    def writes(self, out: bytes, err: bytes = b"", index: int | None = None) -> None:
        files = self.run.files(index)
        for path, data in ((files.stdout, out), (files.stderr, err)):
            with path.open("ab") as file:
                file.write(data)

    def ends(self, status: str, index: int | None = None) -> None:
        part = self.run.files(index).path / "status.part"
        part.write_text(f"{status}\n")
        part.rename(part.with_name("status"))

    def outcome(self) -> Outcome:
        self._thread.join(60)
        assert self._outcome is not None, "following did not end"
        return self._outcome

    def follow(self) -> None:
        self._outcome = follow(self._job, self.observer, self.cancelled)
