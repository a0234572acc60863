"""The server's jobs: a directory each, array jobs and their members alike."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.fakes.batch.site_state import SERVER, Refused, directory, is_on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JOB_ID = re.compile(rf"(\d+)(\[(\d*(?:-\d+)?)\])?(\.{SERVER})?")
_ORDER = """
Job_Name Job_Owner resources_used job_state queue server Account_Name Checkpoint ctime depend
Error_Path Execution_Time exec_host exec_vnode Hold_Types Join_Path Keep_Files Mail_Points mtime
Output_Path Priority qtime Rerunable Resource_List stime obittime session_id jobdir substate
Variable_List comment etime run_count Stageout_status Exit_status array_id array_index
Submit_arguments array array_state_count array_indices_submitted array_indices_remaining
history_timestamp project Submit_Host
""".split()  # noqa: SIM905
"""the attributes, as qstat orders them"""
_OF_STAND_IN = _ORDER[: _ORDER.index("Submit_arguments") + 1]
"""what qstat tells of a member without a record, all of it its array's"""


class Job:
    """A job's files: what qstat tells (`attributes`), and what only the server knows (`inside`)."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.job_id = f"{name}.{SERVER}"
        self.directory = directory() / "jobs" / name
        self.script = self.directory / "SC"

    @property
    def exists(self) -> bool:
        return (self.directory / "attributes").exists()

    def __getitem__(self, attribute: str) -> Any:
        return self.all()[attribute]

    def get(self, attribute: str) -> Any:
        return self.all().get(attribute)

    def all(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.directory / "attributes").read_text())
        return found

    def inside(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.directory / "inside").read_text())
        return found

    def create(self, attributes: dict[str, Any], **inside: object) -> None:
        self.directory.mkdir(parents=True)
        self._write("inside", inside)
        self._write("attributes", attributes)

    def change(self, **changes: object) -> None:
        """Set attributes; None takes one away."""
        merged = {**self.all(), **changes}
        self._write(
            "attributes", {key: value for key, value in merged.items() if value is not None}
        )

    def note(self, **changes: object) -> None:
        self._write("inside", {**self.inside(), **changes})

    def _write(self, name: str, content: dict[str, Any]) -> None:
        part = self.directory / f"{name}.part"
        part.write_text(json.dumps(content))
        part.replace(self.directory / name)

    @property
    def is_array(self) -> bool:
        return self.name.endswith("[]")

    @property
    def number(self) -> str:
        return self.name.partition("[")[0]

    def member(self, index: int) -> Job:
        return Job(f"{self.number}[{index}]")

    @property
    def indices(self) -> list[int]:
        """Of an array job."""
        found: list[int] = self.inside()["indices"]
        return found


def ordered(attributes: dict[str, Any]) -> dict[str, Any]:
    return {key: attributes[key] for key in _ORDER if key in attributes}


def stand_in(array: Job, index: int) -> dict[str, Any]:
    """Return what qstat tells of a member of which the server has no record."""
    told = array.all()
    attributes = {key: told[key] for key in _OF_STAND_IN if key in told}
    if index in array.inside().get("gone", []):
        attributes.update(job_state="X", comment="Subjob finished")
        if told["job_state"] == "F":
            attributes.update(job_state="F")
    elif told["job_state"] in "BQ":
        attributes.update(job_state="Q", substate=10)
    return attributes


def jobs() -> Iterator[Job]:
    """Give all jobs but the members of arrays, in the order of their numbers."""
    places: list[Path] = list((directory() / "jobs").glob("*"))
    for place in sorted(places, key=lambda path: int(path.name.partition("[")[0])):
        job = Job(place.name)
        if (job.is_array or "[" not in job.name) and job.exists:
            yield job


def is_over(job: Job) -> bool:
    return bool(job["job_state"] == "F")


def found(command: str, job_id: str) -> Job:
    """Return the job of that ID, a member included, or refuse as the server does."""
    match = JOB_ID.fullmatch(job_id)
    if match is None:
        raise Refused(1, f"{command}: illegally formed job identifier: {job_id}\n")
    name = f"{match[1]}{match[2] or ''}"
    job = Job(name)
    known = job.exists or (match[3] and has_member(Job(f"{match[1]}[]"), match[3]))
    if not known or (job.exists and is_over(job) and is_on("nohistory")):
        raise Refused(153, f"{command}: Unknown Job Id {job.job_id}\n")
    return job


def has_member(array: Job, index: str) -> bool:
    return array.exists and index.isdigit() and int(index) in array.indices
