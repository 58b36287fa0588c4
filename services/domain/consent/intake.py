"""Intake of explicit consent: is it a statement that can be kept, and about whom exactly? Pure; all faults at once."""

import re

from services.domain.clock import parse, to_iso
from services.domain.consent.commands import ConsentAccepted, RecordConsent
from services.domain.consent.scopes import TENANT, sender_scope, service_scope
from services.domain.contact import bare, canonical, contact_key
from services.domain.identity import raw_event_id

MAX_PROOF_CHARACTERS = 4000
_MAX_CHARACTERS = {"source": 200, "ip": 64, "user_agent": 500, "proof": MAX_PROOF_CHARACTERS}
_COMMAND_ID = re.compile(r"[\x21-\x7e]{1,128}")
_MESSAGING_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_PERSON = re.compile(r"\+[1-9][0-9]{6,14}|[A-Z]{2}\.[0-9A-Za-z]+")
# An alphanumeric one has a letter: digits alone are a number that lost its plus.
_SENDER = re.compile(
    r"whatsapp:\+[1-9][0-9]{6,14}|(rcs:)?(\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 +&_-]{1,11})"
)


def accept(command: RecordConsent, contact_secret: bytes, at: str, sequence: int) -> ConsentAccepted | list[str]:
    """The normalised statement, or all that is wrong with it. `at`, `sequence`: when and where it was produced."""
    faults: list[str] = []
    address = canonical(command.address)
    if not _PERSON.fullmatch(address):
        faults.append("address: E.164 (+14155550123), with or without whatsapp:, or a business-scoped id")
    if not _COMMAND_ID.fullmatch(command.command_id):
        faults.append("command_id: 1 to 128 visible ASCII characters")
    scope = _scope(command, faults)
    given_at = _given_at(command, at, faults)
    for name, most in _MAX_CHARACTERS.items():
        if len(getattr(command, name) or "") > most:
            faults.append(f"{name}: more than {most} characters")
    if faults:
        return faults
    contact = contact_key(command.tenant, address, contact_secret)
    content = (contact.encode(), command.command_id.encode(), at.encode(), b"%d" % sequence)
    return ConsentAccepted(
        event_id=raw_event_id("consent_accepted", command.tenant, content),
        tenant=command.tenant,
        command_id=command.command_id,
        contact=contact,
        accepted_at=at,
        given_at=given_at,
        action=command.action,
        scope=scope,
        address=bare(command.address),
        source=command.source,
        ip=command.ip,
        user_agent=command.user_agent,
        proof=command.proof,
    )


def _scope(command: RecordConsent, faults: list[str]) -> str:
    if command.sender is not None and command.messaging_service_sid is not None:
        faults.append("sender, messaging_service_sid: one of them at most; neither means the whole tenant")
    if command.messaging_service_sid is not None:
        if not _MESSAGING_SERVICE.fullmatch(command.messaging_service_sid):
            faults.append("messaging_service_sid: must be MG and 32 hex digits")
        return service_scope(command.messaging_service_sid)
    if command.sender is None:
        return TENANT
    if not _SENDER.fullmatch(command.sender):
        faults.append("sender: +E.164, whatsapp:+E.164, a short code or an alphanumeric sender")
    return sender_scope(command.sender)


def _given_at(command: RecordConsent, at: str, faults: list[str]) -> str:
    if command.given_at is None:
        return at
    try:
        # Nobody has agreed to something in the future, and what says so must not outlast a later STOP.
        return min(to_iso(parse(command.given_at)), at)
    except ValueError:
        faults.append("given_at: not ISO 8601 with a zone; write it as 2026-02-21T18:22:11Z")
        return at
