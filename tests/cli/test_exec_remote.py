"""`qxub exec --platform`: through SSH to a second qxub, over the fake server and the real sshd."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import Qxub
from tests.fakes import both_streams
from tests.fakes.cluster import Cluster, fake_cluster
from tests.posix import runs_jobs
from tests.real.sshd import running_sshd
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.slurm import Slurm

pytestmark = runs_jobs


class Laptop(Qxub):
    """A qxub whose platform `x` is a cluster."""

    def __init__(self, directory: Path, cluster: Cluster, ssh_config: Path) -> None:
        super().__init__(directory)
        self.cluster = cluster
        self.ssh_config = ssh_config
        self.know_platform()

    def know_platform(self, extra: str = "") -> None:
        """Write the configuration, with further lines in the platform's section."""
        self.cluster.client_config(self.config, self.ssh_config, extra)

    def exec(self, *words: str) -> tuple[int, bytes, bytes]:
        done = self("exec", "--platform", "x", *words)
        return done.returncode, done.stdout, done.stderr


@pytest.fixture(params=["fake", "sshd", "sshd and slurm", "sshd, blocked client"])
def laptop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Laptop]:
    here = tmp_path / "laptop"
    if request.param == "fake":
        with fake_cluster(tmp_path) as (cluster, host):
            yield Laptop(here, cluster, host.ssh_config)
        return
    environment: dict[str, str] = {}
    cluster = Cluster(tmp_path / "cluster")
    if "slurm" in request.param:
        slurm: Slurm = request.getfixturevalue("slurm")
        environment.update(slurm.env)
        cluster.config.write_text("")  # sbatch is found on PATH
    with running_sshd(tmp_path / "sshd", env=environment) as server:
        laptop = Laptop(here, cluster, server.ssh_config)
        if "blocked" in request.param:
            laptop.block()
        yield laptop


def test_streams_apart_and_the_exit_status(laptop: Laptop) -> None:
    script = "echo out; echo err >&2; exit 7"
    assert laptop.exec("--", "sh", "-c", script) == (7, b"out\n", b"err\n")


@pytest.mark.parametrize("status", [0, 65, 71, 75, 78, 130, 255])
def test_no_status_of_a_job_is_taken_for_one_of_ours(laptop: Laptop, status: int) -> None:
    assert laptop.exec("--", "sh", "-c", f"exit {status}") == (status, b"", b"")


def test_a_signal(laptop: Laptop) -> None:
    assert laptop.exec("--", "sh", "-c", "kill -9 $$") == (137, b"", b"")


def test_twenty_megabytes_of_random_bytes_on_each_stream_at_once(laptop: Laptop) -> None:
    size = 20_000_000
    status, out, err = laptop.exec("--", sys.executable, both_streams.__file__, str(size))
    assert status == 0
    assert out == both_streams.random_bytes(1, size)
    assert err == both_streams.random_bytes(2, size)


def test_arguments_and_the_working_directory(laptop: Laptop) -> None:
    words = ["it's", "", "a  b", "$HOME", "`x`", "*", "é\n", '"\\']
    status, out, _ = laptop.exec("--", "sh", "-c", 'pwd; printf "<%s>" "$@"', "sh", *words)
    shown = "".join(f"<{word}>" for word in words)
    assert (status, out.decode()) == (0, f"{laptop.cluster.work}\n{shown}")


def test_options_reach_the_far_side(laptop: Laptop) -> None:
    done = laptop.exec("--name", "my job", "--mem", "64MB", "--cpus", "1", "--", "true")
    assert done == (0, b"", b"")
    (run,) = (laptop.cluster.state / "runs").iterdir()
    assert '"memory": 67108864' in (run / "spec.json").read_text()


def test_variables_travel_and_no_command_line_shows_them(laptop: Laptop) -> None:
    value = f"it's no\nword-{os.getpid()}"
    laptop.environment["WORD"] = value
    look = 'printf "<%s>" "$WORD" "${QXUB_VAR_WORD-unset}"; cat /proc/[0-9]*/cmdline >&2; exit 0'
    status, out, shown = laptop.exec("--var", "WORD", "--", "sh", "-c", look)
    assert (status, out.decode()) == (0, f"<{value}><unset>")
    assert b"--var\0WORD\0--" in shown
    assert value.encode() not in shown
    dry = laptop("exec", "--platform", "x", "--dry", "--var", "WORD", "--", "x").stdout
    assert value.encode() not in dry


def test_ctrl_c_cancels_the_job(laptop: Laptop) -> None:
    with laptop.start(
        "exec", "--platform", "x", "--", "sh", "-c", "touch started; exec sleep 600"
    ) as process:
        wait_until((laptop.cluster.work / "started").exists)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert err.startswith(b"qxub: cancelled (exit status 130)\n")


# Slurm's shortest is a minute, and it looks at it twice a minute: tests/real/jobs waits for it.
@pytest.mark.parametrize("laptop", ["fake", "sshd", "sshd, blocked client"], indirect=True)
def test_walltime(laptop: Laptop) -> None:
    done = laptop.exec("--runtime", "1s", "--", "sleep", "600")
    assert done[:2] == (124, b"")
    assert done[2].startswith(b"qxub: walltime exceeded (exit status 124)\n")


