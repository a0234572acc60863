"""The criteria that Match lines have, tested against where a look-up stands."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qxub.transport.ssh_config.expansion import expand
from qxub.transport.ssh_config.lines import lower
from qxub.transport.ssh_config.match import (
    RELEASE,
    WITHOUT_ARGUMENT,
    Criterion,
    in_list,
    in_list_or_both_empty,
    in_networks,
    take_argument,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qxub.transport.ssh_config.state import State


class Criteria:
    """The test of each criterion, by name."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._may_run = True
        self._tests: Mapping[str, Criterion] = {
            "canonical": lambda _: state.is_final,
            "final": self._final,
            "host": lambda text: in_list(lower(state.hostname), lower(text)),
            "originalhost": lambda text: in_list(lower(state.alias), lower(text)),
            "user": lambda text: in_list(state.user, text),
            "localuser": lambda text: in_list(state.local_user, text),
            "localnetwork": lambda text: in_networks(state.machine.local_addresses(), text),
            "version": partial(in_list, RELEASE),
            "tagged": lambda text: in_list_or_both_empty(state.settings.get("tag") or "", text),
            "command": partial(in_list_or_both_empty, state.remote_command),
            "sessiontype": lambda text: in_list(self._session_type(), text),
            "exec": self._exec,
        }

    def applies(self, arguments: Sequence[str], *, may_run: bool) -> bool:
        """Whether all criteria of a line hold; commands of exec run only where they decide.

        A criterion is tested even after another has failed, as it may complain of its argument.
        Raises ValueError for one that is unknown or has no argument.
        """
        words = list(arguments)
        if not words:
            raise ValueError("needs a criterion")
        applies, count = True, 0
        while words:
            word = words.pop(0)
            negated = word.startswith("!")
            name, equals, value = (word[1:] if negated else word).partition("=")
            name = lower(name)
            if name == "all" and not equals:
                if count > 1 or (words and words[0]):
                    raise ValueError('takes "all" only alone')
                return applies and not negated
            count += 1
            if name not in self._tests or (name in WITHOUT_ARGUMENT and equals):
                known = ", ".join(self._tests)
                raise ValueError(f"has the unknown criterion {word!r}: {known} are known")
            alone = name in WITHOUT_ARGUMENT
            argument = "" if alone else take_argument(words, name, equals, value)
            self._may_run = may_run and applies
            applies = self._tests[name](argument) != negated and applies
        return applies

    def _final(self, _: str) -> bool:
        """Ask for a final pass by being mentioned."""
        self._state.wants_final = True
        return self._state.is_final

    def _session_type(self) -> str:
        given: str = self._state.settings.get("sessiontype")
        if given != "default":
            return given
        return "exec" if self._state.remote_command else "shell"

    def _exec(self, text: str) -> bool:
        command = expand(text, tokens=self._state.tokens())
        try:
            return self._may_run and self._state.machine.run_shell(command) == 0
        except OSError as error:
            raise ValueError(f"cannot run {command!r}: {error.strerror or error}") from error
