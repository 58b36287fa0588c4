"""Of products that create no messages a result is no message that was lost, whichever SID it names."""

import pytest

from services.checker.commands import CALLED
from services.checker.facts import Facts
from services.checker.promises import creates, sent
from services.checker.topics import ACCEPTED, RESULTS

from .good import Spoilt, event

MESSAGE = "SM" + "9" * 32


@pytest.mark.parametrize("kind", CALLED)
def test_what_creates_no_message_is_none_that_was_lost(kind: str) -> None:
    log = Spoilt()
    told = log.first(RESULTS, step="sent")
    name = {"command_id": "one more", "contact": event(told)["contact"], "tenant": event(told)["tenant"]}
    log.add(log.first(ACCEPTED, event_type="send_accepted"), event_type=kind, event_id="accepted", **name)
    log.add(told, event_id="sent", message_sid=MESSAGE, **name)
    lost = [line for promise in (sent, creates) for line in promise.look(Facts(log.history)).lost]
    assert len(lost) == (2 if kind == "send_accepted" else 0), lost
