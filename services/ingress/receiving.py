"""From a request to a fact on its way, and to the answer once it is durable. Knows nothing of connections."""

import asyncio
import logging
from collections.abc import Mapping
from time import perf_counter
from typing import NamedTuple

import msgspec
from prometheus_client import Counter

from services.contract import codec
from services.contract.topics import INBOUND, STATUS, Topic
from services.ingress import judge, metrics, signature, translate
from services.ingress.answer import Answer
from services.ingress.durable import DurableLog
from services.ingress.form import Pairs
from services.ingress.judge import REASONS, Rejected
from services.ingress.segments import Fact
from services.ingress.signature import Claim
from services.ingress.spool import SpoolFull
from services.ingress.tenants import Tenant, prepare
from services.ingress.translate import Arrival
from services.runtime import failpoints
from services.runtime.clock import now
from services.runtime.config import Settings

_log = logging.getLogger(__name__)

# Twilio may be configured to call with GET.
_METHODS = ("POST", "GET")
_KINDS = ("messages", "fallback", "status")
_NOTHING = Answer(204)


class Call(NamedTuple):
    """A request's head; `target` is path and query exactly as received."""

    method: str
    target: str
    headers: Mapping[str, str]


class Opened(NamedTuple):
    """A call whose head is in order: its body may be read."""

    call: Call
    began: float
    tenant: Tenant
    kind: str
    signature: str


class Kept(NamedTuple):
    """A fact on its way: once `done` is, without an error, `answer` may be given."""

    done: "asyncio.Future[None]"
    began: float
    counter: Counter
    answer: Answer


class Webhooks:
    """Verify, translate, make durable."""

    def __init__(self, settings: Settings, log: DurableLog) -> None:
        self._origins = signature.origins(settings.public_url)
        self._tenants = {name: prepare(name, tenant) for name, tenant in settings.tenants.items()}
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
            return self.refuse(error)

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
        parts = call.target.partition("?")[0].rstrip("/").split("/")
        if len(parts) != 4 or parts[1] != "twilio" or parts[3] not in _KINDS:
            raise Rejected("path")
        if call.method not in _METHODS:
            raise Rejected("method")
        tenant = self._tenants.get(parts[2])
        if tenant is None:
            raise Rejected("tenant")
        signed = call.headers.get("X-Twilio-Signature")
        if signed is None:
            raise Rejected("signature")
        return Opened(call, began, tenant, parts[3], signed)

    def keep(self, opened: Opened, body: bytes) -> Kept:
        """Verify, and begin to make the fact durable. Raises Rejected."""
        call, began, tenant, kind, signed = opened
        headers = call.headers
        stated = headers.get("X-Twilio-Webhooks-Signature-Settings", "")
        claim = Claim(self._origins, call.target, signed, signature.algorithm(stated))
        pairs = judge.parameters(tenant, claim, call.method, headers, body)
        if kind == "status":
            return self._status(opened, pairs)
        event = translate.inbound(_arrival(tenant, headers), pairs)
        answer = Answer(200, tenant.reply(event.body), "text/xml")
        return Kept(self._append(INBOUND, event, headers), began, tenant.facts.inbound, answer)

    def _status(self, opened: Opened, pairs: Pairs) -> Kept:
        call, began, tenant, _, _ = opened
        event = translate.status(_arrival(tenant, call.headers), pairs, judge.query(call.target))
        return Kept(self._append(STATUS, event, call.headers), began, tenant.facts.status, _NOTHING)

    def _append(self, topic: Topic, event: msgspec.Struct, headers: Mapping[str, str]) -> "asyncio.Future[None]":
        traceparent = None
        if stated := headers.get("traceparent"):
            traceparent = codec.traceparent([("traceparent", stated.encode("utf-8", "surrogateescape"))])
        key, value = topic.key(event).encode(), codec.encode(event)
        return self._log.append(Fact(topic.name, key, value, codec.headers(topic.name, traceparent)))

    def refuse(self, error: BaseException) -> Answer:
        """The answer to a webhook that failed so. Logs a defect."""
        if isinstance(error, Rejected):
            reason = error.reason
        elif isinstance(error, SpoolFull | OSError):
            reason = "unavailable"
        else:
            _log.error("a webhook failed in a way that should not happen", exc_info=error)
            reason = "defect"
        self._rejected[reason].inc()
        return self._refusals[reason]


def _refusal(reason: judge.Reason) -> Answer:
    return Answer(reason.status, f"{reason.text}\n".encode(), "text/plain; charset=utf-8", reason.headers)


def _arrival(tenant: Tenant, headers: Mapping[str, str]) -> Arrival:
    return Arrival(tenant.name, tenant.contact_secret, now(), headers.get("I-Twilio-Idempotency-Token"))
