"""JobSpec → job script.

The script needs only bash on the compute node. It quotes everything, keeps the job's own bytes
apart from anything that qxub or the scheduler says, lets signals through to the command, and writes
the status file, whole and renamed, in every ending that a shell can see.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from qxub.execution.contexts import Step, contexts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from qxub.job import JobSpec

_HEAD = r"""
run={run}
exec >>"$run/setup.log" 2>&1
received=
finish() {{
  printf '%s\n' "$@" >"$run/status.part" && mv -f -- "$run/status.part" "$run/status"
}}
# A scheduler's signal (walltime, cancel) goes to every process of the job. This shell outlives it,
# and notes it, because only the scheduler knows why.
trap 'received=terminated' TERM
trap : {others}
: >"$run/started"
"""

_STEP = r"""
# {purpose}
{{
{lines}
}} </dev/null || {{ finish {ending}; exit 71; }}
"""

# The inner shell does nothing but watch, so it is deaf: a signal must not break into that. When
# the command has ended, `jobs` tells an exit status from a signal, which `$?` does not; and `wait`
# would make it forget, so the shell looks (kill -0, a builtin) until the command is gone. To sleep
# it reads from a pipe that nobody writes to, which costs no process.
_COMMAND = r"""
[ -z "$received" ] || exit 143
(
  trap '' TERM {others}
  ( trap - TERM {others}; exec -- {command} ) </dev/null >>"$run/stdout" 2>>"$run/stderr" &
  child=$!
  exec 9<> <(:)
  pause=.01
  while kill -0 "$child" 2>/dev/null; do
    read -r -t "$pause" -u 9 || [ "$?" -gt 128 ] || sleep "$pause"
    [ "$SECONDS" -lt 1 ] || pause=.1
  done
  LC_ALL=C
  jobs -l >"$run/ending"
  wait "$child"
)
status=$?
read -r _ _ word _ <"$run/ending"
# A death by signal bash may have told already, and forgotten: then no word is left.
case $word in
  Exit | Done) finish "exit $status" $received ;;
  *)
    if [ -e "$run/ending" ] && [ "$status" -gt 128 ]; then
      finish "signal $((status - 128))" $received
    fi
    ;;
esac
exit "$status"
"""
_OTHER_SIGNALS = "INT HUP QUIT USR1 USR2"
"""what may be sent to a job, besides TERM"""


def job_script(
    spec: JobSpec, *, directives: Sequence[str], directory: Path, working_directory: Path
) -> bytes:
    """Return the job script's bytes; `directory` is the run's, in which it writes its files.

    Arguments arrive in the command byte for byte (os.fsencode), as POSIX hands them to qxub.
    """
    used = contexts(spec.context)
    steps = [Step("entering the working directory", [f"cd -- {_quote(working_directory)}"])]
    steps += [step for context in used for step in context.steps()]
    prefix = [word for context in used for word in context.prefix()]
    parts = [
        "#!/bin/bash\n",
        "".join(f"{line}\n" for line in directives),
        _HEAD.format(run=_quote(directory), others=_OTHER_SIGNALS),
        *(_step(step) for step in steps),
        _COMMAND.format(
            others=_OTHER_SIGNALS,
            command=" ".join([*prefix, *map(shlex.quote, spec.command)]),
        ),
    ]
    return os.fsencode("".join(parts))


def _step(step: Step) -> str:
    purpose = " ".join(step.purpose.split())
    return _STEP.format(
        purpose=purpose, lines="\n".join(step.lines), ending=shlex.quote(f"setup {purpose}")
    )


def _quote(path: Path) -> str:
    return shlex.quote(str(path))
