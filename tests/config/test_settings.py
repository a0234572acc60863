"""Settings in layers, and the platforms among them."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

import pytest

from qxub.config.paths import config_file, state_directory
from qxub.config.settings import PlatformSection, Settings, find_platform, load_settings
from qxub.errors import ConfigError, UsageError
from qxub.yaml_file import parse_yaml


def settings(text: str) -> Settings:
    return Settings(parse_yaml(text.encode(), "config.yaml"))


def remote(text: str, project: str | None = None) -> PlatformSection:
    lines = "".join(f"      {line}\n" for line in text.splitlines())
    return find_platform(settings(f"platforms:\n  gadi:\n    remote:\n{lines}"), "gadi", project)


def test_a_later_layer_wins_key_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    user = tmp_path / "qxub" / "config.yaml"
    user.parent.mkdir()
    user.write_text("defaults: {queue: normal, mem: 4GB}\n")
    own = tmp_path / "own.yaml"
    own.write_text("defaults: {queue: express}\n")
    found = load_settings(own)
    assert found.defaults() == {"queue": "express", "mem": 4 * 2**30}
    setting = found.find("defaults", "queue")
    assert setting is not None
    assert setting.place == f"{own}, line 1"


def test_no_file_is_no_trouble_but_a_named_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert load_settings(None).defaults() == {}
    with pytest.raises(ConfigError, match="cannot read"):
        load_settings(tmp_path / "missing.yaml")


def test_places_follow_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert config_file() == tmp_path / "qxub" / "config.yaml"
    assert state_directory().name == "qxub"
    assert sys.platform == "win32" or state_directory() == Path.home() / ".local/state/qxub"


def test_a_bad_default_is_told_with_its_line() -> None:
    found = settings("defaults:\n  queue: normal\n  mem: 8XB\n")
    with pytest.raises(ConfigError, match=r"config.yaml, line 3: defaults.mem: '8XB' is not"):
        found.defaults()


def test_a_key_of_an_earlier_qxub_is_no_mistake(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("defaults: {joblog: '{name}.log', queue: normal}\n")
    assert load_settings(own).defaults()["queue"] == "normal"


def test_an_unknown_platform_lists_the_known_ones() -> None:
    found = settings("platforms:\n  gadi: {remote: {host: g, working_dir: /}}\n  setonix: {}\n")
    with pytest.raises(UsageError, match=r"unknown platform 'gady'.*: gadi, setonix"):
        find_platform(found, "gady", None)


def test_a_remote_section_is_read() -> None:
    section = remote("host: gadi\nworking_dir: /scratch\nconda_init: |\n  a\n  b").remote
    assert section is not None
    assert (section.host, section.working_dir) == ("gadi", "/scratch")
    assert section.conda_init == "a\nb\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("host: gadi", "lacks working_dir"),
        ("working_dir: /", "lacks host"),
        (
            "host: g\nworking_dir: /\nworkdir: /",
            "line 6: unknown key platforms.gadi.remote.workdir",
        ),
        ("host: [a, b]\nworking_dir: /", "platforms.gadi.remote.host must be a single value"),
        ("host: g\nworking_dir: '/{project}'", "line 5: .*holds {project}, but none is set"),
    ],
)
def test_a_wrong_remote_section_is_told_with_its_line(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=f"config.yaml, line .*{words}|config.yaml, {words}"):
        remote(text)


def test_an_empty_remote_section_lacks_a_host() -> None:
    found = settings("platforms:\n  gadi:\n    remote: {}\n")
    with pytest.raises(ConfigError, match="line 3: platforms.gadi.remote lacks host"):
        find_platform(found, "gadi", None)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("/scratch/{project}/{user}", f"/scratch/a56/{getpass.getuser()}"),
        ("/scratch/{{project}}/{{user}}", "/scratch/{{project}}/{{user}}"),
        ("/{user}/{{user}}/{other}", f"/{getpass.getuser()}/{{{{user}}}}/{{other}}"),
    ],
)
def test_single_braces_expand_here_and_double_ones_there(template: str, expected: str) -> None:
    section = remote(f"host: g\nworking_dir: '{template}'", project="a56").remote
    assert section is not None
    assert section.working_dir == expected


def test_the_project_may_come_from_the_defaults() -> None:
    text = (
        "defaults: {project: b12}\nplatforms: {x: {remote: {host: h, working_dir: '/{project}'}}}"
    )
    section = find_platform(settings(text), "x", None).remote
    assert section is not None
    assert section.working_dir == "/b12"
