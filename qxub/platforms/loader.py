"""Get a platform definition from a file or a URL. The one room that speaks HTTP."""

from __future__ import annotations

from pathlib import Path

from qxub.errors import ConfigError
from qxub.platforms.definition import PlatformDefinition, read_definition
from qxub.yaml_file import Values, parse_yaml, read_yaml

TIME_LIMIT = 20.0
"""seconds to connect, and between two pieces of the answer"""


def load_definition(source: str) -> PlatformDefinition:
    """Return the definition at a path or an http(s) URL.

    Raises ConfigError when it cannot be had or read.
    """
    if source.startswith(("http://", "https://")):
        return read_definition(Values(parse_yaml(_fetch(source), source)), source)
    path = Path(source).expanduser()
    return read_definition(Values(read_yaml(path)), str(path))


def _fetch(url: str) -> bytes:
    import requests  # noqa: PLC0415 - slow to import, and only a URL needs it

    try:
        answer = requests.get(url, timeout=TIME_LIMIT)
        answer.raise_for_status()
    except requests.RequestException as error:
        message = f"{url}: cannot get the platform definition: {error}"
        hint = "Without `definition` the cluster alone checks the job."
        raise ConfigError(message, hint=hint) from error
    return answer.content
