"""What is to be run, and how it ended: frozen values with no behaviour but validation."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import NamedTuple

from qxub.job_checks import (
    check_dependencies,
    check_email_options,
    check_modules,
    check_variables,
    check_volumes,
    check_word,
)


@dataclass(frozen=True)
class Resources:
    """What a job asks of its queue. None leaves the choice to the queue."""

    memory: int | None = None
    """bytes"""
    cpus: int | None = None
    walltime: int | None = None
    """seconds"""
    disk: int | None = None
    """bytes of the compute node's own disk (PBS Pro: jobfs)"""
    volumes: tuple[str, ...] = ()
    """shared file systems that the job needs (NCI: storage), such as gdata/a56"""
    gpus: int | None = None
    gpu_type: str | None = None
    internet: bool = False
    """the compute node must reach the Internet"""

    def __post_init__(self) -> None:
        check_volumes(self.volumes)
        if self.gpu_type is not None:
            check_word(self.gpu_type)
        for name in ("memory", "cpus", "walltime", "disk", "gpus"):
            value = getattr(self, name)
            if value is not None and value < 1:
                message = f"{name} must be at least 1, not {value}"
                raise ValueError(message)


@dataclass(frozen=True)
class ExecutionContext:
    """The surroundings of the command on the compute node.

    A conda environment and modules may be combined (modules first), and modules with a container
    (which may come from one). Nothing set means what the scheduler gives.
    """

    environment: str | None = None
    """conda environment, by name or path"""
    modules: tuple[str, ...] = ()
    container: str | None = None
    """path or URI of a container image"""
    binds: tuple[str, ...] = ()
    """what the container sees of the host: SOURCE[:DESTINATION[:OPTIONS]]"""
    default: bool = False
    """the default context was asked for by name"""
    added: tuple[tuple[str, str], ...] = ()
    """what contexts beyond these were given, by the name of their option's field"""

    def __post_init__(self) -> None:
        check_modules(self.modules)
        if self.environment is not None and self.container is not None:
            message = "--env and --sif exclude each other: a container brings its own environment"
            raise ValueError(message)
        if self.default and (self.environment or self.modules or self.container or self.added):
            message = "--default excludes --env, --mod, --sif and every other context"
            raise ValueError(message)
        if self.binds and self.container is None:
            message = "--bind needs --sif: only a container has bind mounts"
            raise ValueError(message)


MOST_MEMBERS = 10_000
"""of an array, each of which has files of its own: PBS Pro's own limit unless a site changes it
(max_array_size)"""


@dataclass(frozen=True)
class ArrayRange:
    """The indices of an array job: FIRST-LAST:STEP, at most `limit` of them running at once."""

    first: int
    last: int
    step: int = 1
    limit: int | None = None

    def __post_init__(self) -> None:
        in_order = 0 <= self.first <= self.last and self.step >= 1
        if not in_order or (self.limit is not None and self.limit < 1):
            message = f"{self} is no range of an array; write one, as 1-10, 1-10:2 or 1-10%4"
            raise ValueError(message)
        if len(self.indices()) > MOST_MEMBERS:
            message = (
                f"{self} has {len(self.indices())} members; an array has at most {MOST_MEMBERS}"
            )
            raise ValueError(message)

    def indices(self) -> range:
        """Return the index of each member, in order."""
        return range(self.first, self.last + 1, self.step)

    def __str__(self) -> str:
        step = f":{self.step}" if self.step != 1 else ""
        limit = f"%{self.limit}" if self.limit is not None else ""
        return f"{self.first}-{self.last}{step}{limit}"


@dataclass(frozen=True)
class JobSpec:
    """One batch job, as asked for: what travels from the laptop to the cluster."""

    command: tuple[str, ...]
    """argv; empty where there is a `shell_command` in its place"""
    shell_command: str | None = None
    """a line for bash: ${NAME} stands for what it is at submission, ${{NAME}} for ${NAME}"""
    context: ExecutionContext = field(default_factory=ExecutionContext)
    resources: Resources = field(default_factory=Resources)
    queue: str | None = None
    name: str | None = None
    project: str | None = None
    array: ArrayRange | None = None
    dependencies: tuple[str, ...] = ()
    """CONDITION:JOB_ID, with the conditions that PBS Pro and Slurm share: after, afterok,
    afternotok, afterany"""
    hold: bool = False
    """submitted on hold: it waits until it is released"""
    email: str | None = None
    """where the scheduler writes to"""
    email_options: str | None = None
    """letters of qsub(1B) -m: (a)borted, (b)egun, (e)nded"""
    tags: tuple[str, ...] = ()
    """the user's own words, to find the run by"""
    pre: str | None = None
    """a line for the job's shell, before the command"""
    post: str | None = None
    """a line for bash, after a command that succeeded"""
    variables: tuple[tuple[str, str], ...] = ()
    """NAME and value, for the job's environment"""
    working_directory: str | None = None
    """where the command runs; None: where it was submitted"""
    create_working_directory: bool = False
    stdout: str | None = None
    stderr: str | None = None
    """the user's own files for the streams; variables such as {name} may be in them"""
    log_directory: str | None = None
    """where the two are, unless their paths are absolute"""
    template: str | None = None
    """path of the template of the job script, on the machine that submits"""

    def __post_init__(self) -> None:
        if bool(self.command) == (self.shell_command is not None):
            message = "a job needs a command, or --cmd in its place, and not both"
            raise ValueError(message)
        for word in (self.queue, self.project, self.email):
            if word is not None:
                check_word(word)
        check_dependencies(self.dependencies)
        check_variables(self.variables)
        check_email_options(self.email_options)
        if self.create_working_directory and self.working_directory is None:
            message = "--create-execdir needs --execdir: it makes that directory"
            raise ValueError(message)


