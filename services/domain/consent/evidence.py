"""Consent read back from its evidence: `twilio.consent.v1` alone, in its order, gives the row that the fold had."""

from services.domain.consent.commands import Mark
from services.domain.consent.events import ConsentRecorded, LinkRecorded
from services.domain.consent.suppression import Standing, Told, join


def recall(state: Standing | None, event: ConsentRecorded | LinkRecorded) -> Standing:
    """Join one piece of evidence. What the fold did not record changed nothing, so nothing is missing."""
    known = state or Standing(tenant=event.tenant, contact=event.contact)
    if isinstance(event, LinkRecorded):
        return join(known, [], event.linked)[0]
    evidence = event.evidence or event.mark
    mark = Mark(at=event.at, exact=event.exact, evidence=evidence, source=event.source, consents=event.consents)
    return join(known, [Told(event.action, tuple(event.scopes), event.mark, mark, {})], None)[0]