def test_the_job_goes_on_when_the_laptop_goes(laptop: Laptop) -> None:
    script = "touch started; while [ ! -e go ]; do sleep 0.02; done; touch ended"
    with laptop.start("exec", "--platform", "x", "--", "sh", "-c", script) as process:
        wait_until((laptop.cluster.work / "started").exists)
        process.kill()
    (laptop.cluster.work / "go").touch()
    wait_until((laptop.cluster.work / "ended").exists)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_output_that_cannot_be_written_is_told(laptop: Laptop) -> None:
    words = ("exec", "--platform", "x", "--", "echo", "x")
    with Path("/dev/full").open("wb") as full, laptop.start(*words, stdout=full) as process:
        _, err = process.communicate()
    assert process.returncode == 75
    assert b"No space left on device" in err
    assert b"Traceback" not in err


def test_terse_prints_the_job_id_and_leaves(laptop: Laptop) -> None:
    status, out, err = laptop.exec("--terse", "--", "sh", "-c", "sleep 0.5; touch ended")
    assert (status, err) == (0, b"")
    assert out.strip().removesuffix(b".local").isdigit()
    wait_until((laptop.cluster.work / "ended").exists)


def test_refusals_keep_their_words_and_status(laptop: Laptop) -> None:
    status, out, err = laptop.exec("--cpus", "100000", "--", "true")
    assert (status, out) == (65, b"")
    assert b"refused the job, so nothing was submitted" in err


def test_a_missing_working_dir_is_71_with_the_stage(laptop: Laptop) -> None:
    laptop.cluster.work.rmdir()
    status, _, err = laptop.exec("--", "true")
    assert status == 71
    assert b"x: stage working_dir failed" in err
    assert b"No such file or directory" in err


def test_a_definition_is_checked_before_anything_is_sent(laptop: Laptop, tmp_path: Path) -> None:
    definition = tmp_path / "definition.yaml"
    definition.write_text("queues: {normal: {limits: {max_cpus: 4}}}\n")
    laptop.know_platform(f"definition: '{definition}'")
    status, _, err = laptop.exec("--queue", "normal", "--cpus", "5", "--", "true")
    assert status == 65
    assert b"--cpus 5 is over 4" in err
    assert not (laptop.cluster.state / "runs").exists()
    assert laptop.exec("--cpus", "1", "--", "true")[0] == 0


def test_the_result_tells_of_the_far_side_s_job(laptop: Laptop) -> None:
    script = "sleep 4; exit 5"  # long enough for a query, which tells of more than the end
    assert laptop.exec("--result", "result.json", "--", "sh", "-c", script)[0] == 5
    found = json.loads((laptop.directory / "result.json").read_text())
    (run,) = (laptop.cluster.state / "runs").iterdir()
    assert (found["kind"], found["exit_status"], found["signal"]) == ("completed", 5, None)
    assert (found["run_id"], found["directory"]) == (run.name, str(run))
    assert found["job_id"] == (run / "job_id").read_text().strip()


def test_the_result_of_a_refusal_over_there(laptop: Laptop) -> None:
    assert laptop.exec("--result", "result.json", "--cpus", "100000", "--", "true")[0] == 65
    found = json.loads((laptop.directory / "result.json").read_text())
    assert (found["kind"], found["exit_status"], found["job_id"]) == ("refused", 65, None)
    assert "refused the job" in found["message"]


def test_the_result_where_nothing_is_reached(laptop: Laptop) -> None:
    laptop.ssh_config.write_text("Host target\n  HostName 127.0.0.1\n  Port 1\n  User me\n")
    assert laptop.exec("--result", "result.json", "--", "true")[0] == 255
    found = json.loads((laptop.directory / "result.json").read_text())
    assert (found["kind"], found["exit_status"], found["job_id"]) == ("connection", 255, None)


def test_verbose_shows_both_sides(laptop: Laptop) -> None:
    status, _, err = laptop.exec("-v", "--", "true")
    assert status == 0
    for words in (b"connected to 127.0.0.1", b"submitted as", b"completed with exit status 0"):
        assert words in err


def test_dry_gives_back_bytes_that_are_no_text(laptop: Laptop) -> None:
    word = os.fsdecode(b"\xff\xe9")
    status, out, err = laptop.exec("--dry", "--", "echo", word)
    assert (status, err) == (0, b"")
    assert out.endswith(b"echo '\xff\xe9'\n")
    assert laptop.exec("--", "echo", word) == (0, b"\xff\xe9\n", b"")


def test_dry_connects_to_nothing(laptop: Laptop) -> None:
    laptop.ssh_config.write_text("Host target\n  HostName nothere.invalid\n  User me\n")
    words = "--env pytorch --queue auto --mem 8GB --cpus 4 -- python train.py --epochs 100"
    status, out, err = laptop.exec("--dry", *words.split())
    lines = out.decode().splitlines()
    assert (status, err) == (0, b"")
    assert lines[0] == "host: target = me@nothere.invalid port 22"
    assert lines[-1] == f"qxub exec {words}"
    stages = [line.split(":")[0].strip() for line in lines[2:-2] if line.startswith("  ")]
    assert stages == ["login", "working_dir", "conda_init", "qxub", "handed over"]
