"""What a flow's HTTP widgets tell us: `/twilio/{tenant}/flow`. 204 once it is durable."""

from services.contract.studio import REPORTS
from services.domain.studio.reports import reported
from services.ingress.answer import Answer
from services.ingress.studio.secret import SharedSecret
from services.ingress.webhook import Facts, Told, Webhook
from services.runtime.config import Settings
from services.runtime.tenants.live import Tenants

# As much as Studio itself takes of an answer.
_MOST_BYTES = 64 * 1024
_NOTHING = Answer(204)


def webhooks(_: Settings, __: Tenants) -> tuple[Webhook, ...]:
    return (Webhook("flow", (REPORTS,), SharedSecret(), _facts, lambda told, facts: _NOTHING, most_bytes=_MOST_BYTES),)


def _facts(told: Told) -> Facts:
    return [(REPORTS, reported(told.tenant.name, told.tenant.contact_secret, told.said, told.received_at))]
