"""Settings in layers: the user's file, then `--config`; the later layer wins, key by key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qxub.config.paths import config_file
from qxub.errors import ConfigError, UsageError
from qxub.options import OPTIONS, with_resources
from qxub.system.account import user_name
from qxub.yaml_file import Key, Setting, Values, read_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qxub.option import Option

SECTIONS = ("defaults", "monitoring", "platforms")
DEFAULTS = ("platform", *(option.config_key for option in OPTIONS if option.config_key))
FORMER_DEFAULTS = ("joblog",)
"""of qxub 3, and without a meaning now: scheduler.log in the run directory is what it named"""
REMOTE_KEYS = ("host", "working_dir", "conda_init", "ssh_config")


class Settings(Values):
    """What the configuration files say, each value with its origin."""

    def defaults(self) -> dict[str, Any]:
        """Return `defaults.*` as option values, keyed as the command line's are.

        Raises ConfigError, with file and line, for a value that its option would refuse.
        """
        keyed = [option for option in OPTIONS if option.config_key]
        found = {option.dest: self._default(option) for option in keyed}
        return with_resources({dest: value for dest, value in found.items() if value is not None})

    def _default(self, option: Option) -> Any:  # noqa: ANN401 - as the option's kind has it
        key = ("defaults", option.config_key)
        setting = self.find(*key)
        if setting is None or isinstance(setting.value, str) or not option.kind.many:
            return self.parsed(option.kind.parse, *key)
        return [
            value for text in setting.value for value in self.parse(option.kind.parse, text, *key)
        ]

    def run_directory_mode(self) -> int | None:
        """Return the mode of new run directories, such as 0750, or None where none is set."""
        return self.parsed(_parse_mode, "run_directory_mode")


def _parse_mode(text: str) -> int:
    if not re.fullmatch("0?7[0-7][0-7]", text):
        message = f"{text!r} is no mode of a directory that its owner can use; write 0700 or 0750"
        raise ValueError(message)
    return int(text, 8)


def _is_absent(path: Path) -> bool:
    """Return whether there is no such file; what cannot be looked at may well be there."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # reading it tells
        return False
    return False


def load_settings(config: Path | None) -> Settings:
    """Read the user's file, where there is one, and `config` over it.

    Raises ConfigError, with file and line, for what is no YAML, for a section that is no mapping,
    and for an unknown key under `defaults`.
    """
    values: dict[Key, Setting] = {}
    user = config_file()
    if not _is_absent(user):
        values.update(read_yaml(user))
    if config is not None:
        values.update(read_yaml(config))
    for section in SECTIONS:
        setting = values.get((section,))
        if setting is not None and setting.value:  # `defaults: {}` is nothing
            message = f"{setting.place}: {section} must be a mapping of keys to values"
            raise ConfigError(message, hint=f"Write each key of {section} on a line below it.")
    settings = Settings(values)
    _check_keys(settings, ("defaults",), DEFAULTS, FORMER_DEFAULTS)
    return settings


def _check_keys(
    settings: Settings, section: Key, known: Sequence[str], former: Sequence[str] = ()
) -> None:
    """Refuse a key that qxub would pass over: it is mostly a slip of the pen."""
    for name in settings.names(*section):
        if name not in (*known, *former):
            key = (*section, name)
            message = f"{settings.place(*key)}: unknown key {'.'.join(key)}"
            raise ConfigError(message, hint=f"Known here: {', '.join(known)}.")


@dataclass(frozen=True)
class RemoteSection:
    """How to reach a platform: `platforms.NAME.remote`."""

    host: str
    """a host alias of ssh_config"""
    working_dir: str
    """on the cluster; may hold {{user}} and {{project}}, which expand there"""
    conda_init: str = ""
    """a block of shell lines that makes qxub and conda available on the cluster"""
    ssh_config: Path | None = None
    """read instead of ~/.ssh/config and the system's file, as by `ssh -F`"""


@dataclass(frozen=True)
class PlatformSection:
    """A platform as the configuration has it: `platforms.NAME`."""

    name: str
    definition: str | None = None
    """file or URL of the platform definition"""
    remote: RemoteSection | None = None


def find_platform(settings: Settings, name: str, project: str | None) -> PlatformSection:
    """Return the platform of that name; `project` stands for {project} in working_dir.

    Raises UsageError for an unknown name, listing the known ones, and ConfigError for a section
    that lacks something or has a key that qxub does not know.
    """
    known = settings.names("platforms")
    if name not in known:
        listed = ", ".join(known) or "none"
        message = f"unknown platform {name!r}; the configuration has: {listed}"
        hint = f"Add platforms.{name} to {config_file()}, or name one of these."
        raise UsageError(message, hint=hint)
    definition = settings.text("platforms", name, "definition")
    if "remote" not in settings.names("platforms", name):
        return PlatformSection(name, definition)
    return PlatformSection(name, definition, _remote(settings, name, project))


def _remote(settings: Settings, name: str, project: str | None) -> RemoteSection:
    key = ("platforms", name, "remote")
    _check_keys(settings, key, REMOTE_KEYS)
    for wanted in ("host", "working_dir"):
        if settings.text(*key, wanted) is None:
            message = f"{settings.place(*key)}: {'.'.join(key)} lacks {wanted}"
            hint = "A remote section needs host (an alias of ssh_config) and working_dir."
            raise ConfigError(message, hint=hint)
    ssh_config = settings.text(*key, "ssh_config")
    return RemoteSection(
        host=settings.text(*key, "host") or "",
        working_dir=_expand_here(settings, (*key, "working_dir"), project),
        conda_init=settings.text(*key, "conda_init") or "",
        ssh_config=Path(ssh_config).expanduser() if ssh_config else None,
    )


def _local_user(place: str) -> str:
    user = user_name()
    if user is None:
        message = f"{place}: holds {{user}}, but nothing here knows your user name"
        raise ConfigError(message, hint="Set USER (Windows: USERNAME).")
    return user


def _expand_here(settings: Settings, key: Key, project: str | None) -> str:
    """Expand {user} and {project}; {{user}} and {{project}} are left for the far side."""
    text = settings.text(*key) or ""
    shielded = text.replace("{{", "\0").replace("}}", "\1")
    if "{user}" in shielded:
        shielded = shielded.replace("{user}", _local_user(settings.place(*key)))
    if "{project}" in shielded:
        project = project or settings.text("defaults", "project")
        if project is None:
            message = f"{settings.place(*key)}: {'.'.join(key)} holds {{project}}, but none is set"
            raise ConfigError(message, hint="Give --project, or set defaults.project.")
        shielded = shielded.replace("{project}", project)
    return shielded.replace("\0", "{{").replace("\1", "}}")
