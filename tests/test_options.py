"""One table: what is serialized is what is parsed."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from typing import Any

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qxub.cli.options import checked_job_spec, exec_options, given_values
from qxub.job import ExecutionContext, JobSpec, Resources
from qxub.options import OPTIONS, arguments
from qxub.remote.command_builder import build_command

words = st.text(st.characters(blacklist_characters="\0", codec="utf-8"))
names = st.from_regex(r"[A-Za-z0-9_./+-]+", fullmatch=True)
modules = st.lists(names, max_size=3).map(tuple)
contexts = st.one_of(
    st.builds(ExecutionContext, environment=st.none() | words, modules=modules),
    st.builds(ExecutionContext, container=words, binds=st.lists(words).map(tuple), modules=modules),
    st.just(ExecutionContext(default=True)),
)
resources = st.builds(
    Resources,
    memory=st.none() | st.integers(1, 2**50),
    cpus=st.none() | st.integers(1, 10**6),
    walltime=st.none() | st.integers(1, 10**7),
)
specs = st.builds(
    JobSpec,
    command=st.lists(words, min_size=1).map(tuple),
    context=contexts,
    resources=resources,
    queue=st.none() | words,
    name=st.none() | words,
    project=st.none() | words,
)


def parse(argv: list[str]) -> JobSpec:
    """Parse the arguments of `qxub exec` as the command line does."""
    parsed: dict[str, Any] = {}

    @click.command(context_settings={"allow_interspersed_args": False})
    @exec_options
    def record(**values: Any) -> None:
        parsed.update(values)

    record.main(args=argv, standalone_mode=False, windows_expand_args=False)
    command = parsed.pop("command")
    return checked_job_spec(given_values(parsed), command)


@given(specs)
@settings(deadline=None)
def test_parsing_what_was_built_gives_the_same_job(spec: JobSpec) -> None:
    assert parse(arguments(spec)) == spec


@given(st.lists(specs, min_size=1, max_size=20))
@settings(deadline=None, max_examples=10)
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is missing")
def test_a_shell_reads_the_line_as_it_was_built(several: list[JobSpec]) -> None:
    for spec in several:
        line = shlex.join(build_command(spec))
        script = f"printf '%s\\0' {line}".encode()
        said = subprocess.run(["bash"], input=script, capture_output=True, check=True).stdout
        assert said.split(b"\0")[:-1] == [word.encode() for word in build_command(spec)]


def test_the_plain_case_reads_as_users_know_it() -> None:
    line = "--env pytorch --queue auto --mem 8GB --cpus 4 -- python train.py --epochs 100"
    spec = parse(line.split())
    assert shlex.join(build_command(spec)) == f"qxub exec {line}"


def test_verbosity_travels_beside_the_job() -> None:
    assert build_command(JobSpec(("true",)), verbosity=2) == ["qxub", "exec", "-vv", "--", "true"]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.flag)
def test_every_option_of_the_table_is_in_the_help(option: Any) -> None:
    from qxub.cli.exec import command

    shown = command.get_help(click.Context(command))
    assert all(flag in shown for flag in option.flags)


@pytest.mark.parametrize(
    ("argv", "modules"),
    [
        (["--mod", "gcc", "--mod", "cuda"], ("gcc", "cuda")),
        (["--module", "gcc"], ("gcc",)),
        (["--mods", "gcc, cuda hdf5"], ("gcc", "cuda", "hdf5")),
        (["--mods", "a,b", "--mod", "c", "--modules", "d"], ("a", "b", "c", "d")),
    ],
)
def test_modules_keep_their_order(argv: list[str], modules: tuple[str, ...]) -> None:
    assert parse([*argv, "--", "true"]).context.modules == modules


def test_aliases_mean_the_same() -> None:
    long = ["--memory", "1GB", "--threads", "2", "--time", "1h", "--container", "a.sif"]
    short = ["--mem", "1GB", "--cpus", "2", "--runtime", "1h", "--sif", "a.sif"]
    assert parse([*long, "--", "x"]) == parse([*short, "--", "x"])


def test_the_command_s_own_options_are_its_own() -> None:
    spec = parse(["--mem", "1GB", "python", "--queue", "x", "--", "-v"])
    assert spec.command == ("python", "--queue", "x", "--", "-v")
