"""qsub's options, from the command line and from the script's directives."""

from __future__ import annotations

import getopt
import re
from typing import TYPE_CHECKING

from tests.fakes.batch import usage
from tests.fakes.batch.site_state import LARGEST_ARRAY, Refused

if TYPE_CHECKING:
    from pathlib import Path

LETTERS = "a:A:c:C:e:fhIj:J:k:l:m:M:N:o:p:P:q:r:R:S:u:W:v:VzX"
DEPENDENCIES = ("after", "afterok", "afternotok", "afterany")
_PATTERNS = {
    "-a": r"\d{12}",
    "-j": "oe|eo|n",
    "-J": r"\d+-\d+(:\d+)?(%\d+)?",
    "-k": "[doen]*[oen][doen]*",
    "-m": "[abenj]+",
    "-M": r"\S+",
    "-N": r"[A-Za-z0-9_+.-]+",
    "-o": r"[\x20-\x7e]+",
    "-e": r"[\x20-\x7e]+",
    "-p": r"[-+]?\d{1,3}|[-+]?10[01]\d|[-+]?102[0-3]",
    "-S": r"\S+",
    "-W": r"[a-z_]+=.*",
}
_LONGEST_NAME = 230
_DEPEND = re.compile(rf"({'|'.join(DEPENDENCIES)}):\d+(\[\])?[^:,\[\]]*(:\d+(\[\])?[^:,\[\]]*)*")


def illegal(option: str) -> Refused:
    return Refused(2, f"qsub: illegal {option} value\n{usage.QSUB}")


def parsed(argv: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the options and the operands, as getopt(3) does, with its words."""
    try:
        return getopt.getopt(argv, LETTERS)
    except getopt.GetoptError as error:
        words = f"option requires an argument -- '{error.opt}'"
        if "not recognized" in error.msg:
            words = f"invalid option -- '{error.opt[0] if error.opt else '-'}'"
            if any(word.startswith("--") for word in argv):
                words = f"invalid option -- '-'\nqsub: invalid option -- '{error.opt[0]}'"
        raise Refused(2, f"qsub: {words}\n{usage.QSUB}") from None


def directives(script: Path) -> list[tuple[str, str]]:
    """Return the options of the script's #PBS lines before the first command."""
    found = []
    for line in script.read_bytes().decode(errors="surrogateescape").split("\n"):
        if line.strip() and not line.lstrip().startswith("#"):
            break
        if not line.startswith("#PBS"):
            continue
        words = line[4:].strip()
        complaint = f"qsub: directive error: {words} \n"
        try:
            given, rest = parsed(words.split())
        except Refused as error:
            raise Refused(1, error.words.replace(usage.QSUB, complaint)) from None
        if rest:
            raise Refused(1, complaint)
        found += given
    return found


def checked(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return the last value of each option, `-l` joined; refuse what qsub itself refuses."""
    for option, value in pairs:
        if option == "-N" and len(value) > _LONGEST_NAME:
            raise Refused(2, "qsub: Job name is too long \n")
        pattern = _PATTERNS.get(option)
        if pattern is not None and not re.fullmatch(pattern, value):
            raise illegal(option)
        if option == "-l" and (value.startswith(",") or value.endswith(",")):
            raise illegal("-l")
        if option == "-J":
            indices(value)
        if option == "-W":
            dependencies(value)
    return dict(pairs)


def resources(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return what the -l options ask for; of two for the same the last counts."""
    wanted: dict[str, str] = {}
    for option, value in pairs:
        for item in re.split(r"[,\s]+", value) if option == "-l" else ():
            name, _, amount = item.partition("=")
            if name:
                wanted[name] = amount
    return wanted


def indices(text: str) -> range:
    """Return the indices of `1-10:2%4`: two at least."""
    span, _, step = text.partition("%")[0].partition(":")
    first, last = map(int, span.split("-"))
    found = range(first, last + 1, int(step or 1))
    if len(found) < 2:
        raise illegal("-J")
    if len(found) > LARGEST_ARRAY:
        raise Refused(3, "qsub: Array job exceeds server or queue size limit\n")
    return found


def dependencies(text: str) -> list[tuple[str, list[str]]]:
    """Return condition and job IDs of each dependency in a value of -W."""
    name, _, value = text.partition("=")
    if name in ("umask", "block", "sandbox", "group_list"):
        return []
    if name != "depend":
        raise Refused(154, "qsub: Error (15002) submitting job\n")
    items = value.split(",")
    if not all(_DEPEND.fullmatch(item) for item in items):
        raise illegal("-W")
    return [(words[0], words[1:]) for words in (item.split(":") for item in items)]


def variables(text: str, environment: dict[str, str]) -> dict[str, str]:
    """Return the variables of -v; a value has no comma here, and no quote."""
    found = {}
    for item in filter(None, text.split(",")):
        name, equals, value = item.partition("=")
        if "'" in value or '"' in value or (not equals and name not in environment):
            raise Refused(1, "qsub: cannot send environment with the job\n")
        found[name] = value if equals else environment[name]
    return found
