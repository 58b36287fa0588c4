"""A command comes: for the first time, again, or under an id that another content has used."""

from msgspec.structs import replace

from services.domain.outbox.accepted import Accepted
from services.domain.outbox.cancels import canceled
from services.domain.outbox.entry import Entry, kept
from services.domain.outbox.steps import Step, step_of
from services.domain.outbox.verdicts import early
from services.domain.outbox.waiting import deferred


def accepted(entry: Entry | None, command: Accepted) -> tuple[Entry, list[Step]]:
    if entry is None or not entry.fingerprint:
        fresh = Entry(
            kind=command.kind,
            tenant=command.tenant,
            command_id=command.command_id,
            order_key=command.order_key,
            fingerprint=command.fingerprint,
            state="pending",
            command=command,
            taken=(command.event_id,),
        )
        return _begun(fresh if entry is None else replace(fresh, answered=entry.answered), command, entry)
    if command.fingerprint == entry.fingerprint:
        return _repeated(entry, command)
    if command.fingerprint in entry.others:
        return entry, []
    told = replace(entry, others=kept(entry.others, command.fingerprint))
    reason = "this command id was used before with other content; nothing is sent for this one"
    remedy = "Give each command an id of its own."
    return told, [step_of(told, "duplicate", command.accepted_at, command.event_id, reason=reason, remedy=remedy)]


def _repeated(entry: Entry, command: Accepted) -> tuple[Entry, list[Step]]:
    """The same fact again says nothing new; the same command, produced again, is told how far it has come."""
    if command.event_id in entry.taken:
        return entry, []
    entry = replace(entry, taken=kept(entry.taken, command.event_id))
    end = entry.end
    repeated = step_of(
        entry,
        "repeated",
        command.accepted_at,
        command.event_id,
        last_step=entry.last_step,
        sid=end.sid if end else entry.sid,
        status=end.status if end else None,
        code=(end.error_code if end else None) or entry.last_code,
        reason="this command was taken before; nothing more is sent for this one",
    )
    return entry, [repeated]


def _begun(entry: Entry, command: Accepted, before: Entry | None) -> tuple[Entry, list[Step]]:
    """A command has come: it may go, waits for its time, or was canceled before."""
    at = command.accepted_at
    told = [step_of(entry, "accepted", at, command.event_id, accepted=command)]
    if before is not None and before.cancel is not None:
        ended, end = canceled(entry, before.cancel, max(at, before.cancel.accepted_at))
        return ended, [*told, end]
    if command.not_before is None or command.not_before <= at:
        return entry, told
    waiting, why = deferred(entry, at, early(command.not_before), None)
    return waiting, [*told, *why]
