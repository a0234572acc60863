"""Array jobs: their members begin one by one, and the array has ended when all of them have."""

from __future__ import annotations

import time

from tests.fakes.batch.jobs import Job, is_over
from tests.fakes.batch.site_state import date, now

_OF_THE_ARRAY = ("array", "Checkpoint", "Hold_Types", "Submit_arguments")
"""attributes that a member does not have; nor has it those that begin with `array_`"""


class Members:
    """An array's members at one moment."""

    def __init__(self, array: Job) -> None:
        self._array = array
        inside = array.inside()
        self.gone = set(inside.get("gone", []))
        """deleted before they began"""
        known = {index: array.member(index) for index in array.indices}
        self.begun = {index: member for index, member in known.items() if member.exists}
        self.deleted = bool(inside.get("deleted"))
        if self.deleted:
            self.gone |= known.keys() - self.begun.keys()
            array.note(gone=sorted(self.gone))
        self.left = [i for i in known if i not in self.gone and i not in self.begun]
        self.live = [member for member in self.begun.values() if not is_over(member)]
        self.room = max(inside["limit"] - len(self.live), 0)

    def tell(self) -> None:
        """Write down how many are where; when none is left, the array has finished."""
        exiting = sum(member["job_state"] == "E" for member in self.live)
        counts = {
            "Queued": len(self.left),
            "Running": len(self.live) - exiting,
            "Exiting": exiting,
            "Expired": len(self.gone),
        }
        self._array.change(
            array_state_count=" ".join(f"{name}:{count}" for name, count in counts.items()),
            array_indices_remaining=_span(self.left),
        )
        if not self.left and not self.live:
            self._finish()

    def _finish(self) -> None:
        failed = bool(self.gone) or any(m.get("Exit_status") for m in self.begun.values())
        substate, word = (93, "failed") if failed else (92, "finished")
        if self.deleted:
            substate, word = 91, "terminated"
        ran = {"Exit_status": int(failed), "Stageout_status": 1, "obittime": date()}
        told = self._array.get("comment")
        self._array.change(
            job_state="F",
            substate=substate,
            comment=f"{told} and {word}" if told else None,
            mtime=date(),
            history_timestamp=int(now()),
            **(ran if self.begun else {}),
        )


def _span(indices: list[int]) -> str:
    if len(indices) == 1:
        return str(indices[0])
    return f"{indices[0]}-{indices[-1]}" if indices else "-"


def begin_member(array: Job, index: int) -> Job:
    """Make the member's record, with all that its array was submitted with."""
    member = array.member(index)
    told = {
        name: value
        for name, value in array.all().items()
        if name not in _OF_THE_ARRAY and not name.startswith("array_")
    }
    for name in ("Output_Path", "Error_Path"):
        told[name] = told[name].replace("^array_index^", str(index))
    told.update(array_id=array.job_id, array_index=index)
    member.create(told, variables=array.inside()["variables"], indices=[], depends=[])
    member.script.write_bytes(array.script.read_bytes())
    member.script.chmod(0o700)
    if array["job_state"] == "Q":
        began = f"Job Array Began at {moment()}"
        array.change(job_state="B", substate=70, stime=date(), comment=began)
    return member


def moment() -> str:
    return time.strftime("%a %b %d at %H:%M", time.localtime(now()))
