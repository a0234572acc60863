"""The stages, by the bash that runs them."""

from __future__ import annotations

import getpass
import os
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

from qxub.config.settings import RemoteSection
from qxub.remote.stages import REQUEST, STAGES, StageReader, directory_word, remote_script
from tests.posix import runs_jobs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = runs_jobs
NONCE = "0123456789abcdef"


class Arrival(NamedTuple):
    """What the stages reported, the noise of both streams, the far qxub's stdout, the status."""

    stages: StageReader
    noise: bytes
    rest: bytes
    status: int


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory with a qxub that shows how it was called."""
    qxub = tmp_path / "bin" / "qxub"
    qxub.parent.mkdir()
    qxub.write_text('#!/bin/sh\nprintf "<%s>" "$@" "$QXUB_TEST" "$PWD"; cat\n')
    qxub.chmod(0o755)
    return tmp_path


def run(
    home: Path, remote: RemoteSection, command: list[str], *, profile: str = "", stdin: bytes = b""
) -> Arrival:
    (home / ".bash_profile").write_text(profile)
    script = remote_script(remote, command, nonce=NONCE, environment={"QXUB_TEST": "it's"})
    done = subprocess.run(
        REQUEST.split(),
        input=script + stdin,
        capture_output=True,
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
        check=False,
    )
    stages, stderr_stages = StageReader(NONCE), StageReader(NONCE)
    rest = b"".join(stages.feed(bytes([byte])) for byte in done.stdout)
    assert stderr_stages.feed(done.stderr) == b""
    return Arrival(stages, stages.noise() + stderr_stages.noise(), rest, done.returncode)


def on_path(home: Path) -> str:
    return f"PATH={home}/bin:$PATH"


def test_the_command_arrives_word_by_word_and_stdin_is_its_own(home: Path) -> None:
    remote = RemoteSection("h", str(home), on_path(home))
    words = ["exec", "--name", "it's $HOME\n`x`", "--", "", 'é"\\', "*"]
    there = run(home, remote, ["qxub", *words], stdin=b"\0frames")
    shown = "".join(f"<{word}>" for word in [*words, "it's", str(home)])
    assert (there.rest, there.status) == (shown.encode() + b"\0frames", 0)
    assert there.stages.reached == STAGES[-1]


def test_noise_stays_out_of_the_output(home: Path) -> None:
    remote = RemoteSection("h", str(home), f"echo from init; {on_path(home)}")
    profile = "echo Welcome; printf 'no line end'; echo warning >&2"
    there = run(home, remote, ["qxub"], profile=profile)
    assert there.rest.startswith(b"<it's>")
    assert there.noise == b"Welcome\nno line end\nfrom init\nwarning\n"


@pytest.mark.parametrize(
    ("working_dir", "conda_init", "profile", "stage", "words"),
    [
        ("/no/such/place", "", "", "working_dir", "No such file or directory"),
        ("/{{project}}", "", "", "working_dir", "PROJECT: is not set here"),
        ("/", "echo before\nfalse", "", "conda_init", "before"),
        ("/", "if true; then", "", "conda_init", "syntax error"),
        ("/", "exit 3", "", "conda_init", ""),
        ("/", "", "", "qxub", "qxub is not on PATH"),
        ("/", "", "echo closed for maintenance; exit 1", "login", "closed for maintenance"),
    ],
)
def test_the_stage_that_fails_is_named_with_its_words(
    home: Path, working_dir: str, conda_init: str, profile: str, stage: str, words: str
) -> None:
    remote = RemoteSection("h", working_dir, conda_init)
    there = run(home, remote, ["qxub"], profile=profile)
    assert not there.stages.handed_over
    assert there.stages.failed_stage() == stage
    assert words in there.noise.decode()
    assert (there.rest, there.status == 0) == (b"", False)


def test_a_block_of_several_lines_is_one_block(home: Path) -> None:
    init = f"if true\nthen\n  {on_path(home)}\nfi\ncat\n"
    there = run(home, RemoteSection("h", str(home), init), ["qxub"], stdin=b"mine")
    assert there.rest.endswith(b"mine")  # the `cat` above did not eat it


def test_a_script_that_was_cut_short_does_nothing(home: Path) -> None:
    script = remote_script(
        RemoteSection("h", str(home), f"touch {home}/ran"), ["qxub"], nonce=NONCE
    )
    for length in range(0, len(script) - 2, 7):
        subprocess.run(["bash", "-s"], input=script[:length], capture_output=True, check=False)
    assert not (home / "ran").exists()


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("/scratch/{{user}}", f"/scratch/{getpass.getuser()}"),
        ("/scratch/{{project}}/x y", "/scratch/a56/x y"),
        ("~/work", "/home/me/work"),
        ("~", "/home/me"),
        ("/a'b$c`d`;e", "/a'b$c`d`;e"),
        ("/~/x", "/~/x"),
    ],
)
def test_working_dir_expands_on_the_far_side(template: str, expected: str) -> None:
    script = f"printf %s {directory_word(template)}"
    environment = {"HOME": "/home/me", "PROJECT": "a56", "PATH": os.environ["PATH"]}
    said = subprocess.check_output(["bash", "-c", script], env=environment, text=True)
    assert said == expected


def test_noise_is_bounded() -> None:
    reader = StageReader(NONCE)
    for _ in range(100):
        reader.feed(b"x" * 5000 + b"\n")
    assert len(reader.noise()) == 1 << 16
