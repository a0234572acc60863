"""The text of job scripts: bash, with the places that `job_script` fills.

Everything of qxub's own begins with `qxub_`, as the user's lines run in the same shell.
"""

from __future__ import annotations

OTHER_SIGNALS = "INT HUP QUIT USR1 USR2"
"""what may be sent to a job, besides TERM"""

MEMBER = r"""
export QXUB_ARRAY_INDEX=${{{variable}:?}}
qxub_run=$qxub_run/$QXUB_ARRAY_INDEX"""
NO_MEMBER = """
unset -v QXUB_ARRAY_INDEX"""

# What an earlier start has left, where the scheduler starts a job again, says nothing of this one;
# and one that still runs, on a node that was given up for dead, says nothing any more.
# qxub_stage is what is being done, as long as the command has not begun: whatever ends the script
# then, an `exit` in the user's lines included, is told as its failure. A scheduler's signal
# (walltime, cancel) goes to every process of the job. This shell outlives it, and notes it, because
# only the scheduler knows why.
HEAD = r"""
qxub_run={directory}{member}
exec >>"$qxub_run/setup.log" 2>&1
[ ! -e "$qxub_run/status" ] || rm -f -- "$qxub_run/status" "$qxub_run/ending"
unset -v ${{!QXUB_VAR_@}}
qxub_received= qxub_stage=starting qxub_status=71
qxub_attempt=$HOSTNAME.$$.$RANDOM
qxub_finish() (
  trap '' TERM {others}
  umask {umask}
  read -r latest 2>/dev/null <"$qxub_run/started" && [ "$latest" != "$qxub_attempt" ] && exit
  printf '%s\n' "$1" $qxub_received >"$qxub_run/status.part" &&
    exec mv -f -- "$qxub_run/status.part" "$qxub_run/status"
)
qxub_leave() {{
  if [ -n "$qxub_stage" ] && [ -n "$qxub_received" ]; then
    qxub_status=143
    qxub_finish 'signal 15'
  elif [ -n "$qxub_stage" ]; then
    qxub_finish "setup $qxub_stage"
  fi
  exit "$qxub_status"
}}
trap qxub_leave EXIT
trap qxub_received=terminated TERM
trap : {others}
(umask {umask} && printf '%s\n' "$qxub_attempt" >"$qxub_run/started")

# Run "$@" with the job's streams; qxub_ending becomes `exit` or `signal` with its number, or empty
# where it cannot be told. The inner shell does nothing but watch, so it is deaf: a signal must not
# break into that. When the command has ended, `jobs` tells an exit status from a signal, which `$?`
# does not; and `wait` would make it forget, so the shell looks (kill -0, a builtin) until the
# command is gone. To sleep it reads from a pipe that nobody writes to, which costs no process.
qxub_execute() {{
  (
    trap '' TERM {others}
    ( trap - TERM {others}; exec -- "$@" ) </dev/null >>"$qxub_run/stdout" 2>>"$qxub_run/stderr" &
    child=$!
    exec 9<> <(:)
    pause=.01
    while kill -0 "$child" 2>/dev/null; do
      read -r -t "$pause" -u 9 || [ "$?" -gt 128 ] || sleep "$pause"
      [ "$SECONDS" -lt 1 ] || pause=.1
    done
    LC_ALL=C
    umask {umask}
    jobs -l >"$qxub_run/ending"
    wait "$child"
  )
  qxub_status=$? qxub_ending=
  [ -e "$qxub_run/ending" ] || return 0
  local word=
  read -r _ _ word _ <"$qxub_run/ending"
  # A death by signal bash may have told already, and forgotten: then no word is left.
  case $word in
    Exit | Done) qxub_ending="exit $qxub_status" ;;
    *) [ "$qxub_status" -le 128 ] || qxub_ending="signal $((qxub_status - 128))" ;;
  esac
}}
"""

STEP = r"""
# {comment}
qxub_stage={purpose}
{{
{lines}
}} </dev/null || exit 71
"""

# The user's line says what the job says, so it has the job's streams.
PRE = r"""
qxub_stage='the line of --pre'
eval {line} </dev/null >>"$qxub_run/stdout" 2>>"$qxub_run/stderr" || exit 71
"""

# What a template adds between the steps and the command.
BETWEEN = """
qxub_stage='a line of the template'
"""

COMMAND = r"""
[ -z "$qxub_received" ] || exit 143
qxub_stage=
set +eu
qxub_execute {words}
"""

POST = r"""
if [ "$qxub_ending$qxub_received" = 'exit 0' ]; then
  rm -f -- "$qxub_run/ending"
  qxub_execute bash -c {line}
  if [ "$qxub_ending" != 'exit 0' ]; then
    qxub_ending=${{qxub_ending:+post $qxub_ending}} qxub_status=73
  fi
fi
"""

END = r"""
qxub_finish "${qxub_ending:-lost}"
"""
