"""Who may be written to, from what was played alone: what people wrote, as Twilio told of it, and consent commands.

Written without the product's sets of marks: statements in the order in which they were made, each with its time.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.demo.script import Command
from services.demo.settings import ACCOUNTS, CONFIRM_START, CONFIRM_STOP
from services.demo.twilio import Posted

# What each word means, as a person reads it: every other text says nothing about consent.
_OUT = frozenset(
    {"STOP", "stop", " stop all! ", "Unsubscribe", "revoke", "Stop ❤️", "ＳＴＯＰ.", "¡Baja!", "Opt-Out", "ARRÊT"}
)
_IN = frozenset({"START", "start", "Yes", "Subscribe", "ALTA"})
_TENANTS = {account: tenant for tenant, account in ACCOUNTS.items()}
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_WHATSAPP = "whatsapp:"
# Of two webhooks so close to each other nobody knows which was said first, until Twilio is asked for their dates.
_UNSURE = timedelta(seconds=60)


@dataclass(frozen=True)
class Statement:
    """Somebody said yes or no. `answered`: where we have to answer it ourselves. `dated`: by Twilio."""

    who: str
    action: str
    scopes: tuple[str, ...]
    source: str
    at: datetime
    proof: str = ""
    answered: str = ""
    dated: datetime | None = None


def statements(commands: Sequence[Command], posted: Sequence[Posted]) -> list[Statement]:
    """All that was said, each once, in the order of its time."""
    # Of a message that was told of twice, the first time counts.
    # What a flow heard is read from it, and is a word as any other.
    heard = {one.sid: one for one in reversed(posted) if (one.kind == "inbound" and one.acknowledged) or one.in_flow}
    said = [statement for one in heard.values() if (statement := _written(one, one.parameters))]
    said += [_commanded(json.loads(one.value)) for one in commands if one.step == "recorded"]
    said += [_refused(json.loads(one.value)) for one in commands if one.code == 21610]
    return sorted(said, key=lambda one: one.at)


def evidence(said: Iterable[Statement]) -> Counter[str]:
    """How often `twilio.consent.v1` must tell each: what was asked for its date is told with it once more."""
    said = list(said)
    again = [one for one in said if any(_close(one, other) for other in said)]
    return Counter(told(one.who, one.action, one.source, one.proof) for one in [*said, *again])


def told(who: str, action: str, source: str, proof: str) -> str:
    """One piece of evidence in words."""
    return f"{who} {action} by {source}" + (f" ({proof})" if proof else "")


def suppressions(said: Sequence[Statement]) -> dict[str, str]:
    """What stands in the end for everyone who ever opted out, as `in_words` says it."""
    outs = {one.who for one in said if one.action == "opt_out"}
    return {who: in_words(_standing([one for one in said if one.who == who])) for who in outs}


def in_words(scopes: dict[str, str]) -> str:
    """Scope → source, in one spelling."""
    return ", ".join(f"{scope} ({source})" for scope, source in sorted(scopes.items())) or "nobody"


def confirmations(said: Sequence[Statement]) -> Counter[str]:
    """What we must have answered, by whom and what: on WhatsApp, to what changed something."""
    answers: Counter[str] = Counter()
    before: defaultdict[str, list[Statement]] = defaultdict(list)
    for one in said:
        # What is settled later, by dates, nobody is told of.
        was = _standing(before[one.who], dated=False)
        before[one.who].append(one)
        now = _standing(before[one.who], dated=False)
        blocked_before, blocked_now = (any(scope in state for scope in (*one.scopes, "tenant")) for state in (was, now))
        if one.answered and blocked_before != blocked_now:
            answers[f"{one.answered} {CONFIRM_STOP if blocked_now else CONFIRM_START}"] += 1
    return answers


def _close(one: Statement, other: Statement) -> bool:
    """A yes and a no of one person, to the same sender, of which webhooks do not tell which came first."""
    return (
        one.who == other.who
        and one.action != other.action
        and {one.source, other.source} <= {"keyword", "opt_out_type"}
        and bool(set(one.scopes) & set(other.scopes))
        and abs(one.at - other.at) <= _UNSURE
    )


def _lifts(yes: Statement, no: Statement, dated: bool) -> bool:
    if dated and _close(yes, no):
        # Twilio's dates have seconds.
        return (yes.dated or yes.at).replace(microsecond=0) > (no.dated or no.at).replace(microsecond=0)
    return yes.at - no.at > _UNSURE


def _standing(said: Sequence[Statement], dated: bool = True) -> dict[str, str]:
    """Scope → source of the first opt-out there that no later opt-in lifted. `dated`: Twilio's dates are known."""
    found: dict[str, str] = {}
    for out in (one for one in said if one.action == "opt_out"):
        for scope in out.scopes:
            lifted = any(
                one.action == "opt_in" and _lifts(one, out, dated) and {scope, "tenant"} & set(one.scopes)
                for one in said
            )
            if not lifted:
                found.setdefault(scope, out.source)
    return found


def _written(one: Posted, fields: dict[str, Any]) -> Statement | None:
    body, address, ours = fields["Body"], fields["From"], fields["To"]
    if body not in _OUT | _IN:
        return None
    service = fields.get("MessagingServiceSid")
    by_twilio = "OptOutType" in fields
    return Statement(
        who=f"{_TENANTS[fields['AccountSid']]} {address.removeprefix(_WHATSAPP)}",
        action="opt_out" if body in _OUT else "opt_in",
        scopes=(f"sender:{ours}", *((f"service:{service}",) if service else ())),
        source="opt_out_type" if by_twilio else "keyword",
        at=one.at,
        answered=address if address.startswith(_WHATSAPP) and not by_twilio else "",
        dated=one.dated,
    )


def _commanded(fields: dict[str, Any]) -> Statement:
    # A no, whatever its date, and what has none were said when they were produced: after all that is dated.
    given_at = fields.get("given_at") if fields["action"] == "opt_in" else None
    return Statement(
        who=f"{fields['tenant']} {fields['address'].removeprefix(_WHATSAPP)}",
        action=fields["action"],
        scopes=(f"sender:{fields['sender']}",) if "sender" in fields else ("tenant",),
        source="command",
        at=datetime.fromisoformat(given_at) if given_at else _LAST,
        proof=fields["proof"],
    )


def _refused(fields: dict[str, Any]) -> Statement:
    scopes = (f"sender:{fields['from']}",)
    return Statement(f"{fields['tenant']} {fields['to']}", "opt_out", scopes, "twilio_21610", _FIRST)
