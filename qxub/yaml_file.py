"""Read a YAML file into values that know their file and line.

The values stand in a flat mapping under their full keys, so that laying one file over another is
an update. A list of mappings has the numbers of its items as keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, TypeVar

from qxub.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import yaml

Parsed = TypeVar("Parsed")
Key = tuple[str, ...]
MAX_DEPTH = 20
"""deeper nesting is a file that refers to itself"""


@dataclass(frozen=True)
class Setting:
    """One value as it stands in a file: text, or a list of texts.

    Numbers stay text, so that `cpus: 4` and `--cpus 4` are read by the same rule, and
    `runtime: 2:30:00` is no number to base 60.
    """

    value: str | tuple[str, ...]
    source: str
    """path or URL"""
    line: int

    @property
    def place(self) -> str:
        """File and line, as messages name them."""
        return f"{self.source}, line {self.line}"


class Values:
    """The values of one or more files, under their full keys."""

    def __init__(self, values: Mapping[Key, Setting]) -> None:
        self._values = dict(values)

    def find(self, *key: str) -> Setting | None:
        """Return the value under `key` with its origin, or None."""
        return self._values.get(key)

    def text(self, *key: str) -> str | None:
        """Return the text under `key`, or None. Raises ConfigError where more stands there."""
        setting = self.find(*key)
        if setting is None and not self.names(*key):
            return None
        if setting is None or not isinstance(setting.value, str):
            message = f"{self.place(*key)}: {'.'.join(key)} must be a single value"
            raise ConfigError(message)
        return setting.value

    def parsed(self, parse: Callable[[str], Parsed], *key: str) -> Parsed | None:
        """Return the text under `key` as `parse` reads it, or None.

        Raises ConfigError, with file and line, for what `parse` answers with ValueError.
        """
        text = self.text(*key)
        return None if text is None else self.parse(parse, text, *key)

    def parse(self, parse: Callable[[str], Parsed], text: str, *key: str) -> Parsed:
        """Return `text`, which stands under `key`, as `parse` reads it.

        Raises ConfigError, with file and line, for what `parse` answers with ValueError.
        """
        try:
            return parse(text)
        except ValueError as error:
            message = f"{self.place(*key)}: {'.'.join(key)}: {error}"
            raise ConfigError(message) from error

    def names(self, *key: str) -> list[str]:
        """Return the names that stand directly below `key`, in the files' order."""
        depth = len(key)
        below = (k[depth] for k in self._values if len(k) > depth and k[:depth] == key)
        return list(dict.fromkeys(below))

    def place(self, *key: str) -> str:
        """Return file and line of `key`, or of the first value below it."""
        setting = self.find(*key)
        return setting.place if setting else self.place(*key, self.names(*key)[0])


def read_yaml(path: Path) -> dict[Key, Setting]:
    """Return every value of the file under its full key. Raises ConfigError as parse_yaml does."""
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        message = f"{path}: cannot read the file: {reason}"
        raise ConfigError(message, hint="Check the path and its permissions.") from error
    return parse_yaml(content, str(path))


def parse_yaml(content: bytes, source: str) -> dict[Key, Setting]:
    """Return every value of a YAML text under its full key; an empty value counts as not set.

    An empty mapping stands under its key as an empty tuple. Raises ConfigError, naming `source`,
    line and column, when the text is not a mapping of YAML.
    """
    import yaml  # noqa: PLC0415 - slow, and most runs on a cluster have no file to read

    try:
        loader = yaml.SafeLoader(content)
        root = loader.get_single_node()
        return {} if root is None else dict(_Reader(source, loader).walk(root, ()))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source}, line {mark.line + 1}, column {mark.column + 1}" if mark else source
        message = f"{where}: not valid YAML: {error.problem or error.context}"
        raise ConfigError(message, hint="Mend this line; nothing was done.") from error
    except yaml.YAMLError as error:
        message = f"{source}: not valid YAML: {' '.join(str(error).split())}"
        raise ConfigError(message, hint="Save the file as UTF-8 text.") from error


class _Reader:
    """Walks the nodes of one document."""

    def __init__(self, source: str, loader: yaml.SafeLoader) -> None:
        self._source = source
        self._loader = loader

    def walk(self, node: yaml.Node, key: Key) -> Iterator[tuple[Key, Setting]]:
        import yaml  # noqa: PLC0415 - already loaded by the caller

        if len(key) > MAX_DEPTH:
            raise self._error(node, f"nested more than {MAX_DEPTH} deep")
        if isinstance(node, yaml.MappingNode):
            yield from self._mapping(node, key)
        elif not key:
            raise self._error(node, "the file must be a mapping of keys to values")
        elif isinstance(node, yaml.SequenceNode) and any(
            isinstance(item, yaml.CollectionNode) for item in node.value
        ):
            for number, item in enumerate(node.value):
                yield from self.walk(item, (*key, str(number)))
        elif isinstance(node, yaml.SequenceNode):
            yield key, self._setting(node, tuple(self._text(item) for item in node.value))
        elif self._text(node):
            yield key, self._setting(node, self._text(node))

    def _mapping(self, node: yaml.MappingNode, key: Key) -> Iterator[tuple[Key, Setting]]:
        own = [self._text(name) for name, _ in node.value if name.value != "<<"]
        for name in own:
            if own.count(name) > 1:
                raise self._error(node, f"the key {name!r} is given twice in this mapping")
        self._loader.flatten_mapping(node)  # merges what `<<` refers to
        if not node.value and key:
            yield key, self._setting(node, ())
        merged = {self._text(name): value for name, value in node.value}
        for name, value in merged.items():
            yield from self.walk(value, (*key, name))

    def _text(self, node: yaml.Node) -> str:
        if not isinstance(node.value, str):
            raise self._error(node, "a plain value is wanted here, not a list or mapping")
        return "" if node.tag == "tag:yaml.org,2002:null" else node.value

    def _setting(self, node: yaml.Node, value: str | tuple[str, ...]) -> Setting:
        return Setting(value, self._source, node.start_mark.line + 1)

    def _error(self, node: yaml.Node, problem: str) -> ConfigError:
        mark = node.start_mark
        return ConfigError(
            f"{self._source}, line {mark.line + 1}, column {mark.column + 1}: {problem}"
        )
