"""Changing something at Twilio: looked at once more, told on `twilio.audit.v1` before and after, posted once.

What is on the log as `changing` without an end was killed in between, or nobody knows: the next plan says what is so.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from urllib.parse import urlsplit

import requests
from twilio.base.exceptions import TwilioException

from services.contract import codec
from services.contract.audit import AUDIT
from services.contract.partition import partition_of
from services.domain.audit import Asker, Audited, Touched, touched
from services.operations.calling import status_of
from services.operations.writing import FactWriter, Outgoing
from services.runtime.clock import now
from services.runtime.sections.kafka import KafkaSettings

# What is changed: an endpoint of webhooks, who is in a service, or a flow.
Kind = Literal["number", "short code", "service", "channel sender", "new service", "joins", "leaves", "flow"]
End = Literal["changed", "unchanged", "unknown"]
_ALREADY = "it is so already"
_NEEDED = "what it needs was not made: make a new plan"
_SERVER_ERROR = 500
# What the next change would hear as well.
_STOPS = (401, 403, 408, 429)


@dataclass(frozen=True)
class Change:
    """One call that changes something. `before`: as the plan saw it; `after`: as it is to be, of the same fields.

    `subject` is the resource's path at Twilio, `name` what people call it. `needs`: the subject of a change before it,
    without which this one is not made.
    """

    tenant: str
    account: str
    kind: Kind
    sid: str
    subject: str
    name: str
    why: str
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""


@dataclass(frozen=True)
class Done:
    """How a change ended, and in words why. `stops`: the next ones would end likewise, so they were not tried."""

    change: Change
    end: End
    says: str
    stops: bool = False

    @property
    def is_so(self) -> bool:
        """Whether it is at Twilio as it was to be."""
        return self.end == "changed" or self.says == _ALREADY


class Hands(Protocol):
    """What knows how to look at a kind of resource, and how to change it. Both raise what the package raises."""

    def look(self, change: Change) -> Mapping[str, str]:
        """The fields of the change as they are now."""
        ...

    def make(self, change: Change) -> None:
        """Post it, once."""
        ...


def digest_of(changes: Iterable[Change]) -> str:
    """A name for these changes: twelve hex digits."""
    said = [
        f"{one.subject}\n{name}\n{one.before.get(name, '')}\n{value}"
        for one in changes
        for name, value in one.after.items()
    ]
    return hashlib.sha256("\n\n".join(sorted(said)).encode()).hexdigest()[:12]


async def carry_out(
    kafka: KafkaSettings,
    changes: Sequence[Change],
    hands: Hands,
    asker: Asker,
    told: Callable[[Done], None] = lambda _: None,
) -> list[Done]:
    """Make the changes in their order, until one ends so that the next would too. Raises LogError before any is made.

    Whatever is otherwise than the plan saw it is left as it is.
    """
    done: list[Done] = []
    if not changes:
        return done
    async with FactWriter(kafka) as writer:

        async def tell(fact: Audited) -> None:
            key = AUDIT.key(fact).encode()
            headers = codec.headers(AUDIT.name)
            record = Outgoing(AUDIT.name, partition_of(key, kafka.partitions), key, codec.encode(fact), headers)
            await writer.write([record], lambda: None)

        made: set[str] = set()
        for change in changes:
            if change.needs and change.needs not in made:
                end = Done(change, "unchanged", _NEEDED)
            else:
                end = await _carry(change, hands, asker, tell)
            if end.end == "changed":
                made.add(change.subject)
            done.append(end)
            told(end)
            if end.stops:
                break
    return done


async def _carry(change: Change, hands: Hands, asker: Asker, tell: Callable[[Audited], Awaitable[None]]) -> Done:
    try:
        seen = await asyncio.to_thread(hands.look, change)
    except (TwilioException, requests.RequestException) as error:
        return _ended(change, error, looked=True)
    if seen == change.after:
        return Done(change, "unchanged", _ALREADY)
    if seen != change.before:
        return Done(change, "unchanged", "it was changed since the plan: make a new one")
    what = Touched(change.subject, _shown(change.before), _shown(change.after))
    begun = touched(change.tenant, now(), asker, "changing", what)
    await tell(begun)
    try:
        await asyncio.to_thread(hands.make, change)
        end = Done(change, "changed", change.why)
    except (TwilioException, requests.RequestException, ValueError) as error:
        end = _ended(change, error, looked=False)
    why = asker.why if end.end == "changed" else end.says
    of_end = Asker(asker.actor, why, begun.event_id)
    await tell(touched(change.tenant, now(), of_end, end.end, what))
    return end


def _ended(change: Change, error: Exception, looked: bool) -> Done:
    """By what the answer was: a refusal changed nothing, of no answer nobody knows. A look changes nothing at all."""
    status = status_of(error) if isinstance(error, TwilioException) else None
    code = getattr(error, "code", None)
    about = f"{status}, code {code}" if code else str(status or type(error).__name__)
    if status is not None and status < _SERVER_ERROR and status != 408:
        return Done(change, "unchanged", f"Twilio refuses ({about})", status in _STOPS)
    if looked:
        return Done(change, "unchanged", f"Twilio does not show it ({about})", True)
    return Done(change, "unknown", f"Twilio's answer was lost ({about}): a new plan says what is so", True)


def shown(url: str) -> str:
    """A URL for a screen or a log: without credentials and without what its query says."""
    parts = urlsplit(url)
    _, at, place = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"•••@{place}" if at else place, query="•••" if parts.query else "").geturl()


def _shown(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: shown(value) if "://" in value else value for name, value in fields.items()}
