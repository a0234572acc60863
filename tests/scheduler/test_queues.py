"""What the schedulers tell of their queues."""

from __future__ import annotations

import pytest

from qxub.errors import SchedulerError
from qxub.limits import Limits
from qxub.scheduler.base import Answer, Queue
from qxub.scheduler.local import Local
from qxub.scheduler.pbs import PbsPro
from qxub.scheduler.slurm import Slurm
from tests.scheduler.conversations import converse
from tests.scheduler.transcripts import answer

HOUR = 3600
PARTITIONS = """\
PartitionName=normal AllowGroups=ALL Default=YES MaxTime=01:00:00 State=UP TotalCPUs=2 TotalNodes=1
PartitionName=long AllowGroups=ALL Default=NO MaxTime=7-12:00:00 State=DRAIN TotalCPUs=256
PartitionName=any Default=NO MaxTime=UNLIMITED State=DOWN
"""


def test_queues_of_pbs() -> None:
    found, commands = converse(PbsPro().queues(), answer("23-qstat-Q-json"))
    assert commands == ["qstat -Q -f -F json"]
    assert found == [
        Queue("normal", takes_jobs=True, limits=Limits(cpus=8, walltime=48 * HOUR)),
        Queue("express", takes_jobs=True, limits=Limits(cpus=8, walltime=24 * HOUR)),
    ]


def test_partitions_of_slurm() -> None:
    found, commands = converse(Slurm().queues(), Answer(PARTITIONS, "", 0))
    assert commands == ["scontrol --oneliner show partition"]
    assert found == [
        Queue("normal", takes_jobs=True, limits=Limits(cpus=2, walltime=HOUR), is_default=True),
        Queue("long", takes_jobs=False, limits=Limits(cpus=256, walltime=(7 * 24 + 12) * HOUR)),
        Queue("any", takes_jobs=True, limits=Limits()),
    ]


def test_a_limit_in_a_form_of_its_own_is_none() -> None:
    said = '{"Queue": {"x": {"enabled": "False", "resources_max": {"mem": "lots", "ncpus": 4}}}}'
    found, _ = converse(PbsPro().queues(), Answer(said, "", 0))
    assert found == [Queue("x", takes_jobs=False, limits=Limits(cpus=4))]


def test_the_embedded_scheduler_has_no_queues_to_tell_of() -> None:
    with pytest.raises(StopIteration) as end:
        next(Local(["batch"]).queues())
    assert end.value.value == []


@pytest.mark.parametrize("scheduler", [PbsPro(), Slurm()])
def test_what_tells_nothing_is_an_error(scheduler: PbsPro | Slurm) -> None:
    with pytest.raises(SchedulerError, match="said nothing of"):
        converse(scheduler.queues(), Answer("surprise", "", 0))


@pytest.mark.parametrize(
    ("scheduler", "words"),
    [
        (PbsPro(), "qstat: cannot connect to server pbshost (errno=15010)"),
        (Slurm(), "slurm_load_partitions: Unable to contact slurm controller (connect failure)"),
    ],
)
def test_a_scheduler_that_is_down(scheduler: PbsPro | Slurm, words: str) -> None:
    with pytest.raises(SchedulerError, match="does not answer"):
        converse(scheduler.queues(), Answer("", words, 1))
