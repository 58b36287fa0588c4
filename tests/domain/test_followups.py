"""Commands about messages that exist: what is taken, what the gate asks of them, and that a call is made again."""

from typing import Any

import msgspec
import pytest

from services.contract.commands import read_follow_up
from services.domain.contact import contact_key
from services.domain.followups.commands import FollowUp, FollowUpAccepted
from services.domain.followups.effects import EFFECTS, FollowedUp
from services.domain.followups.intake import accept
from services.domain.gate.decide import decide
from services.domain.identity import Place
from services.domain.outbox.entry import row_key
from services.domain.outbox.facts import Attempted, Attempting, Unknown
from services.domain.outbox.fold import Outbox
from services.domain.outbox.lists import lists
from services.domain.outbox.pauses import Pause
from services.domain.outbox.verdicts import ALLOW
from services.domain.results import result
from services.sender.followups.asking import ask
from tests.domain.test_gate import UNREAD, out, view
from tests.domain.test_intake import AT, RULES
from tests.sender.histories import at

SID = "SM" + "a" * 32
COMMAND = FollowUp(command_id="f1", tenant="acme", action="redact", to="+14155550123", of_command="order-18473")
OUTBOX = Outbox((EFFECTS,), result)


def judged(**changed: Any) -> FollowUpAccepted | list[str]:
    return accept(msgspec.structs.replace(COMMAND, **changed), RULES, AT, Place(0, 7), AT)


def taken(**changed: Any) -> FollowUpAccepted:
    command = judged(**changed)
    assert isinstance(command, FollowUpAccepted), command
    return command


def test_it_has_an_order_of_its_own_beside_the_contact() -> None:
    command = taken()
    assert command.contact == contact_key("acme", "+14155550123", b"secret")
    assert command.order_key.startswith(f"{command.contact}|")
    assert not row_key(command).startswith(f"{command.contact} "), "it is none of the contact's messages"
    assert taken(to=None, contact=command.contact).order_key == command.order_key


@pytest.mark.parametrize(
    ("changed", "faults"),
    [
        ({"to": None}, ["to, contact"]),
        ({"contact": "acme|" + "0" * 32}, ["to, contact"]),
        ({"to": None, "contact": "globex|" + "0" * 32}, ["contact"]),
        ({"to": "nobody"}, ["to"]),
        ({"of_command": None}, ["of_command, message_sid"]),
        ({"message_sid": SID}, ["of_command, message_sid"]),
        ({"of_command": None, "message_sid": "SM1"}, ["message_sid"]),
        ({"of_command": "two words"}, ["of_command"]),
        ({"command_id": ""}, ["command_id"]),
        ({"action": "feedback"}, ["outcome"]),
        ({"outcome": "confirmed"}, ["outcome"]),
        ({"action": "typing"}, ["message_sid"]),
        ({"not_after": "soon"}, ["not_after"]),
    ],
)
def test_what_is_wrong_is_told(changed: dict[str, Any], faults: list[str]) -> None:
    found = judged(**changed)
    assert isinstance(found, list)
    assert [fault.split(":")[0] for fault in found] == faults


@pytest.mark.parametrize(
    "said",
    [{"action": "shred"}, {"event_type": "send_message"}, {"outcome": "maybe"}, {"action": None}, {"extra": 1}],
)
def test_what_is_no_such_command_is_refused(said: dict[str, Any]) -> None:
    least = {"command_id": "f1", "tenant": "acme", "action": "redact", "to": "+14155550123", "of_command": "o"}
    assert isinstance(read_follow_up(least), FollowUp)
    assert isinstance(read_follow_up(least | said), list)


def test_of_what_nobody_gets_nobody_is_asked() -> None:
    closed = view(suppressed=out("tenant"), held=UNREAD, recipient_allowed=False)
    for action, more in (("redact", {}), ("delete", {}), ("feedback", {"outcome": "confirmed"})):
        assert decide(question(action, **more), closed) == ALLOW
        assert decide(question(action, **more), view(dry_run=True)).rule == "dry_run"
        assert decide(question(action, **more), view(tenant_closed=True)).rule == "closed"
        assert decide(question(action, **more), view(stopped=Pause(scope="tenant", by="x", at=at(0)))) != ALLOW


def test_typing_is_seen_and_so_a_no_counts() -> None:
    asked = question("typing", of_command=None, message_sid=SID)
    assert decide(asked, view()) == ALLOW
    assert decide(asked, view(suppressed=out("tenant"))).rule == "suppressed"
    assert decide(asked, view(held=UNREAD)).rule == "hold"
    assert decide(asked, view(recipient_allowed=False)).rule == "recipients"
    assert taken(action="typing", of_command=None, message_sid=SID).not_after == "2026-02-21T18:23:11.123Z"


def question(action: str, **more: Any) -> Any:
    return msgspec.structs.replace(ask(taken(action=action, **more)), not_after=at(60))


def folded(entry: Any, event: Any) -> tuple[Any, list[Any]]:
    after, told = OUTBOX.fold(entry, event)
    return after, list(told)


def test_a_call_without_a_known_end_is_made_again_and_never_ambiguous() -> None:
    command = taken()
    entry, told = folded(None, command)
    names = {"order_key": command.order_key, "command_id": command.command_id}
    steps = [one.step for one in told]
    for attempt in (1, 2, 3):
        entry, told = folded(entry, Attempting(**names, at=at(attempt), attempt=attempt, deadline=at(60)))
        steps += [one.step for one in told]
        unknown = Attempted(**names, at=at(attempt), attempt=attempt, outcome=Unknown(reason="killed"))
        entry, told = folded(entry, unknown)
        assert folded(entry, unknown) == (entry, []), "told twice"
        steps += [one.step for one in told]
        assert entry.state == "deferred"
        assert entry.until > at(attempt)
        entry = msgspec.structs.replace(entry, state="pending", until=None)
        assert "doubt" not in lists(entry)
    entry, _ = folded(entry, Attempting(**names, at=at(9), attempt=4, deadline=at(60)))
    entry, told = folded(entry, Attempted(**names, at=at(9), attempt=4, outcome=FollowedUp(sid=SID)))
    assert steps == ["accepted", *["attempted", "retrying"] * 3]
    assert [(one.step, one.message_sid, one.contact) for one in told] == [("sent", SID, command.contact)]
    assert folded(entry, msgspec.structs.replace(command, event_id="again"))[1][0].step == "repeated"
