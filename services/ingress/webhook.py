"""What ingress must know of a webhook. A product gives one for each kind; the engine knows no product's name."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from services.contract.topic import Topic
from services.ingress.answer import Answer
from services.ingress.parameters import Pairs
from services.ingress.tenants import Tenant

# By content type, in which form a body's parameters are.
_BODIES: Mapping[str, Literal["form", "json"]] = {
    "application/x-www-form-urlencoded": "form",
    "application/json": "json",
}
# Characters of a path. A longer one is nobody's.
_REMEMBERED = 128


def addressed(target: str) -> tuple[str, str] | None:
    """The tenant ("" on the URL that all share) and the kind of webhook that a target names; None for any other."""
    path = target.partition("?")[0]
    return _lately(path) if len(path) <= _REMEMBERED else _addressed(path)


def _addressed(path: str) -> tuple[str, str] | None:
    _, *parts = path.rstrip("/").split("/")
    match parts:
        case ["twilio", kind]:
            return "", kind
        case ["twilio", tenant, kind] if tenant:
            return tenant, kind
    return None


# A tenant's webhooks have few paths, and each is asked about several times.
_lately = lru_cache(maxsize=1024)(_addressed)


class Call(NamedTuple):
    """A request's head; `target` is path and query exactly as received."""

    method: str
    target: str
    headers: Mapping[str, str]

    @property
    def length(self) -> int:
        """How long the body says that it is; 0 where it does not say."""
        said = self.headers.get("Content-Length", "")
        return int(said) if said.isdecimal() else 0

    @property
    def says(self) -> Literal["query", "form", "json"] | None:
        """Where its parameters are: for GET in the query, else in the body; None for a body that is no such thing."""
        if self.method == "GET":
            return "query"
        return _BODIES.get(self.headers.get("Content-Type", "").partition(";")[0].strip().lower())


# Whose request it is, by its parameters where its URL does not say. Raises Rejected.
Whose = Callable[[Pairs], Tenant]


class Believed(NamedTuple):
    """Whose request it is, and what it says, in the form that its voucher gives: Twilio's are `Pairs`."""

    tenant: Tenant
    said: Any


class Voucher(Protocol):
    """Who vouches for a webhook. Both raise Rejected."""

    def glance(self, call: Call) -> Any:
        """What the head states, before a byte of the body is read: what cannot be right is refused at once."""

    def believe(self, whose: Whose, call: Call, stated: Any, body: bytes) -> Believed:
        """`stated` is what `glance` gave."""


class Told(NamedTuple):
    """A believed webhook. `received_at`: ISO 8601 UTC, milliseconds. `said`: as its voucher gives it."""

    tenant: Tenant
    said: Any
    received_at: str
    call: Call


Facts = Sequence[tuple[Topic, msgspec.Struct]]


class Decision(NamedTuple):
    """An answer that somebody must be asked for, once the facts are durable.

    Who waits holds up nobody else. Past `deadline_s` seconds, and where `ask` raises, `otherwise` is answered.
    """

    ask: Callable[[Told, Facts], Awaitable[Answer]]
    deadline_s: float
    otherwise: Answer


@dataclass(frozen=True, slots=True)
class Webhook:
    """One kind of webhook.

    `kind`: the last part of its path. `topics`: where its facts go. `facts`: what one body says, at least one, appended
    in this order. `answer`: fixed by the facts, or a Decision. `most_bytes`: of a body, at most ingress.max_body_bytes.
    `names_us`: the parameters that name a sender of ours, the surest first: they tell tenants of one account apart on
    the URL that all share. `called_back`: Twilio calls a URL of ours, which we may have signed.
    """

    kind: str
    topics: tuple[Topic, ...]
    voucher: Voucher
    facts: Callable[[Told], Facts]
    answer: Callable[[Told, Facts], Answer] | Decision
    most_bytes: int | None = None
    names_us: tuple[str, ...] = ()
    called_back: bool = False
