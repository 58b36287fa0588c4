"""Studio: commands put people into a flow at Twilio, which hears what they answer; we hear it by reading its steps."""

from dataclasses import replace
from typing import Any

import msgspec

from services.contract.studio import STARTS
from services.demo.chapters.cast import blocked, person, sends, writes
from services.demo.chapters.stop import ON_PAPER, SUPPRESSED
from services.demo.script import BEGINNING_S, Chapter, Command, MoveClock, Produce, Steer, Watch, Write
from services.demo.settings import ACCOUNTS, ACME_CARE, ACME_FLOW, ACME_SURVEY, FAULTS

ANSWERS, STOPS, BUSY, AGAIN = (person(600 + number) for number in range(4))
_BUSY = 20409
# No callback settles a start that Twilio carries out and answers with 500: its contact would wait a minute for lists.
_KNOWN_ENDS = {**FAULTS, "error_after": 0.0}
# After the chapter before; each execution is read again within half a minute.
_READ_S = BEGINNING_S + 200.0


def _state(name: str, kind: str, properties: dict[str, str], *leads: tuple[str, str | None]) -> dict[str, Any]:
    transitions = [{"event": event} | ({"next": after} if after else {}) for event, after in leads]
    return {"name": name, "type": kind, "properties": properties, "transitions": transitions}


_SURVEY = {
    "description": "Were you content?",
    "initial_state": "Trigger",
    "states": [
        _state("Trigger", "trigger", {}, ("incomingRequest", "ask")),
        _state(
            "ask",
            "send-and-wait-for-reply",
            {"body": "Dear {{flow.data.name}}, were you content?", "timeout": "3600"},
            ("incomingMessage", "thank"),
            ("timeout", None),
        ),
        _state("thank", "send-message", {"body": "Thank you."}, ("sent", None), ("failed", None)),
    ],
}


def _starts(name: str, to: str, sender: str = ACME_FLOW, conflict: str = "leave") -> Command:
    value = {
        "command_id": name, "tenant": "acme", "flow_sid": ACME_SURVEY, "to": to, "from": sender,
        "parameters": {"name": "Ada"}, "conflict": conflict,
    }  # fmt: skip
    return Command(name, msgspec.json.encode(value), "sent", topic=STARTS.name)


CHAPTER = Chapter(
    "a flow",
    "started by commands; a STOP in it blocks, and ends what its person is in",
    (
        Steer(
            f"flows/{ACME_SURVEY}",
            {"account_sid": ACCOUNTS["acme"], "definition": _SURVEY, "numbers": [ACME_FLOW]},
        ),
        Watch("acme", ACME_SURVEY),
        Steer("faults", _KNOWN_ENDS),
        Produce(
            (
                _starts("flow-answers", ANSWERS),
                _starts("flow-stops", STOPS),
                # The flow waits at another number of ours for somebody who answers at this one.
                replace(_starts("flow-stopped", STOPS, ACME_CARE), stopped=True),
                _starts("flow-busy-1", BUSY),
                _starts("flow-again-1", AGAIN),
                replace(_starts("flow-blocked", ON_PAPER), step="blocked", rule=SUPPRESSED),
            )
        ),
        # Records of different keys have no order, so what needs the first of them comes after its result.
        Produce(
            (
                replace(_starts("flow-busy-2", BUSY), step="failed", code=_BUSY),
                _starts("flow-again-2", AGAIN, conflict="restart"),
            )
        ),
        Steer("faults"),
        Write((writes(ANSWERS, ACME_FLOW, "Very much"), writes(STOPS, ACME_FLOW, "STOP"))),
        MoveClock(_READ_S),
        Produce(
            (
                sends("after-answer", ANSWERS, from_=ACME_FLOW, body="We are glad."),
                blocked(SUPPRESSED, "after-flow-stop", STOPS, from_=ACME_FLOW, body="We are sorry."),
                replace(_starts("flow-not-again", STOPS), step="blocked", rule=SUPPRESSED),
            )
        ),
    ),
)
