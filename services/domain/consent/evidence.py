"""Consent read back from its evidence: `twilio.consent.v1` alone, in its order, gives the row that the fold had."""

from msgspec.structs import replace

from services.domain.consent import holds
from services.domain.consent.commands import Mark
from services.domain.consent.events import (
    ConsentRecorded,
    DeactivationRecorded,
    HoldRecorded,
    LinkRecorded,
    OptOutSuspected,
)
from services.domain.consent.joining import join
from services.domain.consent.standing import Standing
from services.domain.consent.statements import Told

Evidence = ConsentRecorded | DeactivationRecorded | HoldRecorded | LinkRecorded | OptOutSuspected


def recall(state: Standing | None, event: Evidence) -> Standing:
    """Join one piece of evidence. What the fold did not record changed nothing, so nothing is missing."""
    known = state or Standing(tenant=event.tenant, contact=event.contact)
    if isinstance(event, HoldRecorded):
        return replace(known, holds=holds.join(known.holds, holds.recalled(event)))
    if isinstance(event, DeactivationRecorded):
        return replace(known, deactivated=max(known.deactivated, event.at))
    if isinstance(event, LinkRecorded):
        return join(known, [], [event.linked])[0]
    if isinstance(event, OptOutSuspected):
        mark = Mark(at=event.at, exact=event.exact, evidence=event.evidence, source="suspected")
        return join(known, [Told("suspected", tuple(event.scopes), event.mark, mark, {})], [])[0]
    evidence = event.evidence or event.mark
    mark = Mark(
        at=event.at,
        exact=event.exact,
        evidence=evidence,
        source=event.source,
        consents=event.consents,
        releases=event.releases,
    )
    return join(known, [Told(event.action, tuple(event.scopes), event.mark, mark, {})], [])[0]
