"""What every method of login is given, and what it has to offer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from qxub.transport.userauth import Failure, Further, LoginEnded

if TYPE_CHECKING:
    from qxub.transport.account import Account
    from qxub.transport.host_config import HostConfig
    from qxub.transport.prompter import Prompter
    from qxub.transport.userauth import Conversation, Reply

MAX_QUESTIONS = 100
"""how often a person is asked in one login before that is taken for an attack"""


class Method(Protocol):
    """One way to log in."""

    name: str

    def attempt(self) -> Reply | None:
        """Make one attempt and return the server's verdict; None: there is nothing left to try.

        Raises LoginEnded.
        """

    def restart(self) -> None:
        """Allow attempts anew, after the server has accepted a step."""


@dataclass
class Login:
    """A login that is under way."""

    host: HostConfig
    conversation: Conversation
    prompter: Prompter
    account: Account
    questions: int = field(default=0, init=False)

    def ask(self, text: str, *, echo: bool = False, patient: bool = True) -> str | None:
        """Ask the person, while the clock stands still. Raises LoginEnded if it gets too much.

        `patient`: the server may take minutes over the answer, while it waits for a telephone.
        """
        self.questions += 1
        if self.questions > MAX_QUESTIONS:
            raise LoginEnded(f"the server has asked {MAX_QUESTIONS} questions, and asks more")
        with self.conversation.clock_stands_still():
            answer = self.prompter.ask(text, echo=echo)
        if patient:
            self.conversation.have_patience()
        return answer

    def conclude(self, reply: Reply, *, more: str = "") -> Reply:
        """Note a verdict in the account, and return it. Raises LoginEnded if it is none."""
        if isinstance(reply, Failure):
            verdict = "accepted, and the server asks for a further step"
            self.account.end((verdict if reply.partial else "refused") + (more and f" ({more})"))
        elif isinstance(reply, Further):
            raise LoginEnded("the server answers with a message that belongs to no request")
        return reply
