"""Commands about another one, of whatever product: that it be not carried out, and what a person found out about it."""

import re
from typing import Literal, NamedTuple, Protocol

from services.domain.commands import OfSomebody, check_names, contact_of, event_id
from services.domain.identity import Place
from services.domain.outbox.accepted import CancelAccepted, ResolutionAccepted

_MAX_NOTE = 1000


class AboutAnother(OfSomebody, Protocol):
    """A command about another one, whose person it names."""

    @property
    def by(self) -> str: ...
    @property
    def note(self) -> str | None: ...


class Resolution(AboutAnother, Protocol):
    """What a person found out about another command."""

    @property
    def outcome(self) -> Literal["sent", "not_sent"]: ...


class Proof(NamedTuple):
    """The SID of what is said to be created; `shape`: what it must look like, `wrong`: the fault where it does not."""

    sid: str | None
    shape: re.Pattern[str]
    wrong: str


def said_by(command: AboutAnother, faults: list[str]) -> None:
    check_names(command.command_id, None, faults)
    if not command.by.strip():
        faults.append("by: who says it")
    if len(command.by) > _MAX_NOTE or len(command.note or "") > _MAX_NOTE:
        faults.append(f"by, note: more than {_MAX_NOTE} characters")


def cancel(command: AboutAnother, secret: bytes, at: str, place: Place) -> CancelAccepted | list[str]:
    """The wish that a command be not carried out, accepted, or all that is wrong with it."""
    faults: list[str] = []
    contact = contact_of(command, secret, faults)
    said_by(command, faults)
    if faults:
        return faults
    return CancelAccepted(
        event_id=event_id("cancel_accepted", command, contact, at, place),
        tenant=command.tenant,
        command_id=command.command_id,
        contact=contact,
        accepted_at=at,
        by=command.by,
        note=command.note,
    )


def resolve(command: Resolution, proof: Proof, secret: bytes, at: str, place: Place) -> ResolutionAccepted | list[str]:
    """What a person found out about an ambiguous command, accepted, or all that is wrong with it."""
    faults: list[str] = []
    contact = contact_of(command, secret, faults)
    if command.outcome == "sent" and not proof.shape.fullmatch(proof.sid or ""):
        faults.append(proof.wrong)
    said_by(command, faults)
    if faults:
        return faults
    return ResolutionAccepted(
        event_id=event_id("resolution_accepted", command, contact, at, place),
        tenant=command.tenant,
        command_id=command.command_id,
        contact=contact,
        accepted_at=at,
        outcome=command.outcome,
        by=command.by,
        sid=proof.sid if command.outcome == "sent" else None,
        note=command.note,
    )
