"""What the sender must know of a product whose commands are calls. The engine knows no product's name.

Its order key is a contact: what the gate looks at stands in the same partition.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from services.domain.gate.question import Question
from services.domain.gate.receipt import Receipt
from services.domain.outbox.accepted import Accepted, ResolutionAccepted
from services.domain.outbox.effects import Effects
from services.domain.outbox.entry import Entry
from services.domain.outbox.facts import Checked, Created, Settled, Unknown
from services.domain.spend.estimating import Estimate, Rates
from services.domain.templates.catalogue import Catalogue
from services.runtime.catalogues import Catalogues
from services.runtime.config import Settings
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.runtime.registries import Registries
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.commands import Commands
from services.sender.outcomes import Refusal, Taken
from services.sender.paces import RateLimit

Method = Literal["POST", "GET", "DELETE"]
METHODS: tuple[Method, ...] = ("POST", "GET", "DELETE")


class Addressed(Accepted, Protocol):
    """An accepted command as the gate looks it up: whom it is for, by which channel, and from whom.

    `country` of the recipient, None where it is not known. `from_`, `messaging_service_sid`, `fallback_from`: what it
    names of ours.
    """

    @property
    def contact(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def country(self) -> str | None: ...
    @property
    def to(self) -> str: ...
    @property
    def from_(self) -> str | None: ...
    @property
    def messaging_service_sid(self) -> str | None: ...
    @property
    def fallback_from(self) -> str | None: ...


class Templated(NamedTuple):
    """A content template that a command names, by its sid or by its name, with the values for its placeholders."""

    content_sid: str | None
    name: str | None
    language: str | None
    variables: Mapping[str, str]


class Text(NamedTuple):
    """What a message says beside a template, as far as that is told. `shortens`: Twilio puts links of its own in."""

    body: str = ""
    shortens: bool = False


NO_TEXT = Text()


class Call(NamedTuple):
    """What a request is made of: a command that may go, for its tenant, by this judgement.

    `row`: the outbox's row of a key in the same partition, such as that of another command of the contact.
    """

    tenant: TenantSettings
    command: Any
    receipt: Receipt
    row: Callable[[str], Any] = lambda _: None


class Request(NamedTuple):
    """One call. `path` begins with a slash; `form`: what is posted, as JSON where `json` says so; `host`: where it is
    another than its product's.

    `answer`: what comes of the answer, or the next call, where this one created nothing: that is made by the same
    attempt, if there is time left.
    """

    path: str
    form: bytes
    answer: "Callable[[Taken | Refusal | Unknown], Created | Refusal | Unknown | Request]"
    method: Method = "POST"
    host: str | None = None
    json: bool = False


# What a call without a known end created; and what a resolution says of it.
Find = Callable[[Partition, Entry], Awaitable[Settled | None]]
Check = Callable[[Partition, Entry, ResolutionAccepted], Awaitable[Checked | None]]


@dataclass(frozen=True, slots=True)
class Outbound:
    """A product's commands, from the log to Twilio and back.

    `effects`: what follows from their steps. `host`: whom they call, by the name of its setting
    (`twilio.<host>`). `apart`: the name by which its calls have a limit, a breaker and faults of their own, so that
    they stop nothing of others at that host; None: they share the host's. `ask`: what the gate looks at. `request`:
    the call, made of what may go now. `limits`: the rates that a tenant's commands keep, of a sender and towards a
    destination; `units`: what a command counts in them. `holds_up_s`: for how long what has no known end holds up what
    comes after it. `find`: looks for what a call without a known end created; None: nothing was
    found. `check`: looks up what a resolution names; None: nobody could be asked now. Both may raise what their clients
    raise. Without them only facts of the log and, for `not_sent`, people settle it; who says that something was created
    is refused. `listeners`: what else goes by the outbox's rows. `template`: what a command says
    of one, if it has one. `text`: what it says itself; `beside`: the command with a text put
    to that. `estimate`: what a command costs at most; None: nobody knows. `media`: the URLs that
    Twilio is to fetch for it.
    """

    effects: Effects
    host: str
    ask: Callable[[Any], Question]
    request: Callable[[Call], Request | Refusal]
    limits: Callable[[str, TenantSettings, str, str], Iterable[RateLimit]]
    holds_up_s: float
    find: Find | None = None
    check: Check | None = None
    listeners: tuple[Listener, ...] = ()
    apart: str | None = None
    template: Callable[[Any], Templated | None] = lambda _: None
    units: Callable[[Any], int] = lambda _: 1
    text: Callable[[Any], Text] = lambda _: NO_TEXT
    beside: Callable[[Any, str | None], Any] = lambda command, _: command
    estimate: Callable[[Any, Rates, Catalogue], Estimate | None] = lambda _, __, ___: None
    media: Callable[[Any], Sequence[str]] = lambda _: ()

    @property
    def counted_at(self) -> str:
        """Where its calls count: of an account's limit, breaker and faults (`AccountAt`)."""
        return self.apart or self.host


class Parts(NamedTuple):
    """What a product is put together of."""

    settings: Settings
    tenants: Tenants
    registries: Registries
    catalogues: Catalogues


class Product(NamedTuple):
    """A product: what its commands mean, how they are produced, and what it is in a running sender."""

    effects: Effects
    commands: Commands
    outbound: Callable[[Parts], Outbound]


# By `kind`.
Products = Mapping[str, Outbound]
