"""What a script is made of: commands with their ends, what people write, and acts in the order they are played in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.contract.messages import MESSAGES


@dataclass(frozen=True)
class Command:
    """One record of a public topic, and its one terminal result: the step, with Twilio's code or the gate's rule.

    `ambiguous`: before that end it is not known whether Twilio took it. `stopped`: what it started is ended at Twilio,
    since its person wants nothing any more.
    """

    command_id: str
    value: bytes
    step: str
    code: int | None = None
    malformed: bool = False
    rule: str | None = None
    ambiguous: bool = False
    stopped: bool = False
    topic: str = MESSAGES.name

    @property
    def key(self) -> bytes:
        return self.command_id.encode()


@dataclass(frozen=True)
class Reply:
    """What a person writes, as `/simulator/inbound` takes it. `again`: Twilio tells us of it a second time."""

    request: dict[str, Any]
    again: bool = False


@dataclass(frozen=True)
class Write:
    """People write, all at once; over when each webhook is answered."""

    replies: tuple[Reply, ...]


@dataclass(frozen=True)
class Produce:
    """Commands are produced; over when each has its result."""

    commands: tuple[Command, ...]


@dataclass(frozen=True)
class Steer:
    """Twilio is told to be otherwise, at this route of its control API. No request: as it was configured."""

    route: str
    request: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Watch:
    """What goes on in this flow is read from now on."""

    tenant: str
    flow_sid: str


@dataclass(frozen=True)
class MoveClock:
    """Everybody's clock is moved to so many seconds ahead of the system's, at rest; over when all that this closes is
    told, and all flows are read. Less than 0 is behind: the demo plays yesterday, and ends now.
    """

    ahead_s: float


# A day and an hour: windows and consents that hold for a day are over when it has passed.
BEGINNING_S = -90_000.0


Act = Write | Produce | Steer | Watch | MoveClock


@dataclass(frozen=True)
class Chapter:
    """Acts in their order, and a sentence that says what they show."""

    name: str
    sentence: str
    acts: tuple[Act, ...]

    @property
    def commands(self) -> tuple[Command, ...]:
        return tuple(one for act in self.acts if isinstance(act, Produce) for one in act.commands)

    @property
    def replies(self) -> tuple[Reply, ...]:
        return tuple(one for act in self.acts if isinstance(act, Write) for one in act.replies)
