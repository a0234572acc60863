"""Bad input: one clear sentence, where it is, the way out, the right status; never a traceback."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fakes.ssh_host import fake_host

if TYPE_CHECKING:
    from tests.cli.conftest import Qxub

PLATFORMS = """\
platforms:
  gadi:
    remote: {{host: target, working_dir: /, ssh_config: '{ssh_config}'}}
  setonix:
    remote: {{host: setonix, working_dir: /}}
"""


@pytest.fixture
def qxub(client: Qxub) -> Qxub:
    return client


def assert_told(qxub: Qxub, words: list[str], status: int, *said: str) -> None:
    done = qxub("exec", *words)
    stderr = done.stderr.decode().replace(os.linesep, "\n")
    assert "Traceback" not in stderr
    assert (done.returncode, done.stdout) == (status, b""), stderr
    for text in said:
        assert text in stderr
    assert not qxub.runs.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no command was given"),
        (["--"], "no command was given"),
        (["--mem", "8XB", "--", "true"], "'8XB' is not an amount of memory"),
        (["--cpus", "0", "--", "true"], "'0' is not a whole number"),
        (["--runtime", "90", "--", "true"], "'90' is not a length of time"),
        (["--runtime", "1x", "--", "true"], "qxub: --runtime: '1x' is not a length of time"),
        (["--mem", "4000", "--", "true"], "--mem: '4000' has no unit"),
        (["-l", "ncpus=x", "--", "true"], "--resources: ncpus: 'x' is not a whole number"),
        (["--depend", "7", "--", "true"], "--depend: '7' is no dependency"),
        (["--email-opts", "x", "--", "true"], "--email-opts: 'x': write the letters a"),
        (["--volumes", "a++b", "--", "true"], "--volumes: '' is not a volume"),
        (
            ["--nonsense", "--", "true"],
            "qxub: there is no option --nonsense\n  See qxub exec --help.",
        ),
        (["--nam", "x", "--", "true"], "Did you mean --name?"),
        (["--mem"], "qxub: option '--mem' requires an argument"),
        (["--env", "a", "--sif", "b", "--", "true"], "--env and --sif exclude each other"),
        (["--bind", "/x", "--", "true"], "--bind needs --sif"),
        (["--array", "0-999999", "--", "true"], "has 1000000 members; an array has at most 10000"),
    ],
)
def test_usage(qxub: Qxub, words: list[str], said: str) -> None:
    assert_told(qxub, words, 2, said)


@pytest.mark.parametrize("flag", ["--queue", "--project", "--email", "--gpu-type"])
@pytest.mark.parametrize("value", ["a b", "a\nb", "a\x1b"])
def test_what_would_not_stand_in_a_directive_is_no_value(qxub: Qxub, flag: str, value: str) -> None:
    assert_told(qxub, [flag, value, "--", "true"], 2, f"qxub: {flag}: {value!r} holds blanks")


@pytest.mark.parametrize(
    "flag",
    ["--name", "--queue", "--env", "--sif", "--out", "--log-dir", "--execdir", "--template",
     "--config", "--result", "--platform"],
)  # fmt: skip
def test_an_empty_value_is_mostly_a_variable_that_is_not_set(qxub: Qxub, flag: str) -> None:
    assert_told(qxub, [flag, "", "--", "true"], 2, f"qxub: {flag}: the value is empty")


@pytest.mark.skipif(os.name == "nt", reason="the redirections are a POSIX shell's")
@pytest.mark.parametrize("place", ["2>&-", "2>/dev/full"])
def test_words_that_nobody_can_read_do_not_go_elsewhere(qxub: Qxub, place: str) -> None:
    if "full" in place and not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    argv = [sys.executable, *qxub.launcher, "exec", "--nonsense"]
    done = subprocess.run(
        ["/bin/sh", "-c", f"{shlex.join(argv)} {place}"],
        env=qxub.environment, stdout=subprocess.PIPE, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, b"")


def test_an_unknown_platform_lists_the_known_ones(qxub: Qxub) -> None:
    qxub.config.write_text(PLATFORMS.format(ssh_config="x"))
    words = ["--platform", "gady", "--", "true"]
    assert_told(qxub, words, 2, "unknown platform 'gady'; the configuration has: gadi, setonix")


def test_a_platform_may_come_from_the_environment(qxub: Qxub) -> None:
    qxub.environment["QXUB_PLATFORM"] = "gady"
    assert_told(qxub, ["--", "true"], 2, "unknown platform 'gady'")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("platforms:\n  x: [1\n", "line 3, column 1"),
        ("a: b: c\n", "line 1, column 5"),
        ("defaults:\n  mem: lots\n", "line 2: defaults.mem: 'lots' is not an amount of memory"),
        ("defaults: 7\n", "line 1: defaults must be a mapping"),
        ("monitoring: [1]\n", "line 1: monitoring must be a mapping"),
        ("defaults:\n  out: {a: b}\n", "line 2: defaults.out must be a single value"),
        ("scheduler: lsf\n", "unknown scheduler 'lsf'"),
        (
            "defaults:\n  memory: 8GB\n",
            "line 2: unknown key defaults.memory\n  Known here: platform",
        ),
        ("defaults:\n  email: a b\n", "line 2: defaults.email: 'a b' holds blanks"),
    ],
)
def test_a_bad_configuration_is_named_and_nothing_happens(
    qxub: Qxub, text: str, place: str
) -> None:
    qxub.config.write_text(text)
    assert_told(qxub, ["--", "true"], 78, place)


def test_a_config_file_that_is_not_there(qxub: Qxub) -> None:
    assert_told(qxub, ["--config", "none.yaml", "--", "true"], 78, "none.yaml: cannot read")


@pytest.mark.skipif(os.name == "nt", reason="LOCALAPPDATA names the place there")
def test_a_configuration_that_cannot_be_looked_at_is_not_passed_over(qxub: Qxub) -> None:
    """As in a directory that is closed to the user; root may enter every one."""
    place = qxub.directory / ("x" * 300)
    qxub.environment["XDG_CONFIG_HOME"] = str(place)
    assert_told(qxub, ["--", "true"], 78, f"{place}/qxub/config.yaml: cannot read the file")


def test_a_host_that_nobody_knows(qxub: Qxub, tmp_path: Path) -> None:
    with fake_host(tmp_path / "client") as host:
        qxub.config.write_text(PLATFORMS.format(ssh_config=host.ssh_config))
        known = host.known_hosts.read_text()
        words = ["--platform", "gadi", "--", "true"]

        host.known_hosts.write_text("")
        file = str(host.known_hosts)
        assert_told(qxub, words, 255, "target", "no known_hosts file", "SHA256:", file)

        other = "AAAAC3NzaC1lZDI1NTE5AAAAIGxlbmd0aC1vZi0zMi1ieXRlcy1pcy1uZWVkZWQtISEh"
        host.known_hosts.write_text(" ".join([*known.split()[:2], other]) + "\n")
        assert_told(qxub, words, 255, "target", "not the known one", f"{host.known_hosts}")

        host.known_hosts.write_text(known)
        host.client_key.write_text("no key at all\n")
        assert_told(qxub, words, 255, "target", "client_key", "publickey")
    assert_told(qxub, words, 255, "target", "refused")


def test_a_name_that_does_not_resolve(qxub: Qxub, tmp_path: Path) -> None:
    config = tmp_path / "ssh_config"
    config.write_text("Host target\n  HostName nothere.invalid\n")
    qxub.config.write_text(PLATFORMS.format(ssh_config=config))
    assert_told(qxub, ["--platform", "gadi", "--", "true"], 255, "nothere.invalid")


def test_a_bad_ssh_config_is_named_with_its_line(qxub: Qxub, tmp_path: Path) -> None:
    config = tmp_path / "ssh_config"
    config.write_text("Host target\n  Port eighty\n")
    qxub.config.write_text(PLATFORMS.format(ssh_config=config))
    words = ["--platform", "gadi", "--", "true"]
    assert_told(qxub, words, 78, f"{config}", "2", "eighty")
