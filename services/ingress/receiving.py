"""From a request to facts on their way, and to the answer once they are durable. Knows nothing of connections."""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

from prometheus_client import Counter

from services.contract import codec
from services.ingress import metrics, parameters, products
from services.ingress.answer import Answer
from services.ingress.durable import DurableLog
from services.ingress.parameters import Pairs
from services.ingress.reasons import REASONS, Reason, Rejected
from services.ingress.refusals import Refusals
from services.ingress.routing import Routes
from services.ingress.segments import Fact
from services.ingress.spool import SpoolFull
from services.ingress.tenants import Tenant, prepare
from services.ingress.webhook import Call, Decision, Facts, Told, Webhook, addressed
from services.runtime import failpoints
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants

_log = logging.getLogger(__name__)

# Twilio may be configured to call with GET.
_METHODS = ("POST", "GET")


class Opened(NamedTuple):
    """A call whose head is in order: its body may be read. `stated`: what its voucher saw there."""

    call: Call
    began: float
    webhook: Webhook
    tenant: str
    stated: Any


class Undecided(NamedTuple):
    """Who is asked for the answer to a webhook, and what they are told."""

    kind: str
    decision: Decision
    told: Told
    facts: Facts


class Kept(NamedTuple):
    """Facts on their way: once `done` is, without an error, they may be acknowledged.

    Where nobody is asked nothing of the request is held: Python's garbage collector goes over all that waits, and with
    the parameters of each webhook that took a tenth of its time.
    """

    done: "asyncio.Future[Any]"
    began: float
    counter: Counter
    # Or, where somebody is asked, what is answered without them.
    answer: Answer
    undecided: Undecided | None


class Webhooks:
    """Verify, translate, make durable. `table`: the kinds, of all products where none is given."""

    def __init__(
        self, settings: Settings, tenants: Tenants, log: DurableLog, table: Mapping[str, Webhook] | None = None
    ) -> None:
        self._table = products.webhooks(settings, tenants) if table is None else table
        self._known_tenants = tenants
        self._tenants = Derived(tenants, partial(prepare, tuple(self._table)))
        self._routes = Routes(tenants)
        self._refused = Refusals(settings.public_url)
        self._log = log
        self._max_body = settings.ingress.max_body_bytes
        self._rejected = {reason: metrics.REJECTED.labels(reason) for reason in REASONS}
        self._refusals = {name: _refusal(reason) for name, reason in REASONS.items()}

    @property
    def topics(self) -> tuple[str, ...]:
        """Where facts go."""
        return tuple(sorted({topic.name for webhook in self._table.values() for topic in webhook.topics}))

    def concerns(self, target: str) -> bool:
        """Whether a request with this target may be a webhook that is answered as soon as it is durable."""
        place = addressed(target)
        if place is None:
            return False
        webhook = self._table.get(place[1])
        return webhook is None or not isinstance(webhook.answer, Decision)

    def receive(self, call: Call, body: bytes) -> Kept | Answer:
        """A whole request: what is kept of it, or why it is refused."""
        try:
            return self.keep(self.open(call), body)
        except Exception as error:
            return self.refuse(error, call)

    def acknowledge(self, kept: Kept) -> Answer:
        """The answer to what is `done`; where somebody is asked, what is answered without them."""
        if kept.done.cancelled():
            return self.refuse(Rejected("unavailable"))
        if error := kept.done.exception():
            return self.refuse(error)
        failpoints.reach("ingress.durable")
        kept.counter.inc()
        metrics.SECONDS.observe(perf_counter() - kept.began)
        return kept.answer

    async def decide(self, kept: Kept) -> Answer:
        """The answer to what is `done`; where somebody is to be asked, theirs."""
        answer = self.acknowledge(kept)
        if answer is not kept.answer or kept.undecided is None:
            return answer
        kind, decision, told, facts = kept.undecided
        try:
            async with asyncio.timeout(decision.deadline_s):
                return await decision.ask(told, facts)
        except TimeoutError:
            metrics.UNDECIDED.labels(kind, "late").inc()
        except Exception:
            # The facts are durable: Twilio must have an answer, and asks nobody again.
            metrics.UNDECIDED.labels(kind, "failed").inc()
            _log.exception("who should answer a %s webhook failed; what is set for that is answered", kind)
        return answer

    def open(self, call: Call) -> Opened:
        """Look at the head: for whom is it, and can it be believed at all? Raises Rejected."""
        began = perf_counter()
        place = addressed(call.target)
        webhook = self._table.get(place[1]) if place else None
        if place is None or webhook is None:
            raise Rejected("path")
        if call.method not in _METHODS:
            raise Rejected("method")
        if "Content-Encoding" in call.headers:
            raise Rejected("encoding")
        if name := place[0]:
            self._named(name)
        if call.length > self._max_body:
            raise Rejected("too_large")
        return Opened(call, began, webhook, name, webhook.voucher.glance(call))

    def _named(self, name: str) -> Tenant:
        tenant = self._tenants.get(name)
        if tenant is None:
            raise Rejected("awaited" if self._known_tenants.awaited(name) else "tenant")
        return tenant

    def _whose(self, opened: Opened, pairs: Pairs) -> Tenant:
        """The tenant that the URL names, or else the parameters do. Raises Rejected."""
        # Asked again: while the body came it may have been found to be another than the log's.
        if opened.tenant:
            return self._named(opened.tenant)
        webhook, target = opened.webhook, opened.call.target
        query = partial(parameters.query, target) if webhook.called_back else None
        return self._named(self._routes.tenant_of(webhook.names_us, pairs, query))

    def keep(self, opened: Opened, body: bytes) -> Kept:
        """Verify, and begin to make the facts durable. Raises Rejected."""
        call, began, webhook, _, stated = opened
        if webhook.most_bytes is not None and len(body) > webhook.most_bytes:
            raise Rejected("too_large")
        tenant, said = webhook.voucher.believe(partial(self._whose, opened), call, stated, body)
        told = Told(tenant, said, now(), call)
        facts = webhook.facts(told)
        kind, how, undecided = webhook.kind, webhook.answer, None
        if isinstance(how, Decision):
            answer, undecided = how.otherwise, Undecided(kind, how, told, facts)
        else:
            answer = how(told, facts)
        return Kept(self._append(facts, call.headers), began, tenant.facts[kind], answer, undecided)

    def _append(self, facts: Facts, headers: Mapping[str, str]) -> "asyncio.Future[Any]":
        traceparent = None
        if stated := headers.get("traceparent"):
            traceparent = codec.traceparent([("traceparent", stated.encode("utf-8", "surrogateescape"))])
        written = [
            Fact(topic.name, topic.key(event).encode(), codec.encode(event), codec.headers(topic.name, traceparent))
            for topic, event in facts
        ]
        if len(written) == 1:
            return self._log.append(written[0])
        return asyncio.gather(*[self._log.append(one) for one in written])

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


def _refusal(reason: Reason) -> Answer:
    return Answer(reason.status, f"{reason.text}\n".encode(), "text/plain; charset=utf-8", reason.headers)
