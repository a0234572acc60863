"""The corpus of OpenSSH's answers, read from a folder; its README.md explains the format."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from .command_line import keywords, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DATA = Path(__file__).parents[2] / "data"
CORPUS = DATA / "ssh_config"

Value = Union[str, tuple[str, ...]]  # of one keyword; a tuple for those that ssh holds as a list

# What was recorded of `ssh -G`; a keyword without an answer was not printed.
_KEYS = (
    "hostname user port identityfile identitiesonly identityagent certificatefile proxyjump "
    "proxycommand userknownhostsfile globalknownhostsfile stricthostkeychecking hostkeyalias "
    "connecttimeout connectionattempts serveraliveinterval serveralivecountmax compression "
    "forwardagent requesttty sendenv setenv preferredauthentications pubkeyauthentication "
    "passwordauthentication kbdinteractiveauthentication numberofpasswordprompts batchmode "
    "addressfamily bindaddress ciphers macs kexalgorithms hostkeyalgorithms "
    "pubkeyacceptedalgorithms rekeylimit remotecommand canonicalizehostname loglevel "
    "hashknownhosts checkhostip tcpkeepalive"
)
KEYS = tuple(_KEYS.split())


@dataclass(frozen=True)
class Answer:
    """What a release of OpenSSH makes of a look-up; {HOME} stands for the home directory."""

    release: str
    fails: bool
    config: Mapping[str, Value] | None  # () where a keyword is not set; None: nothing is recorded
    expanded: Mapping[str, Value] | None  # None: not recorded
    stderr: tuple[str, ...]


@dataclass(frozen=True)
class PlacedFile:
    """One file; {HOME} in its path, and @@HOME@@ in its content, is the home directory."""

    path: str
    content: bytes
    mode: int


@dataclass(frozen=True)
class Case:
    """One folder: files, and what surrounds them."""

    name: str
    group: str
    uses_default_files: bool
    user: str
    uid: int
    hostname: str
    environment: Mapping[str, str]
    names: Mapping[str, tuple[str, ...]]  # that resolve: address, perhaps a canonical name
    requires: tuple[str, ...]
    files: tuple[PlacedFile, ...]


@dataclass(frozen=True)
class Question:
    """One look-up, with the answers that are right, OpenSSH 9.2's first."""

    case: Case
    argv: tuple[str, ...]
    answers: tuple[Answer, ...]

    def __str__(self) -> str:
        return " ".join([self.case.name, *self.argv])


def rebased(text: str, home: str) -> str:
    """Put `home` in the place of {HOME}, but not of ${HOME}, which can be a value."""
    return re.sub(r"(?<!\$)\{HOME\}", lambda _: home, text)


def questions(folder: Path = CORPUS) -> Iterator[Question]:
    """Give every look-up of a corpus, in the order of its folders."""
    file = folder / "defaults.json"
    loaded = _load(file if file.exists() else CORPUS / file.name)
    defaults = {key: _value(value) for key, value in loaded.items()}
    for file in sorted(folder.glob("*/case.json")):
        document = _load(file)
        case = _case(file.parent, document)
        expected = _load(file.with_name("expected.json"))["runs"]
        newer_file = file.with_name("expected-10.5.json")
        newer = _load(newer_file)["runs"] if newer_file.exists() else {}
        for index, run in enumerate(expected):
            argv = tuple(run["argv"])
            # What only the command line set is not in the answers.
            unknown = keywords(parsed(argv, exists=lambda _: True))
            known = {key: defaults.get(key, ()) for key in KEYS if key not in unknown}
            yield Question(case, argv, _answers(run, newer.get(str(index)), known))


def _load(file: Path) -> dict[str, Any]:
    """Read JSON that holds bytes which are not UTF-8 where a configuration does."""
    document: dict[str, Any] = json.loads(
        file.read_text(encoding="utf-8", errors="surrogateescape")
    )
    return document


def _case(folder: Path, document: Mapping[str, Any]) -> Case:
    local = document["local"]
    return Case(
        name=folder.name,
        group=document.get("group", ""),
        uses_default_files=document["mode"] == "default",
        user=local["user"],
        uid=local["uid"],
        hostname=local["hostname"],
        environment=document.get("env", {}),
        names={name: tuple(found) for name, found in document.get("resolver", {}).items()},
        requires=tuple(document.get("requires", ())),
        files=tuple(_files(folder, document)),
    )


def _files(folder: Path, document: Mapping[str, Any]) -> Iterator[PlacedFile]:
    def placed(source: str, path: str, mode: str) -> PlacedFile:
        return PlacedFile(path, (folder / source).read_bytes(), int(mode, 8))

    if document["config"] is not None:
        yield placed(document["config"], "{HOME}/.ssh/config", document["config_mode"])
    if document.get("system_config") is not None:
        yield placed(document["system_config"], "/etc/ssh/ssh_config", "0644")
    for file in document.get("files", ()):
        yield placed(file["src"], file["dst"], file["mode"])


def _answers(
    run: Mapping[str, Any], newer: Mapping[str, Any] | None, defaults: Mapping[str, Value]
) -> tuple[Answer, ...]:
    """Give Debian's 9.2, then what 9.2 without Debian's patches and 10.5 answer differently."""
    answers = [_answer("9.2", run, defaults)]
    if "upstream_9.2" in run:
        answers.append(_answer("9.2 upstream", _changed(run, run["upstream_9.2"]), defaults))
    if newer is not None:
        answers.append(_answer("10.5", _changed(run, newer), defaults))
    return tuple(answers)


def _changed(run: Mapping[str, Any], parts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put the parts that differ into an answer; an answer of the other kind replaces it all."""
    if parts.get("rc", run["rc"]) != run["rc"]:
        return parts
    config = {**run.get("config", {}), **parts.get("config", {})}
    return {**run, **parts, "config": config}


def _answer(release: str, run: Mapping[str, Any], defaults: Mapping[str, Value]) -> Answer:
    fails = run["rc"] != 0
    config = expanded = None
    if not fails and run.get("config"):
        # What a newer release has by default is no answer: ours is judged on 9.2's defaults.
        theirs = {key for key in run.get("as_empty_config", ()) if defaults.get(key)}
        own = {key: value for key, value in run["config"].items() if key not in theirs}
        config = {**defaults, **{key: _value(value) for key, value in own.items()}}
        expanded = {
            key: _value(value)
            for key, value in run.get("expanded", {}).items()
            if key not in theirs
        }
        if release == "10.5" and not expanded.get("certificatefile"):
            expanded.pop("certificatefile", None)  # its log names none, also where there is one
    return Answer(release, fails, config, expanded, tuple(run.get("stderr", ())))


def _value(value: str | list[str] | None) -> Value:
    return value if isinstance(value, str) else tuple(value or ())
