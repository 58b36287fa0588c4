"""All that is known of a contact's consent, and what is read off it: may we write, by scope, and has anybody said yes.

Webhooks tell when we heard, not when it was said: a START releases a STOP only if it came more than HORIZON_S later, or
if Twilio's own dates of both messages are known and say so. Ties stay suppressed. A number that its carrier took back
may be somebody else's next: no yes from before counts, and every no stays.
"""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from services.domain.clock import seconds_between
from services.domain.consent import holds
from services.domain.consent.commands import Mark
from services.domain.consent.events import Suppression
from services.domain.consent.holds import Holds
from services.domain.consent.refusals import LEFT
from services.domain.consent.scopes import HELD, TENANT

HORIZON_S = 60.0

Marks = dict[str, dict[str, Mark]]


class Standing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is known of a contact's consent: scope → id of a statement → its mark. Key: contact.

    `suspects`: what looks like a no, in the same way. `dismissed`: message → who decided that it is none, and when.
    `deactivated`: the end of the last day on which the number was taken back; empty: never, as far as anybody knows.
    """

    tenant: str
    contact: str
    outs: Marks = {}
    ins: Marks = {}
    suspects: Marks = {}
    dismissed: dict[str, Mark] = {}
    links: tuple[str, ...] = ()
    holds: Holds = {}
    deactivated: str = ""


class Consented(msgspec.Struct, frozen=True, kw_only=True):
    """The latest yes that is more than a lifted block."""

    at: str
    evidence: str


def counting(state: Standing) -> Standing:
    """The row with those yeses alone that count: what was said since the number was last taken back."""
    if not state.deactivated:
        return state
    ins = {
        scope: {name: mark for name, mark in marks.items() if mark.at > state.deactivated}
        for scope, marks in state.ins.items()
    }
    return replace(state, ins=ins)


def suppressed(state: Standing | None) -> dict[str, Suppression]:
    """The scopes in which we may not write, each with the earliest statement that nothing has released.

    Where there is nothing but what WhatsApp keeps, which stops less, with the latest.
    """
    return {scope: told_by(noes) for scope, noes in unreleased(state).items()}


def unreleased(state: Standing | None) -> dict[str, list[Mark]]:
    """The noes that no yes takes back, by scope."""
    found: dict[str, list[Mark]] = {}
    if state is None:
        return found
    ins = counting(state).ins
    for scope, outs in sorted(state.outs.items()):
        releasing = [*ins.get(scope, {}).values(), *ins.get(TENANT, {}).values()]
        standing = [out for out in outs.values() if not any(releases(said, out) for said in releasing)]
        if standing:
            found[scope] = standing
    return found


def answer(state: Standing | None) -> dict[str, Suppression]:
    """What the world is told: the same, and `held` while something of theirs could not be read."""
    held = holds.held(state.holds) if state else None
    return {**suppressed(state), **({HELD: held} if held else {})}


def told_by(standing: Iterable[Mark]) -> Suppression:
    """The one of several noes that is told: the earliest that stops everything, else the latest."""
    ordered = sorted(standing, key=lambda mark: (mark.at, mark.evidence))
    told = next((mark for mark in ordered if mark.source not in LEFT), ordered[-1])
    return Suppression(since=told.at, evidence=told.evidence, source=told.source)


def suspicions(state: Standing | None) -> Standing | None:
    """As if what looks like a no, and nobody decided, were one; and as if nothing else were. A later no decides too."""
    if state is None:
        return None
    open_ = {}
    for scope, marks in state.suspects.items():
        noes = [*state.outs.get(scope, {}).values(), *state.outs.get(TENANT, {}).values()]
        latest = max((no.at for no in noes), default="")
        open_[scope] = {name: mark for name, mark in marks.items() if name not in state.dismissed and mark.at > latest}
    return Standing(tenant=state.tenant, contact=state.contact, outs=open_, ins=counting(state).ins)


def suspected(state: Standing | None) -> dict[str, Mapping[str, Mark]]:
    """Scope → message → its mark: what looks like an opt-out, and nobody decided, and no later yes takes back."""
    found = suspicions(state)
    return {
        scope: {name: mark for name, mark in found.outs[scope].items() if not any(releases(yes, mark) for yes in yeses)}
        for scope in suppressed(found)
        if found is not None
        for yeses in [[*found.ins.get(scope, {}).values(), *found.ins.get(TENANT, {}).values()]]
    }


def consented(state: Standing | None, scopes: Iterable[str]) -> Consented | None:
    """The latest consent in any of these scopes or for the whole tenant.

    An opt-out ends it, also once it is lifted; and that the number was taken back.
    """
    if state is None:
        return None
    where = (*scopes, TENANT)
    ended = max((mark.at for scope in where for mark in state.outs.get(scope, {}).values()), default="")
    ins = counting(state).ins
    yes = [mark for scope in where for mark in ins.get(scope, {}).values()]
    said = [mark for mark in yes if mark.consents and mark.at > ended]
    latest = max(said, key=lambda mark: (mark.at, mark.evidence), default=None)
    return Consented(at=latest.at, evidence=latest.evidence) if latest else None


def releases(said: Mark, out: Mark) -> bool:
    """Does this yes come after that no, as far as anyone can know, and may it lift it?"""
    if not said.releases:
        return False
    horizon = 0.0 if said.exact and out.exact else HORIZON_S
    return seconds_between(out.at, said.at) > horizon
