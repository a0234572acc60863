"""`qxub exec --platform` typed on Windows: the job's status and its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.both_streams import random_bytes
from tests.fakes.scenarios import BIG, BIG_ON_BOTH_STREAMS

if TYPE_CHECKING:
    from tests.windows.far_side import FarSide
    from tests.windows.prompt import Prompt

pytestmark = pytest.mark.windows


@pytest.mark.usefixtures("each_python")
def test_streams_stay_apart_and_the_status_is_the_jobs(laptop: Prompt) -> None:
    ended = laptop.type('qxub exec --platform far -- sh -c "echo out; echo err >&2; exit 7"')
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, b"out\n", b"err\n")


@pytest.mark.parametrize("status", [0, 255])
def test_status(laptop: Prompt, status: int) -> None:
    ended = laptop.type(f'qxub exec --platform far -- sh -c "exit {status}"')
    assert (ended.returncode, ended.stdout, ended.stderr) == (status, b"", b"")


def test_a_job_killed_by_a_signal(laptop: Prompt) -> None:
    ended = laptop.type('qxub exec --platform far -- sh -c "kill -TERM $$"')
    assert (ended.returncode, ended.stdout) == (128 + 15, b"")


@pytest.mark.usefixtures("each_python")
def test_every_byte_arrives_as_it_was_written(laptop: Prompt, far_side: FarSide) -> None:
    every_pair = bytes(
        byte for first in range(256) for last in range(256) for byte in (first, last)
    )
    data = b"a\nb\r\nc\rd\x1a" + every_pair
    (far_side.working_dir / "bytes").write_bytes(data)
    ended = laptop.type('qxub exec --platform far -- sh -c "cat bytes; cat bytes >&2"')
    assert ended.returncode == 0
    assert ended.stdout == data
    assert ended.stderr == data


@pytest.mark.usefixtures("each_python")
def test_20_megabytes_on_each_stream_at_once(laptop: Prompt) -> None:
    ended = laptop.type(f"qxub exec --platform far -- {BIG_ON_BOTH_STREAMS}")
    assert ended.returncode == 0
    for data, seed in ((ended.stdout, 1), (ended.stderr, 2)):
        sent = random_bytes(seed, BIG)
        assert (len(data), first_difference(data, sent)) == (BIG, None)


def test_slurm(prompt: Prompt, far_slurm: FarSide) -> None:
    far_slurm.write_user_files(prompt.profile)
    command = 'sh -c "echo $SLURM_JOB_NAME; echo err >&2; exit 7"'
    ended = prompt.type(f"qxub exec --platform far --name fromwindows -- {command}")
    assert ended.returncode == 7, ended.stderr
    assert ended.stdout == b"fromwindows\n"
    assert ended.stderr == b"err\n"


def first_difference(data: bytes, sent: bytes) -> tuple[int, bytes] | None:
    """Where two texts that ought to be equal part, and what stands there: a short message."""
    if data == sent:
        return None
    pairs = enumerate(zip(data, sent))
    place = next((n for n, (one, other) in pairs if one != other), min(len(data), len(sent)))
    return place, data[place : place + 200]
