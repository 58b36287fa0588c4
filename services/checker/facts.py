"""A history as the promises look at it: records by topic, each with the JSON object that it holds, if it holds one."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, wraps
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qs, urlsplit

import orjson

from services.checker.history import Entry, History, Witness
from services.checker.topics import DEAD, INBOUND, STATUS, shared

# No topic keeps its records for less than a week.
_KEPT_MS = 6 * 86_400_000
UNSETTLED = "the log had not come to rest, or no longer holds its beginning"

T = TypeVar("T")


class Fact(NamedTuple):
    """A record and its JSON object; empty where the value is none."""

    entry: Entry
    event: Mapping[str, Any]

    @property
    def at(self) -> str:
        """Where it stands, for people."""
        return f"{self.entry.topic}/{self.entry.partition}@{self.entry.offset}"

    @property
    def id(self) -> str:
        return str(self.event.get("event_id", ""))

    def text(self, name: str) -> str:
        """A field that is text, or nothing."""
        value = self.event.get(name)
        return value if isinstance(value, str) else ""


class Created(NamedTuple):
    """A message that Twilio created for an API call. `place`: which one in Twilio's own order."""

    place: int
    sid: str
    tenant: str
    contact: str
    command_id: str
    at: str
    to: str
    sender: str
    service: str
    template: bool
    code: int | None
    statuses: tuple[str, ...]


class Facts:
    """The log by topic, in order of partition and offset, and the witness, read once for all promises.

    Records of tenants' own topics stand under the public topic that is everybody's.
    """

    def __init__(self, history: History) -> None:
        self.settled = history.settled
        self.witness: Witness | None = history.witness
        by_topic: defaultdict[str, list[Fact]] = defaultdict(list)
        for entry in sorted(history.entries, key=lambda one: (one.topic, one.partition, one.offset)):
            by_topic[shared(entry.topic)].append(Fact(entry, _object(entry.value)))
        self._by_topic = by_topic
        self._sound: dict[str, Sequence[Fact]] = {}
        # What is gathered of all of them, by who gathers it.
        self.gathered: dict[Callable[..., Any], Any] = {}

    @property
    def topics(self) -> Sequence[str]:
        return list(self._by_topic)

    def of(self, topic: str) -> Sequence[Fact]:
        return self._by_topic.get(topic, ())

    def sound(self, topic: str) -> Sequence[Fact]:
        """The same without what became a dead letter: nobody folded that."""
        if topic not in self._sound:
            self._sound[topic] = [fact for fact in self.of(topic) if fact.at not in self.buried]
        return self._sound[topic]

    @cached_property
    def letters(self) -> Sequence[Fact]:
        """Every dead letter."""
        return [fact for topic, facts in self._by_topic.items() if topic.endswith(DEAD) for fact in facts]

    @cached_property
    def buried(self) -> frozenset[str]:
        """Where the sources of all dead letters stand."""
        return frozenset(source_of(letter) for letter in self.letters)

    def whole(self, *topics: str) -> bool:
        """Whether the log still holds these topics from their beginning."""
        return all(self._begins(topic) for topic in topics) or (
            # What is written in transactions may begin with one that was aborted; so young, nothing is forgotten.
            self._span_ms < _KEPT_MS and self._begins(INBOUND) and self._begins(STATUS)
        )

    def _begins(self, topic: str) -> bool:
        first: dict[tuple[str, int], int] = {}
        for fact in self.of(topic):
            first.setdefault((fact.entry.topic, fact.entry.partition), fact.entry.offset)
        return not any(first.values())

    @cached_property
    def _span_ms(self) -> int:
        times = [fact.entry.timestamp for facts in self._by_topic.values() for fact in facts]
        return max(times, default=0) - min(times, default=0)

    @cached_property
    def created(self) -> Sequence[Created]:
        """What the API created at Twilio, in its order; what it created by itself is nobody's command."""
        messages = self.witness.messages if self.witness is not None else []
        return [_created(place, one) for place, one in enumerate(messages) if one.get("origin") == "api"]


def gathered(gather: Callable[[Facts], T]) -> Callable[[Facts], T]:
    """What it makes of all facts is made once, for the first promise that asks."""

    @wraps(gather)
    def once(facts: Facts) -> T:
        if gather not in facts.gathered:
            facts.gathered[gather] = gather(facts)
        found: T = facts.gathered[gather]
        return found

    return once


def source_of(letter: Fact) -> str:
    """Where the source of a dead letter stands, as `Fact.at` says it."""
    told = {name: content.decode(errors="replace") for name, content in letter.entry.headers}
    return f"{told.get('source-topic')}/{told.get('source-partition')}@{told.get('source-offset')}"


def _object(value: bytes | None) -> Mapping[str, Any]:
    try:
        found = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _created(place: int, message: Mapping[str, Any]) -> Created:
    url = urlsplit(message.get("status_callback") or "")
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    parts = url.path.strip("/").split("/")
    params, statuses = message.get("params", {}), message.get("statuses", [])
    return Created(
        place=place,
        sid=str(message["sid"]),
        # …/twilio/{tenant}/status
        tenant=parts[-2] if len(parts) >= 2 else "",
        contact=query.get("k", ""),
        command_id=query.get("c", ""),
        at=str(statuses[0]["at"]) if statuses else "",
        to=str(params.get("To", "")),
        sender=str(params.get("From", "")),
        service=str(params.get("MessagingServiceSid", "")),
        template=bool(params.get("ContentSid")),
        code=message.get("resource", {}).get("error_code"),
        statuses=tuple(str(one["status"]) for one in statuses),
    )
