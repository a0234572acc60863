"""The fake batch system answers word for word as the real one did (tests/data/pbs)."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.fakes.batch.comparison import same
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
