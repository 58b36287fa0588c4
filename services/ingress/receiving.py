"""From a request to a fact on its way, and to the answer once it is durable. Knows nothing of connections."""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from time import perf_counter
from typing import NamedTuple

import msgspec
from prometheus_client import Counter

from services.contract import codec
from services.contract.topics import INBOUND, STATUS, Topic
from services.ingress import judge, metrics, signature, spellings, translate, vouching
from services.ingress.answer import Answer
from services.ingress.durable import DurableLog
from services.ingress.form import Pairs
from services.ingress.judge import REASONS, Rejected, Whose
from services.ingress.refusals import Call, Refusals, addressed
from services.ingress.routing import Routes
from services.ingress.segments import Fact
from services.ingress.signature import Claim
from services.ingress.spool import SpoolFull
from services.ingress.tenants import Tenant, prepare
from services.ingress.translate import Arrival
from services.runtime import failpoints
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants

_log = logging.getLogger(__name__)

# Twilio may be configured to call with GET.
_METHODS = ("POST", "GET")
_NOTHING = Answer(204)
# Names that are logged; the others are counted alone.
_MOST_TOLD = 100


class Opened(NamedTuple):
    """A call whose head is in order: its body may be read."""

    call: Call
    began: float
    whose: Whose
    kind: str
    signature: bytes


class Kept(NamedTuple):
    """A fact on its way: once `done` is, without an error, `answer` may be given."""

    done: "asyncio.Future[None]"
    began: float
    counter: Counter
    answer: Answer


class Webhooks:
    """Verify, translate, make durable."""

    def __init__(self, settings: Settings, tenants: Tenants, log: DurableLog) -> None:
        self._origins = spellings.origins(settings.public_url)
        self._known_tenants = tenants
        self._tenants = Derived(tenants, prepare)
        self._routes = Routes(tenants)
        self._known = frozenset(settings.ingress.known_parameters)
        self._told: set[str] = set()
        self._refused = Refusals(settings.public_url)
        self._log = log
        self._rejected = {reason: metrics.REJECTED.labels(reason) for reason in REASONS}
        self._refusals = {name: _refusal(reason) for name, reason in REASONS.items()}

    def concerns(self, target: str) -> bool:
        """Whether a request with this target may be a webhook."""
        return target.startswith("/twilio/")

    def receive(self, call: Call, body: bytes) -> Kept | Answer:
        """A whole request: what is kept of it, or why it is refused."""
        try:
            return self.keep(self.open(call), body)
        except Exception as error:
            return self.refuse(error, call)

    def acknowledge(self, kept: Kept) -> Answer:
        """The answer to what is `done`."""
        if kept.done.cancelled():
            return self.refuse(Rejected("unavailable"))
        if error := kept.done.exception():
            return self.refuse(error)
        failpoints.reach("ingress.durable")
        kept.counter.inc()
        metrics.SECONDS.observe(perf_counter() - kept.began)
        return kept.answer

    def open(self, call: Call) -> Opened:
        """Look at the head: for whom is it, and is it signed at all? Raises Rejected."""
        began = perf_counter()
        place = addressed(call.target)
        if place is None:
            raise Rejected("path")
        if call.method not in _METHODS:
            raise Rejected("method")
        if "Content-Encoding" in call.headers:
            raise Rejected("encoding")
        name, kind = place
        if name:
            self._named(name)
        signed = signature.digest(call.headers.get("X-Twilio-Signature", ""))
        if signed is None:
            raise Rejected("signature")
        return Opened(call, began, partial(self._whose, kind, call.target, name), kind, signed)

    def _named(self, name: str) -> Tenant:
        tenant = self._tenants.get(name)
        if tenant is None:
            raise Rejected("awaited" if self._known_tenants.awaited(name) else "tenant")
        return tenant

    def _whose(self, kind: str, target: str, name: str, pairs: Pairs) -> Tenant:
        """The tenant that the URL names, or else the parameters do. Raises Rejected."""
        # Asked again: while the body came it may have been found to be another than the log's.
        return self._named(name or self._routes.tenant_of(kind, pairs, partial(judge.query, target)))

    def keep(self, opened: Opened, body: bytes) -> Kept:
        """Verify, and begin to make the fact durable. Raises Rejected."""
        call, began, whose, kind, signed = opened
        headers = call.headers
        claim = Claim(self._origins, call.target, signed)
        tenant, pairs = judge.parameters(whose, claim, call.method, headers, body)
        if kind == "status":
            return self._status(opened, tenant, pairs)
        self._look_at_names(pairs)
        event = translate.inbound(self._arrival(tenant, headers), pairs)
        answer = Answer(200, tenant.replies.to(event), "text/xml")
        return Kept(self._append(INBOUND, event, headers), began, tenant.facts.inbound, answer)

    def _status(self, opened: Opened, tenant: Tenant, pairs: Pairs) -> Kept:
        call, began = opened.call, opened.began
        query = judge.query(call.target)
        arrival = self._arrival(tenant, call.headers)
        signers = tenant.callback_ring.believed(arrival.received_at)
        event = translate.status(arrival._replace(signers=signers), pairs, query)
        if query and event.command_id is None:
            metrics.STRANGE_CALLBACKS.labels(tenant.name).inc()
        return Kept(self._append(STATUS, event, call.headers), began, tenant.facts.status, _NOTHING)

    def _arrival(self, tenant: Tenant, headers: Mapping[str, str]) -> Arrival:
        token = headers.get("I-Twilio-Idempotency-Token")
        return Arrival(tenant.name, tenant.contact_secret, now(), token, tenant.words, self._known)

    def _look_at_names(self, pairs: Pairs) -> None:
        """Count the parameters that Twilio may have added, and tell of each once: a START with them is not heard."""
        for name in vouching.unknown(pairs, self._known):
            metrics.UNKNOWN_PARAMETERS.inc()
            if name not in self._told and len(self._told) < _MOST_TOLD:
                self._told.add(name)
                _log.warning(
                    "a signed message has the parameter %.60r, which is not known to be Twilio's: a START with it is "
                    "not heard; if Twilio documents it, add it to ingress.known_parameters",
                    name,
                )

    def _append(self, topic: Topic, event: msgspec.Struct, headers: Mapping[str, str]) -> "asyncio.Future[None]":
        traceparent = None
        if stated := headers.get("traceparent"):
            traceparent = codec.traceparent([("traceparent", stated.encode("utf-8", "surrogateescape"))])
        key, value = topic.key(event).encode(), codec.encode(event)
        return self._log.append(Fact(topic.name, key, value, codec.headers(topic.name, traceparent)))

    def refuse(self, error: BaseException, call: Call | None = None) -> Answer:
        """The answer to a webhook that failed so. Logs it; a defect always, others now and then."""
        if isinstance(error, Rejected):
            reason = error.reason
        elif isinstance(error, SpoolFull | OSError):
            reason = "unavailable"
        else:
            _log.error("a webhook failed in a way that should not happen", exc_info=error)
            reason = "defect"
        self._rejected[reason].inc()
        self._refused.tell(reason, REASONS[reason], call)
        return self._refusals[reason]


def _refusal(reason: judge.Reason) -> Answer:
    return Answer(reason.status, f"{reason.text}\n".encode(), "text/plain; charset=utf-8", reason.headers)
