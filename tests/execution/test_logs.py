"""The user's own files for the streams, and the members of an array."""

from __future__ import annotations

import datetime as dt
import getpass
import os
from typing import TYPE_CHECKING, Any

import pytest

from qxub.errors import UsageError
from qxub.execution.run_directory import Ending
from qxub.job import ArrayRange, JobSpec
from tests.execution.scripts import bash, prepared, ran
from tests.posix import runs_jobs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = runs_jobs
RUN_ID = "20261123T101112-0123456789ab"
SPEAK = ("sh", "-c", "printf 'o\\377'; printf 'e\\001' >&2")


def test_the_user_s_files_are_made_and_hold_the_job_s_bytes(tmp_path: Path) -> None:
    out, err = tmp_path / "new" / "it's out", tmp_path / "err"
    err.write_text("of an earlier run")
    files = ran(tmp_path, JobSpec(SPEAK, stdout="new/it's out", stderr=str(err)))
    assert (out.read_bytes(), err.read_bytes()) == (b"o\xff", b"e\x01")
    assert files.stdout.resolve() == out  # so it is followed from there
    assert files.stderr.read_bytes() == b"e\x01"


def test_one_of_the_streams_alone(tmp_path: Path) -> None:
    files = ran(tmp_path, JobSpec(SPEAK, stdout="out"))
    assert (tmp_path / "out").read_bytes() == b"o\xff"
    assert files.stderr.read_bytes() == b"e\x01"
    assert not files.stderr.is_symlink()


def test_a_directory_for_both(tmp_path: Path) -> None:
    ran(tmp_path, JobSpec(SPEAK, name="train", log_directory="logs/{name}", stderr="{queue}.log"))
    (out,) = (tmp_path / "logs" / "train").glob("train-*.out")
    assert out.read_bytes() == b"o\xff"
    assert (tmp_path / "logs" / "train" / "default.log").read_bytes() == b"e\x01"


def test_every_variable(tmp_path: Path) -> None:
    begun = dt.datetime(2026, 11, 23, 10, 11, 12, tzinfo=dt.timezone.utc).astimezone()
    path = "{user}/{project}/{name}/{queue}/{timestamp}/{date}/{time}/{run_id}/{job_id}/{{index}}"
    spec = JobSpec(SPEAK, name="a b", project="xy12", queue="fast", stdout=path)
    run = prepared(tmp_path, spec, RUN_ID)
    with bash(run, {**os.environ, "QXUB_JOB_ID": "12[3].a b"}) as process:
        process.wait()
    expected = (
        f"{getpass.getuser()}/xy12/a_b/fast/"
        f"{begun:%Y%m%d-%H%M%S}/{begun:%Y-%m-%d}/{begun:%H-%M-%S}/{RUN_ID}/"
        "12[3].a b/{index}"
    )
    assert run.files().stdout.resolve() == tmp_path / expected, run.files().setup_words()


@pytest.mark.parametrize("variable", ["project", "index"])
def test_a_variable_without_a_value_is_told_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv("PROJECT", raising=False)
    with pytest.raises(UsageError, match=f"{{{variable}}}"):
        prepared(tmp_path, JobSpec(SPEAK, stdout=f"x.{{{variable}}}"))
    assert not (tmp_path / "runs").exists()


def test_one_file_for_both_streams_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--out and --err both name .*/x; the two streams are"):
        prepared(tmp_path, JobSpec(SPEAK, stdout="x", stderr=f"{tmp_path}/./x"))


def test_a_device_is_a_file_too(tmp_path: Path) -> None:
    files = ran(tmp_path, JobSpec(SPEAK, stdout="/dev/null"))
    assert files.ending() == Ending("exit", "0", terminated=False)
    assert files.stdout.read_bytes() == b""


def test_a_place_that_cannot_be_made_fails_the_set_up(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    files = ran(tmp_path, JobSpec(("touch", "ran"), log_directory="file/logs"))
    assert files.ending() == Ending("setup", "opening the log files", terminated=False)
    assert "Not a directory" in files.setup_words()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("fields", [{}, {"stdout": "o", "stderr": "e"}, {"stdout": "{index}/o"}])
def test_the_members_of_an_array_have_files_of_their_own(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    command = ("sh", "-c", "echo out $QXUB_ARRAY_INDEX; exit $QXUB_ARRAY_INDEX")
    spec = JobSpec(command, array=ArrayRange(3, 7, 2), variables=(("A", "1"),), **fields)
    run = prepared(tmp_path, spec)
    for index in (3, 5, 7):
        assert not run.files(index).has_started()
        with bash(run, {**os.environ, "QXUB_ARRAY_INDEX": str(index)}) as process:
            assert process.wait() == index
    for index in (3, 5, 7):
        files = run.files(index)
        assert files.ending() == Ending("exit", str(index), terminated=False)
        assert files.stdout.read_text() == f"out {index}\n"
        own = {"o": f"o.{index}", "{index}/o": f"{index}/o"}.get(fields.get("stdout", ""))
        assert own is None or files.stdout.resolve() == tmp_path / own
