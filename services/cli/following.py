"""`switchboard feedback|redact|delete COMMAND`: something is to be done about the message that a command created;
`switchboard reschedule COMMAND`: one that still waits goes at another time.

The id of a follow-up is made of what it does and to what: said twice it is one command, unless it is given another.
"""

import asyncio
import getpass
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from services.cli.plain import plain
from services.cli.refused import Refused
from services.cli.times import Time
from services.domain.followups.commands import FeedbackOutcome, FollowUp
from services.domain.messages.commands import RescheduleMessage
from services.operations.producing import produce
from services.operations.times import moment
from services.operations.whose import tenant_of
from services.runtime.config import Settings, load
from services.runtime.tenants.opening import tenants_of

CommandId = Annotated[str, typer.Argument(metavar="COMMAND", help="The id of the command that sent it.")]
Waiting = Annotated[str, typer.Argument(metavar="COMMAND", help="A command id.")]
TenantName = Annotated[str, typer.Option(help="Whose command.")]
To = Annotated[str | None, typer.Option(help="Whom it was for: an address.")]
Contact = Annotated[str | None, typer.Option(help="Or the contact key in its results.")]
OwnId = Annotated[str | None, typer.Option("--id", help="An id of its own, where it is said again after it failed.")]


def feedback(
    command_id: CommandId,
    tenant: TenantName,
    outcome: Annotated[FeedbackOutcome, typer.Option(help="Whether the person did what the message asked for.")],
    to: To = None,
    contact: Contact = None,
    own_id: OwnId = None,
) -> None:
    """Tell Twilio whether a message worked. The command must have had provide_feedback."""
    _follow(FollowUp(
        command_id=own_id or f"{command_id}-feedback-{outcome}", tenant=tenant, action="feedback",
        of_command=command_id, to=to, contact=contact, outcome=outcome,
    ))  # fmt: skip


def redact(
    command_id: CommandId,
    tenant: TenantName,
    to: To = None,
    contact: Contact = None,
    not_after: Time = None,
    own_id: OwnId = None,
) -> None:
    """Empty the text of a command's message at Twilio, once the message has ended."""
    _once_ended("redact", command_id, own_id, not_after, tenant=tenant, to=to, contact=contact)


def delete(
    command_id: CommandId,
    tenant: TenantName,
    to: To = None,
    contact: Contact = None,
    not_after: Time = None,
    own_id: OwnId = None,
) -> None:
    """Delete a command's message at Twilio, with its media, once it has ended."""
    _once_ended("delete", command_id, own_id, not_after, tenant=tenant, to=to, contact=contact)


def reschedule(
    command_id: Waiting,
    tenant: TenantName,
    not_before: Time = None,
    not_after: Time = None,
    to: To = None,
    contact: Contact = None,
    by: Annotated[str | None, typer.Option(help="Who says so; default: you. Stands in the result.")] = None,
    note: Annotated[str | None, typer.Option(help="Why; stands in the result.")] = None,
) -> None:
    """Have a command that still waits go at another time. Its result says: rescheduled or reschedule_refused."""
    if not_before is None:
        raise Refused("give --not-before with the new time")
    settings = _settings(tenant, to, contact)
    command = RescheduleMessage(
        command_id=command_id,
        tenant=tenant,
        not_before=moment("--not-before", not_before),
        not_after=_until(not_after),
        by=by or getpass.getuser(),
        to=to,
        contact=contact,
        note=note,
    )
    asyncio.run(produce(settings, command))
    _said(command_id, tenant)


def _once_ended(
    action: Literal["redact", "delete"], of_command: str, own_id: str | None, not_after: str | None, **whose: Any
) -> None:
    """What Twilio takes once the message has ended. `whose`: the tenant, and the address or the contact."""
    command_id = own_id or f"{of_command}-{action}"
    until = _until(not_after)
    _follow(FollowUp(command_id=command_id, action=action, of_command=of_command, not_after=until, **whose))


def _until(not_after: str | None) -> str | None:
    return moment("--not-after", not_after) if not_after else None


def _follow(command: FollowUp) -> None:
    asyncio.run(produce(_settings(command.tenant, command.to, command.contact), command))
    _said(command.command_id, command.tenant)


def _settings(tenant: str, to: str | None, contact: str | None) -> Settings:
    if (to is None) == (contact is None):
        raise Refused("give --to with the address, or --contact")
    settings = load()
    tenant_of(tenants_of(settings), tenant)
    return settings


def _said(command_id: str, tenant: str) -> None:
    Console().print(plain(f"Said. Its result follows: switchboard trace {command_id} --tenant {tenant}"))
