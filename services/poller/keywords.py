"""The fold of what keyword rules bring about: tickets, and commands, which are signed where their tenant has a key."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from services.contract.rules import KEYWORDS_FOLD
from services.domain.messages import tickets
from services.domain.messages.events import KeywordHeard
from services.domain.messages.tickets import Ticket, TicketRetried, TicketTried
from services.domain.rules import commanded
from services.domain.rules.commanded import Commanded, CommandsMade
from services.domain.rules.making import Command
from services.runtime.folding.fold import Emission, Fold, Step, Table
from services.runtime.speaking import signature
from services.runtime.tenants.live import Tenants

TICKETS, COMMANDS = "tickets", "rulecommands"


FOLD = Fold(
    KEYWORDS_FOLD,
    (
        Step(
            tickets.fold,
            Table(TICKETS, Ticket, tickets.row_key, due=tickets.due, lists=tickets.lists),
            takes=(KeywordHeard, TicketTried, TicketRetried),
        ),
        Step(
            commanded.fold,
            Table(COMMANDS, Commanded, commanded.row_key, due=commanded.due, lists=commanded.lists),
            takes=(KeywordHeard, CommandsMade),
        ),
    ),
)


def signed_fold(tenants: Tenants) -> Fold:
    """The same, with commands signed by their tenants' keys of this moment."""

    def signed(event: Any, record: Emission) -> Sequence[tuple[str, bytes]]:
        if not isinstance(event, Command):
            return ()
        return signature(event.tenant, tenants.get(event.tenant), record.topic, record.value or b"")

    return replace(FOLD, beside=signed)