class JobState(enum.Enum):
    """Where a job stands, in words that PBS Pro and Slurm share."""

    QUEUED = "queued"
    WAITING = "waiting"
    """not yet allowed to run: for a time, or for another job"""
    HELD = "held"
    RUNNING = "running"
    SUSPENDED = "suspended"
    EXITING = "exiting"
    ENDED = "ended"


NOT_STARTED = (JobState.QUEUED, JobState.WAITING, JobState.HELD)


class _Kind(NamedTuple):
    label: str
    exit_status: int | None


class OutcomeKind(enum.Enum):
    """How a run ended. This is the one table of the exit-status contract.

    `exit_status` is None where the job's own status or signal decides.
    """

    COMPLETED = _Kind("completed", None)
    SIGNALLED = _Kind("signalled", None)
    WALLTIME_EXCEEDED = _Kind("walltime exceeded", 124)
    OUT_OF_MEMORY = _Kind("out of memory", 137)
    CANCELLED = _Kind("cancelled", 130)
    USAGE = _Kind("usage", 2)
    REFUSED = _Kind("refused", 65)
    CONFIG = _Kind("config", 78)
    SCHEDULER_UNAVAILABLE = _Kind("scheduler unavailable", 69)
    SETUP_FAILED = _Kind("remote setup failed", 71)
    POST_FAILED = _Kind("post failed", 73)
    CONNECTION = _Kind("connection", 255)
    LOST = _Kind("lost", 75)

    @property
    def label(self) -> str:
        """The kind as users read it and as programs find it in JSON."""
        return self.value.label

    @property
    def exit_status(self) -> int | None:
        """The exit status of every outcome of this kind, or None."""
        return self.value.exit_status

    @classmethod
    def labelled(cls, label: str) -> OutcomeKind:
        """Return the kind with this label. Raises ValueError for an unknown one."""
        for kind in cls:
            if kind.label == label:
                return kind
        message = f"no outcome is called {label!r}"
        raise ValueError(message)


@dataclass(frozen=True)
class Outcome:
    """The one truth about how a run ended.

    Raises ValueError where the parts contradict each other: a completed job has a status of
    0-255, a signalled one a signal number, and no other kind has either.
    """

    kind: OutcomeKind
    status: int | None = None
    """the job's own exit status; only with COMPLETED"""
    signal: int | None = None
    """the number of the signal that ended the job; only with SIGNALLED"""
    job_id: str | None = None
    detail: str = ""
    """a sentence for the user: the scheduler's words, or what is not known"""

    def __post_init__(self) -> None:
        has_status = self.status is not None and 0 <= self.status <= 255
        has_signal = self.signal is not None and 0 < self.signal < 128
        expected = (self.kind is OutcomeKind.COMPLETED, self.kind is OutcomeKind.SIGNALLED)
        if (has_status, has_signal) != expected:
            message = f"{self.kind.label}: status {self.status} and signal {self.signal} do not fit"
            raise ValueError(message)

    @property
    def exit_status(self) -> int:
        """What the qxub process exits with (the table in docs/reference/exit-status.md)."""
        if self.status is not None:
            return self.status
        if self.signal is not None:
            return 128 + self.signal
        if self.kind.exit_status is None:
            raise AssertionError(self.kind)
        return self.kind.exit_status

    def __str__(self) -> str:
        """Describe the ending in a few words, without the detail."""
        if self.kind is OutcomeKind.COMPLETED:
            return f"completed with exit status {self.status}"
        if self.kind is OutcomeKind.SIGNALLED:
            return f"ended by signal {self.signal}"
        return f"{self.kind.label} (exit status {self.exit_status})"
