"""Intake of explicit consent: is it a statement that can be kept, and about whom exactly? Pure; all faults at once."""

import msgspec

from services.domain.addresses import WRITE_E164, is_ours, judge
from services.domain.clock import parse, to_iso
from services.domain.consent.commands import ConsentAccepted, RecordConsent
from services.domain.consent.scopes import TENANT, sender_scope, service_scope
from services.domain.contact import contact_key
from services.domain.identity import Place, raw_event_id
from services.domain.sids import COMMAND_ID, MESSAGE, MESSAGING_SERVICE

MAX_PROOF_CHARACTERS = 4000
_MAX_CHARACTERS = {"source": 200, "ip": 64, "user_agent": 500, "proof": MAX_PROOF_CHARACTERS}


def accept(
    command: RecordConsent, contact_secret: bytes, at: str, place: Place, since: str | None = None
) -> ConsentAccepted | list[str]:
    """The normalised statement, or all that is wrong with it.

    `at`, `place`: when and where it was written to the log. `since`: when it was produced, where that is earlier.
    """
    faults: list[str] = []
    person = judge(command.address)
    if not person.may_say:
        faults.append(f"address: {person.why_not}")
    elif person.kind == "phone" and person.channel != "whatsapp" and not person.name.startswith("+"):
        faults.append(f"address: digits without + are of no country; {WRITE_E164}")
    if not COMMAND_ID.fullmatch(command.command_id):
        faults.append("command_id: 1 to 128 visible ASCII characters")
    scope = _scope(command, faults)
    given_at = _given_at(command, min(since or at, at), faults)
    _dismissal(command, faults)
    for name, most in _MAX_CHARACTERS.items():
        if len(getattr(command, name) or "") > most:
            faults.append(f"{name}: more than {most} characters")
    if faults:
        return faults
    contact = contact_key(command.tenant, command.address, contact_secret)
    said = msgspec.json.encode(command, order="sorted")
    content = (contact.encode(), said, at.encode(), b"%d@%d" % place)
    return ConsentAccepted(
        event_id=raw_event_id("consent_accepted", command.tenant, content),
        tenant=command.tenant,
        command_id=command.command_id,
        contact=contact,
        accepted_at=at,
        given_at=given_at,
        action=command.action,
        scope=scope,
        address=person.canonical if person.kind in ("id", "email") else person.name,
        message_sid=command.message_sid,
        source=command.source,
        ip=command.ip,
        user_agent=command.user_agent,
        proof=command.proof,
    )


def _scope(command: RecordConsent, faults: list[str]) -> str:
    if command.sender is not None and command.messaging_service_sid is not None:
        faults.append("sender, messaging_service_sid: one of them at most; neither means the whole tenant")
    if command.messaging_service_sid is not None:
        if not MESSAGING_SERVICE.fullmatch(command.messaging_service_sid):
            faults.append("messaging_service_sid: must be MG and 32 hex digits")
        return service_scope(command.messaging_service_sid)
    if command.sender is None:
        return TENANT
    if not is_ours(command.sender):
        faults.append("sender: +E.164, whatsapp:+E.164, a short code, an alphanumeric sender or another channel's id")
    return sender_scope(command.sender)


def _dismissal(command: RecordConsent, faults: list[str]) -> None:
    if command.action != "dismiss":
        if command.message_sid is not None:
            faults.append("message_sid: only a dismiss names a message; leave it out")
        return
    if not MESSAGE.fullmatch(command.message_sid or ""):
        faults.append("message_sid: a dismiss names the message that was suspected, SM or MM and 32 hex digits")
    if command.sender is not None or command.messaging_service_sid is not None:
        faults.append("sender, messaging_service_sid: a dismiss is of one message; leave them out")


def _given_at(command: RecordConsent, since: str, faults: list[str]) -> str:
    if command.given_at is None:
        return since
    try:
        # Nobody has agreed to something in the future, and what says so must not outlast a later STOP.
        return min(to_iso(parse(command.given_at)), since)
    except ValueError:
        faults.append("given_at: not ISO 8601 with a zone; write it as 2026-02-21T18:22:11Z")
        return since
