"""Login by questions and answers, such as one-time codes (RFC 4256).

Paramiko's own would ask in the thread that reads from the server, and give up after 30 s. Here
the thread that logs in asks; a person may take minutes, and the line lives on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from paramiko.common import MSG_USERAUTH_INFO_RESPONSE
from paramiko.message import Message

from qxub.transport.methods.password import TRY_AGAIN
from qxub.transport.userauth import Failure, Further, LoginEnded, bounded

if TYPE_CHECKING:
    from qxub.transport.methods.method import Login
    from qxub.transport.userauth import Reply

MAX_ROUNDS = 50
"""rounds of questions in one attempt; a round may have none"""
MAX_PROMPTS = 32
"""questions in one round"""
SHOWN_CHARACTERS = 4_000
PROMPT_CHARACTERS = 1_000


@dataclass(frozen=True)
class Round:
    """One USERAUTH_INFO_REQUEST (RFC 4256 section 3.2), fit to be shown; prompts with echo."""

    name: str
    instruction: str
    prompts: tuple[tuple[str, bool], ...]


class KeyboardInteractive:
    """Lets the server ask, NumberOfPasswordPrompts times from the beginning at most."""

    name = "keyboard-interactive"

    def __init__(self, login: Login) -> None:
        self._login = login
        self._tries = 0
        self._last_prompt = ""

    def restart(self) -> None:
        """Count from the beginning."""
        self._tries, self._last_prompt = 0, ""

    def attempt(self) -> Reply | None:
        """Answer the server's questions until it says yes or no."""
        login = self._login
        never_asked = self._tries > 0 and not self._last_prompt  # then it does not know this method
        if self._tries >= login.host.number_of_password_prompts or never_asked:
            return None
        if self._tries:
            login.prompter.tell(TRY_AGAIN)
        self._tries += 1
        login.account.begin(self.name)
        reply = login.conversation.request(self.name, b"", b"")
        for _ in range(MAX_ROUNDS):
            if not isinstance(reply, Further):
                return self._conclude(reply)
            answers = self._answers(_read_round(reply.payload))
            if answers is None:
                self._give_up()
                return None
            reply = login.conversation.respond(_response(answers))
        raise LoginEnded(f"the server has asked in {MAX_ROUNDS} rounds, and asks more")

    def _answers(self, questions: Round) -> list[str] | None:
        login = self._login
        for text in (questions.name, questions.instruction):
            if text.strip():
                login.prompter.tell(text)
        answers = []
        for prompt, echo in questions.prompts:
            self._last_prompt = prompt
            who = f"({login.host.user}@{login.host.hostname}) "
            answer = login.ask(who + prompt, echo=echo)
            if answer is None:
                return None
            answers.append(answer)
        return answers

    def _conclude(self, reply: Reply) -> Reply:
        account = self._login.account
        asked = f"asked for {self._last_prompt.strip()!r}" if self._last_prompt else "asked nothing"
        if isinstance(reply, Failure) and not reply.partial and self._last_prompt:
            account.suggest(
                4,
                f"Check what you answer to {self._last_prompt.strip()!r}. A one-time code counts "
                "once, for a short time, and by the clock of the device that shows it.",
            )
        return self._login.conclude(reply, more=asked)

    def _give_up(self) -> None:
        """Leave the questions unanswered: the next request ends this one (RFC 4256 3.1)."""
        account, prompt = self._login.account, self._last_prompt.strip()
        account.end(f"the server asked for {prompt!r}, and there was no answer")
        account.suggest(
            3,
            f"Run this at a terminal: the server asks for {prompt!r}. "
            "Without one, SSH_ASKPASS may name a program that asks.",
        )
        self._tries = self._login.host.number_of_password_prompts


def _read_round(payload: bytes) -> Round:
    """Read a request. Raises LoginEnded when it asks for too much."""
    message = Message(payload)
    name, instruction = (_lines(message, SHOWN_CHARACTERS) for _ in range(2))
    message.get_binary()  # language tag
    count = message.get_int()
    if count > MAX_PROMPTS:
        raise LoginEnded(f"the server asks {count} questions at once")
    prompts = tuple(
        (_lines(message, PROMPT_CHARACTERS), message.get_boolean()) for _ in range(count)
    )
    return Round(name, instruction, prompts)


def _lines(message: Message, limit: int) -> str:
    """Read a text and make it fit to be shown; lines stay, as some servers put a menu there."""
    return bounded(message.get_binary().decode("utf-8", "replace"), limit)


def _response(answers: list[str]) -> Message:
    message = Message()
    message.add_byte(bytes([MSG_USERAUTH_INFO_RESPONSE]))
    message.add_int(len(answers))
    for answer in answers:
        message.add_string(answer.encode())
    return message
