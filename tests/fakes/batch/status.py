"""qstat: what there is to know of jobs."""

from __future__ import annotations

import getopt
import json
import re
from typing import Any

from tests.fakes.batch import listing, usage
from tests.fakes.batch.jobs import Job, found, is_over, jobs, ordered, stand_in
from tests.fakes.batch.site_state import SERVER, Refused, alone, is_on, now, suffer, value_of


def qstat(argv: list[str]) -> str:
    try:
        given, operands = getopt.getopt(argv, "aBfF:GHiJMnpqQrsStTu:wxED:1")
    except getopt.GetoptError as error:
        words = f"qstat: invalid option -- '{error.opt}'\n{usage.QSTAT}"
        raise Refused(2, words) from None
    options = dict(given)
    if "-Q" in options:
        return listing.queues(options)
    if "-B" in options:
        return listing.server(options)
    if "-F" in options and "-f" not in options:
        raise Refused(2, f"qstat: conflicting options.\n{usage.QSTAT}")
    if options.get("-F") != "json":
        raise Refused(2, usage.QSTAT)  # the fake has no other form
    answer: dict[str, Any] = {
        "timestamp": int(now()),
        "pbs_version": "23.06.06",
        "pbs_server": SERVER,
    }
    try:
        suffer("qstat")
        told, refusals = _told(operands, history="-x" in options, members="-t" in options)
    except Refused as error:
        raise Refused(error.status, error.words, _text(answer)) from None
    if told:
        answer["Jobs"] = told
    if refusals:
        raise Refused(refusals[-1].status, "".join(r.words for r in refusals), _text(answer))
    return _text(answer)


def _told(
    operands: list[str], *, history: bool, members: bool
) -> tuple[dict[str, Any], list[Refused]]:
    """Return what there is to tell of each job, and the complaints; one does not stop the rest."""
    told: dict[str, Any] = {}
    refusals = []
    with alone():
        for operand in operands or [job.job_id for job in jobs() if history or not is_over(job)]:
            try:
                job = _visible(operand, history=history)
            except Refused as error:
                refusals.append(error)
                continue
            told[job.job_id] = _attributes(job)
            if members and job.is_array:
                of_array = [job.member(index) for index in job.indices]
                told.update({member.job_id: _attributes(member) for member in of_array})
    return told, refusals


def _visible(operand: str, *, history: bool) -> Job:
    if history and is_on("nohistory"):
        words = f"qstat: PBS is not configured to maintain job history {operand}\n"
        raise Refused(0, words)
    job = found("qstat", operand)
    if job.exists and is_over(job) and not history and not job.get("array_id"):
        words = "Job has finished, use -x or -H to obtain historical job information"
        raise Refused(35, f"qstat: {job.job_id} {words}\n")
    return job


def _attributes(job: Job) -> dict[str, Any]:
    if job.exists:
        attributes = job.all()
    else:
        index = re.sub(r".*\[(\d+)\]", r"\1", job.name)
        attributes = stand_in(Job(f"{job.number}[]"), int(index))
    variables = attributes["Variable_List"].items()
    attributes["Variable_List"] = {name: _bare(value) for name, value in variables}
    if re.fullmatch(r"\d+", str(attributes.get("array_indices_remaining"))):
        attributes["array_indices_remaining"] = int(attributes["array_indices_remaining"])
    return ordered(attributes)


def _bare(value: str) -> object:
    """Return a value of Variable_List as the real one writes it: what looks like JSON goes bare."""
    if re.fullmatch(r"-?\d+", value):
        return int(value)
    if re.fullmatch(r"-?\d+(\.\d+)?[eE][-+]?\d+|-?\d+\.\d+", value):
        number = float(value)
        return None if number in (float("inf"), float("-inf")) else number
    return {"true": True, "false": False, "null": None}.get(value, value)


def _text(answer: object) -> str:
    text = json.dumps(answer, indent="\t", separators=(",", ":\t")) + "\n"
    return text[: int(value_of("torn"))] if is_on("torn") else text
