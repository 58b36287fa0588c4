"""The names that rows are listed under, so that a command is found by its order, its lane, or what holds it."""

from services.domain.outbox.accepted import Accepted
from services.domain.outbox.entry import Entry

# Those whose attempt has no known end; and what the names begin with of all that may go, and of all that are deferred.
IN_DOUBT = "doubt"
IN_A_LANE = "lane "
DEFERRED = "waits "
# Of those that wait for a time alone.
FOR_A_TIME = "time"


def lists(entry: Entry) -> tuple[str, ...]:
    """The names that a row is listed under: its key's order while it is not settled, then what it waits for.

    That is its lane, in the order of acceptance or release; or, from its attempt on, that its end be known. What is
    deferred stands in no order, and is listed under what holds it.
    """
    command = entry.command
    if entry.state == "settled" or command is None:
        return ()
    if entry.state == "deferred":
        return (f"{held_by(entry.condition or FOR_A_TIME)}{entry.until or ''}",)
    ordered = f"{in_order(entry.order_key)}{_rank(command.urgent)} {command.accepted_at} {command.sequence:020}"
    return ordered, IN_DOUBT if entry.state != "pending" else place_in_lane(entry, command)


def place_in_lane(entry: Entry, command: Accepted) -> str:
    """The name that a row which may go is listed under in its lane; `command`: its own."""
    lane = in_lane(entry.tenant, entry.kind, command.sender, command.towards, command.urgent)
    return f"{lane}{entry.released_at or command.accepted_at} {command.sequence:020}"


def held_by(condition: str) -> str:
    """What names begin with under which commands are listed that one condition holds."""
    return f"{DEFERRED}{condition}\n"


def condition_of(name: str) -> str | None:
    """The condition in a name that a row is listed under; None for a time alone."""
    condition = name.removeprefix(DEFERRED).partition("\n")[0]
    return None if condition == FOR_A_TIME else condition


def in_order(order_key: str) -> str:
    """What names begin with under which a key's open commands are listed: the urgent first, then as accepted."""
    return f"order {order_key} "


def in_lanes(tenant: str) -> str:
    """What names begin with under which a tenant's commands are listed that wait."""
    return f"{IN_A_LANE}{tenant}\n"


def in_lane(tenant: str, kind: str, sender: str, towards: str, urgent: bool) -> str:
    """The same, of one product's commands of one sender to one destination; the urgent ones or the others."""
    return f"{in_lanes(tenant)}{kind}\n{sender}\n{towards}\n{_rank(urgent)} "


def _rank(urgent: bool) -> str:
    # As words they sort the urgent first.
    return "urgent" if urgent else "usual"
