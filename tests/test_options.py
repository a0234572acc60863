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
from qxub.errors import UsageError
from qxub.job import MOST_MEMBERS, ArrayRange, ExecutionContext, JobSpec, Resources
from qxub.option import LOG_VARIABLES
from qxub.options import OPTIONS
from qxub.remote.command_builder import build_command, carried_variables

characters = st.characters(blacklist_characters="\0", codec="utf-8")
words = st.text(characters)
texts = st.text(characters, min_size=1)
one_word = st.text(
    st.characters(blacklist_categories=["C", "Z"], codec="utf-8"), min_size=1
).filter(str.isprintable)
names = st.from_regex(r"[A-Za-z0-9_./+-]+", fullmatch=True)
modules = st.lists(names, max_size=3).map(tuple)
contexts = st.one_of(
    st.builds(ExecutionContext, environment=st.none() | texts, modules=modules),
    st.builds(ExecutionContext, container=texts, binds=st.lists(texts).map(tuple), modules=modules),
    st.just(ExecutionContext(default=True)),
)
amounts = st.none() | st.integers(1, 2**50)
resources = st.builds(
    Resources,
    memory=amounts,
    cpus=st.none() | st.integers(1, 10**6),
    walltime=st.none() | st.integers(1, 10**7),
    disk=amounts,
    volumes=st.lists(
        st.from_regex(r"[^\s,+]+", fullmatch=True, alphabet=characters), max_size=3
    ).map(tuple),
    gpus=st.none() | st.integers(1, 64),
    gpu_type=st.none() | one_word,
    internet=st.booleans(),
)
arrays = st.builds(
    lambda first, more, step, limit: ArrayRange(first, first + more, step, limit),
    st.integers(0, 10**6), st.integers(0, MOST_MEMBERS - 1), st.integers(1, 99),
    st.none() | st.integers(1, 9),
)  # fmt: skip
conditions = st.sampled_from(["after", "afterok", "afternotok", "afterany"])
dependencies = st.builds(
    "{}:{}".format, conditions, st.from_regex(r"[^\s,]+", fullmatch=True, alphabet=characters)
)
variables = st.lists(
    st.tuples(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True), words),
    max_size=3,
    unique_by=lambda pair: pair[0].upper(),  # as Windows has them
)
log_paths = st.lists(
    st.sampled_from(["/", "a b", "%", "{{x}}", "{ }", "$", *(f"{{{v}}}" for v in LOG_VARIABLES)])
).map("".join)


def specs_with(**fields: Any) -> st.SearchStrategy[JobSpec]:
    """Return jobs that hold what a command line can say."""
    return st.builds(
        JobSpec,
        context=contexts,
        resources=resources,
        queue=st.none() | one_word,
        name=st.none() | texts,
        project=st.none() | one_word,
        array=st.none() | arrays,
        dependencies=st.lists(dependencies, max_size=2).map(tuple),
        hold=st.booleans(),
        email=st.none() | one_word,
        email_options=st.none() | st.from_regex("[abe]+", fullmatch=True),
        tags=st.lists(names, max_size=3).map(tuple),
        pre=st.none() | words,
        post=st.none() | words,
        variables=variables.map(tuple),
        stdout=st.none() | log_paths.map("o{}".format),
        stderr=st.none() | log_paths.map("e{}".format),
        log_directory=st.none() | log_paths.map("d{}".format),
        template=st.none() | texts,
        **fields,
    )


specs = st.one_of(
    specs_with(command=st.lists(words, min_size=1).map(tuple), working_directory=texts,
               create_working_directory=st.booleans()),
    specs_with(command=st.just(()), shell_command=words),
)  # fmt: skip


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


def parse_at_the_far_side(spec: JobSpec) -> JobSpec:
    """Parse what was built, in the environment that is built with it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in carried_variables(spec).items():
            patch.setenv(name, value)
        return parse(build_command(spec)[2:])


@given(specs)
def test_parsing_what_was_built_gives_the_same_job(spec: JobSpec) -> None:
    assert parse_at_the_far_side(spec) == spec


@given(st.lists(specs, min_size=1, max_size=3))
@settings(max_examples=10)
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


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("-l mem=8GB,ncpus=4 -l walltime=1h", Resources(8 * 2**30, 4, 3600)),
        ("-l mem=8GB --mem 1GB -l jobfs=2GB", Resources(2**30, disk=2**31)),
        ("-l mem=8GB -l mem=1GB", Resources(2**30)),
        ("--volumes gdata/a56+scratch/a56", Resources(volumes=("gdata/a56", "scratch/a56"))),
        (
            "-l storage=a+b,ngpus=2,gpu_type=v100",
            Resources(None, None, None, None, ("a", "b"), 2, "v100"),
        ),
        ("--jobfs 1GB --gpus 1 --internet", Resources(disk=2**30, gpus=1, internet=True)),
    ],
)
def test_resources_are_resolved_each_by_itself(line: str, expected: Resources) -> None:
    assert parse([*line.split(), "--", "x"]).resources == expected


def test_variables_in_every_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE", "a, b")
    spec = parse(["--var", "A=x=y,z", "--vars", "b=1, c=,HERE", "--var", "D=", "--", "x"])
    assert spec.variables == (("A", "x=y,z"), ("D", ""), ("b", "1"), ("c", ""), ("HERE", "a, b"))


def test_no_value_of_a_variable_is_on_the_command_line_that_is_built() -> None:
    spec = parse(["--var", "TOKEN=se cret", "--", "x"])
    assert "se cret" not in " ".join(build_command(spec))
    assert carried_variables(spec) == {"QXUB_VAR_TOKEN": "se cret"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--var NO_SUCH_VARIABLE -- x", "the variable NO_SUCH_VARIABLE is not set here"),
        ("--var 1=2 -- x", "'1=2' is no variable; write NAME=VALUE"),
        ("--var A=1 --vars A=2 -- x", "the variable A is given twice"),
        ("-l nodes=3 -- x", "'nodes=3' is no resource; write NAME=VALUE (mem, memory, ncpus"),
        ("-l mem=lots -- x", "'lots' is not an amount of memory"),
        ("--array 3 -- x", "'3' is no range of an array"),
        ("--array 3-1 -- x", "3-1 is no range of an array"),
        ("--array 1-3%0 -- x", "is no range of an array"),
        ("--depend later:1 -- x", "'later:1' is no dependency; write CONDITION:JOB_ID"),
        ("--depend afterok: -- x", "'afterok:' is no dependency"),
        ("--email-opts x -- x", "write the letters a (aborted), b (begun), e (ended)"),
        ("--out {nam} -- x", "unknown {nam}; known are user, project, name"),
        ("--create-execdir -- x", "--create-execdir needs --execdir"),
        ("--cmd x -- x", "a job needs a command, or --cmd in its place, and not both"),
        ("--volumes a++b -- x", "'' is not a volume"),
    ],
)
def test_what_cannot_be_is_told(line: str, words: str) -> None:
    with pytest.raises((click.UsageError, UsageError)) as caught:
        parse(line.split())
    assert words in getattr(caught.value, "message", "")
