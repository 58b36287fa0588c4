"""Executions beside the recorded history, which has none: one that a command started, one that a STOP ended."""

from dataclasses import replace

import orjson

from services.checker.history import Entry, History
from services.checker.topics import ACCEPTED, RESULTS, STARTS, STUDIO
from services.contract.partition import partition_of

STARTED, STOPPED = "FN" + "1" * 32, "FN" + "2" * 32
WHO, OTHER, FLOW, OURS = "+12025550198", "+12025550197", "FW" + "1" * 32, "+14155550100"
CONTACT = "acme|" + "e" * 32
AT, COMMAND = "2026-11-28T23:00:00.000Z", "survey-1"
_MS = 1_796_166_000_000


def with_executions(history: History) -> History:
    entries = list(history.entries)
    partitions = 1 + max(entry.partition for entry in entries if entry.topic == ACCEPTED)

    def add(topic: str, key: str, **event: object) -> None:
        partition = partition_of(key.encode(), partitions)
        offsets = [one.offset for one in entries if (one.topic, one.partition) == (topic, partition)]
        value = orjson.dumps({"tenant": "acme", **event})
        at = max(offsets, default=-1) + 1
        entries.append(Entry(topic, partition, at, _MS, key.encode(), value, ()))

    add(STARTS, COMMAND, command_id=COMMAND, to=WHO, flow_sid=FLOW, **{"from": OURS})
    names = {"command_id": COMMAND, "contact": CONTACT}
    add(
        ACCEPTED, CONTACT, **names, event_type="execution_accepted", event_id="execution-accepted", accepted_at=AT,
        sequence=0, not_before=None, not_after="2026-11-29T23:00:00.000Z", to=WHO, flow_sid=FLOW,
        messaging_service_sid=None, label=None, urgent=False, **{"from": OURS},
    )  # fmt: skip
    for number, step in enumerate(("accepted", "attempted", "sent")):
        sid = STARTED if step == "sent" else None
        read = {ACCEPTED: 0, "twilio.inbound.v1": 0, "twilio.outcomes.v1": 0}
        add(
            RESULTS, f"acme|{COMMAND}", **names, event_type="command_result", event_id=f"result-{step}", at=AT,
            step=step, terminal=step == "sent", attempt=min(number, 1), execution_sid=sid,
            receipt={"offsets": read} if step == "attempted" else None,
        )  # fmt: skip
    add(
        STUDIO, STOPPED, event_type="execution_stopped", event_id="execution-stopped", seen_at=AT, contact=CONTACT,
        account_sid="AC1", flow_sid=FLOW, execution_sid=STOPPED, by="a STOP", outcome="ended",
    )  # fmt: skip
    witness = history.witness
    assert witness is not None
    shown = [
        {"sid": STARTED, "account_sid": "AC1", "flow_sid": FLOW, "to": WHO, "status": "active", "by_api": True},
        {"sid": STOPPED, "account_sid": "AC1", "flow_sid": FLOW, "to": OTHER, "status": "ended", "by_api": False},
    ]
    return History(entries, replace(witness, executions=shown))
