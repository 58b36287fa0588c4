"""One fault each: the words of the promise that it breaks, the kind of fault, what the finding must say, and how it is
planted in the good history."""

from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from services.checker.history import Entry, produced
from services.checker.topics import (
    ACCEPTED,
    CONSENT,
    DELIVERABILITY,
    DELIVERY,
    DELIVERY_ROWS,
    INBOUND,
    MESSAGES,
    OUTCOMES,
    RESULTS,
    SENDERS,
    SENT,
    SESSIONS,
    STATUS,
    STUDIO,
    SUPPRESSION,
    dead_of,
)
from tests.checker import executions
from tests.checker.good import Spoilt, event

WEBHOOKS, IDS, ONCE, RESULT = "each webhook", "same fact has", "derived event", "one terminal result"
FOLLOWED = "its results tell"
CREATES, TOLD, STOP, WINDOW = "at most one create", "told as a message", "opted out before", "no free text"
COUNTED = "each message is counted"
STANDS, CONSENTED, OPEN, KEYS = "each message stands", "may be written to", "windows are open", "one person has one key"
ORDER, DEAD, WAITS = "in their order", "dead letter", "before its time"
CLOCKS = "dated no later"
_LONG_AGO = "2020-01-01T00:00:00.000Z"
_SERVICE = "MG" + "d" * 32


class Planted(NamedTuple):
    promise: str
    kind: str
    says: str
    plant: Callable[[Spoilt], Any]


def _told(log: Spoilt, **fields: Any) -> Any:
    return log.first(RESULTS, **fields)


def _lose_webhook(log: Spoilt) -> None:
    status = event(log.first(STATUS, message_status="sent"))
    log.remove(*log.all(STATUS, raw=status["raw"]))


def _post_otherwise(log: Spoilt) -> None:
    status = log.first(STATUS, message_status="sent")
    log.change(status, raw={**event(status)["raw"], "RawDlrDoneDate": "1"})


def _reject_twice(log: Spoilt) -> None:
    log.add(_told(log, step="rejected", command_id="no-consent"), event_id="another")


def _produce_again(log: Spoilt, **fields: Any) -> Entry:
    """One more record of a command that was sent."""
    told = event(_told(log, step="sent"))
    taken = log.first(ACCEPTED, event_type="send_accepted", command_id=told["command_id"])
    return log.add(taken, event_id="again", sequence=99_999, **fields)


def _answer_again(log: Spoilt, last_step: str = "sent") -> None:
    _produce_again(log)
    told = _told(log, step="sent")
    log.add(told, event_id="answer", step="repeated", terminal=False, last_step=last_step)


def _too_early(log: Spoilt) -> None:
    told = event(_told(log, step="attempted"))
    log.change(log.first(ACCEPTED, command_id=told["command_id"]), not_before="2999-01-01T00:00:00.000Z")


def _moved(log: Spoilt, taken: bool = True) -> None:
    """To a later time, before it was tried all the same."""
    told = event(_told(log, step="attempted"))
    command = log.first(ACCEPTED, command_id=told["command_id"], event_type="send_accepted")
    names = {name: told[name] for name in ("tenant", "command_id", "contact")}
    at = {"accepted_at": told["at"], "not_before": "2999-01-01T00:00:00.000Z"}
    said = {"event_type": "reschedule_accepted", "event_id": "moved", "by": "ann", **names, **at}
    log.entries.append(command._replace(offset=-1, value=orjson.dumps(said)))
    step = "rescheduled" if taken else "reschedule_refused"
    log.add(_told(log, step="attempted"), event_id="moved result", step=step, terminal=False)


def _pause(log: Spoilt, ended: bool = False) -> None:
    """Before all else on the partition of a command that was tried."""
    told = event(_told(log, step="attempted"))
    command = log.first(ACCEPTED, command_id=told["command_id"], event_type="send_accepted")
    scope = f"tenant {told['tenant']}"
    for offset, kind in [(-2, "pause_placed")] + [(-1, "pause_ended")] * ended:
        said = {"event_type": kind, "event_id": kind, "key": "|every-1", "tenant": told["tenant"], "scope": scope}
        log.entries.append(command._replace(offset=offset, key=b"|every-1", value=orjson.dumps(said)))


def _start_twice(log: Spoilt) -> None:
    """Twilio has one more of the same person and flow, which no result names."""
    log.witness.executions.append({**log.witness.executions[0], "sid": "FN" + "3" * 32})


def _start_twice_in_doubt(log: Spoilt) -> None:
    """Its command's end was not known once."""
    told = _told(log, step="attempted", command_id=executions.COMMAND)
    log.add(told, step="ambiguous", event_id="in doubt")
    _start_twice(log)


def _start_one_for_two(log: Spoilt) -> None:
    accepted = log.first(ACCEPTED, event_type="execution_accepted")
    log.add(accepted, command_id="survey-2", event_id="another")
    log.add(_told(log, command_id=executions.COMMAND, step="sent"), command_id="survey-2", event_id="another end")


def _start_somebody_else(log: Spoilt) -> None:
    log.witness.executions[0]["to"] = executions.OTHER


def _go_on(log: Spoilt) -> None:
    log.witness.executions[1]["status"] = "active"


def _start_after_a_stop(log: Spoilt) -> None:
    """An opt-out of the whole tenant that the verdict had read."""
    said = log.first(CONSENT, action="opt_out")
    attempted = log.first(RESULTS, step="attempted", command_id=executions.COMMAND)
    stop = log.first(INBOUND, lambda one: (one.get("heard") or {}).get("says") == "stop")
    here = log.first(ACCEPTED, event_type="execution_accepted").partition
    offset = max((one.offset for one in log.all(INBOUND) if one.partition == here), default=-1) + 1
    log.entries.append(
        stop._replace(
            partition=here, offset=offset, key=executions.CONTACT.encode(), timestamp=attempted.timestamp - 60_000,
            value=orjson.dumps({**event(stop), "event_id": "the stop", "contact": executions.CONTACT,
                                "to": executions.OURS, "from": executions.WHO, "linked": [],
                                "message_sid": "SM" + "9" * 32}),
        )
    )  # fmt: skip
    assert said
    log.change(attempted, receipt={"offsets": {**event(attempted)["receipt"]["offsets"], INBOUND: offset + 1}})


def _ghost(log: Spoilt) -> None:
    log.add(_told(log, step="blocked"), command_id="ghost", event_id="ghost")


def _lose_produced(log: Spoilt) -> None:
    log.witness.produced.append(produced(MESSAGES, b"key-7", b'{"command_id":"key-7"}'))


def _pending(log: Spoilt) -> None:
    log.remove(*log.all(RESULTS, command_id="inside-1", step="sent"))


def _create_twice(log: Spoilt) -> None:
    log.witness.messages.append({**log.message("inside-1"), "sid": "SM" + "1" * 32})


def _create_blocked(log: Spoilt) -> None:
    blocked = _told(log, command_id="outside-1", step="blocked")
    log.create(blocked, event(blocked)["at"], To="whatsapp:+1", From="whatsapp:+2")


def _lose_message(log: Spoilt) -> None:
    log.witness.messages.remove(log.message("inside-1"))


def _name_another(log: Spoilt) -> None:
    log.change(_told(log, command_id="inside-1", step="sent"), message_sid="SM" + "2" * 32)


def _unattempted(log: Spoilt) -> None:
    log.remove(*log.all(RESULTS, command_id="demo-00022", step="attempted"))


def _created_before(log: Spoilt) -> None:
    log.message("demo-00022")["statuses"][0]["at"] = _LONG_AGO


def _sent_to_the_stopped(log: Spoilt, **receipt: Any) -> Any:
    """The command came after the STOP, is attempted and created."""
    blocked = _told(log, command_id="stopped-sms-0", step="blocked")
    fields = {"step": "attempted", "terminal": False, "attempt": 1, "event_id": "attempt", **receipt}
    log.add(blocked, **fields)
    stop = event(log.first(INBOUND, contact=event(blocked)["contact"]))
    log.create(blocked, event(blocked)["at"], To=stop["from"], From=stop["to"])
    return stop


def _stop_by_clock(log: Spoilt) -> None:
    _sent_to_the_stopped(log, receipt=None)


def _stop_by_acknowledgement(log: Spoilt) -> None:
    stop = _sent_to_the_stopped(log, receipt=None)
    log.remove(*log.all(CONSENT, contact=stop["contact"]))


def _stop_by_receipt(log: Spoilt) -> None:
    """By the clocks it could have come later, but the verdict had read it."""
    _sent_to_the_stopped(log)
    for command in log.all(MESSAGES, command_id="stopped-sms-0"):
        log.put(command, command._replace(timestamp=0))
    for accepted in log.all(ACCEPTED, command_id="stopped-sms-0"):
        log.change(accepted, accepted_at="1970-01-01T00:00:00.000Z")


def _by_a_sibling(log: Spoilt) -> Any:
    """Both numbers were long known to be in one service."""
    stop = _sent_to_the_stopped(log, receipt=None)
    log.witness.messages[-1]["params"]["From"] = "+14155550199"
    services = {"services": {_SERVICE: {"since": _LONG_AGO, "last": _LONG_AGO}}}
    told = {"event_id": "senders", "tenant": "acme", "senders": {stop["to"]: services, "+14155550199": services}}
    log.entries.append(Entry(SENDERS, 0, 0, 0, b"acme|list", orjson.dumps(told), ()))
    return stop


def _started_at_a_sibling(log: Spoilt) -> None:
    stop = _by_a_sibling(log)
    raw = {**stop["raw"], "Body": "START", "MessageSid": "SM5", "MessagingServiceSid": _SERVICE}
    at = f"{int(stop['received_at'][:4]) + 1}{stop['received_at'][4:]}"
    start = log.first(INBOUND, event_id=stop["event_id"])
    heard = {"says": "start", "by": "body", "word": "start", "consents": True, "releases": True}
    other = {"to": "+14155550188", "body": "START", "message_sid": "SM5", "event_id": "start", "heard": heard}
    log.add(start, received_at=at, raw=raw, **other)


def _refused_by_twilio(log: Spoilt) -> None:
    blocked = _told(log, command_id="not-asked-again", step="blocked")
    log.add(blocked, step="attempted", terminal=False, attempt=1, event_id="attempt", receipt=None)
    sender = event(log.first(OUTCOMES, error_code=21610))["sender"]
    log.create(blocked, event(blocked)["at"], To="+1", From=sender)


def _outside_window(log: Spoilt) -> None:
    log.message("inside-1")["resource"]["error_code"] = 63016


def _sid(log: Spoilt) -> str:
    """Of a message that was delivered, and of which several steps before that were told."""
    return next(
        str(event(last)["message_sid"])
        for last in log.all(DELIVERY, status="delivered")
        if len(log.all(DELIVERY, message_sid=event(last)["message_sid"])) > 2
    )


def _untold_message(log: Spoilt) -> None:
    log.remove(*log.all(DELIVERY, message_sid=_sid(log)))


def _step_missing(log: Spoilt) -> None:
    log.remove(log.all(DELIVERY, message_sid=_sid(log))[1])


def _step_back(log: Spoilt) -> None:
    steps = log.all(DELIVERY, message_sid=_sid(log))
    back = {"status": "sent", "previous_status": "delivered", "final": False, "event_id": "back"}
    log.add(steps[-1], **back)


def _wrong_state(log: Spoilt) -> None:
    log.change(log.all(DELIVERY, message_sid=_sid(log))[-1], error_code=30003)


def _nowhere(log: Spoilt) -> None:
    log.change(log.all(DELIVERY, message_sid=_sid(log))[-1], counted_now=None)


def _another_minute(log: Spoilt) -> None:
    last = log.all(DELIVERY, message_sid=_sid(log))[-1]
    log.change(last, counted_now={**event(last)["counted_now"], "minute": "2026-01-01T00:00:00.000Z"})


def _too_many(log: Spoilt) -> None:
    log.change(log.all(DELIVERABILITY)[-1], delivered=999)


def _no_errors(log: Spoilt) -> None:
    for counts in log.all(DELIVERABILITY, lambda one: bool(one["errors"])):
        log.change(counts, errors={})


def _row(log: Spoilt) -> Any:
    return [row for row in log.entries if row.topic == DELIVERY_ROWS and row.key.decode().startswith(_sid(log))][-1]


def _row_lost(log: Spoilt) -> None:
    log.put(_row(log), _row(log)._replace(value=None))


def _row_older(log: Spoilt) -> None:
    """A late write of one who had lost the partition."""
    first = next(row for row in log.entries if row.topic == DELIVERY_ROWS and row.key.decode().startswith(_sid(log)))
    log.add(first)


def _no_outcome(log: Spoilt) -> None:
    log.remove(*log.all(OUTCOMES, message_sid=_sid(log)))


def _other_outcome(log: Spoilt) -> None:
    log.change(log.all(OUTCOMES, message_sid=_sid(log))[-1], status="undelivered")


def _stop_contact(log: Spoilt) -> str:
    return str(event(_told(log, command_id="stopped-sms-3", step="blocked"))["contact"])


def _unsuppressed(log: Spoilt) -> None:
    log.remove(*log.all(SUPPRESSION, contact=_stop_contact(log)))


def _released(log: Spoilt) -> None:
    log.change(log.all(SUPPRESSION, contact=_stop_contact(log))[-1], suppressed={})


def _hasty_start(log: Spoilt) -> None:
    """START within a minute lifts nothing."""
    contact = event(_told(log, command_id="hasty", step="blocked"))["contact"]
    log.add(log.all(SUPPRESSION, contact=contact)[-1], suppressed={}, event_id="hasty")


def _window_untold(log: Spoilt) -> None:
    log.remove(*log.all(SESSIONS, contact=event(log.first(SESSIONS))["contact"]))


def _last_open(log: Spoilt) -> Any:
    return next(one for one in reversed(log.all(SESSIONS, lambda told: bool(told["windows"]), change="opened")))


def _window_forgotten(log: Spoilt) -> None:
    log.change(_last_open(log), windows={})


def _window_longer(log: Spoilt) -> None:
    last = _last_open(log)
    log.change(last, windows=dict.fromkeys(event(last)["windows"], "2099-01-01T00:00:00.000Z"))


def _window_of_nobody(log: Spoilt) -> None:
    log.add(log.first(SESSIONS), contact="acme|nobody")


def _two_keys(log: Spoilt) -> None:
    log.change(log.first(INBOUND, body="Yes"), contact="acme|" + "0" * 32)


def _two_people(log: Spoilt) -> None:
    one = log.first(INBOUND, lambda said: len(log.all(INBOUND, contact=said["contact"])) > 1)
    log.change(one, **{"from": "+4477009999999"})


def _other_partition(log: Spoilt) -> None:
    moved = log.first(OUTCOMES)
    log.put(moved, moved._replace(partition=(moved.partition + 1) % 4, offset=10_000))


def _other_key(log: Spoilt) -> None:
    status = log.first(STATUS)
    log.put(status, status._replace(key=b"SM0"))


def _out_of_order(log: Spoilt) -> None:
    """The second of two commands to one person is created first."""
    messages = log.witness.messages
    first, second = log.message("demo-00038"), log.message("demo-00039")
    one, other = messages.index(first), messages.index(second)
    messages[one], messages[other] = second, first


def _letter(log: Spoilt) -> Any:
    return log.first(dead_of(MESSAGES))


def _headers(letter: Any, **other: bytes) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, other.get(name.replace("-", "_"), content)) for name, content in letter.headers)


def _unread(log: Spoilt) -> Any:
    """Something of a person's could not be read, and was put aside; they are not held yet."""
    good = log.first(INBOUND, lambda said: bool(log.all(ACCEPTED, contact=said["contact"])))
    poison = log.add(good)._replace(value=b"?")
    log.entries[-1] = poison
    told = {"source_topic": INBOUND, "source_partition": str(poison.partition), "source_offset": str(poison.offset)}
    headers = _headers(_letter(log), **{name: text.encode() for name, text in told.items()})
    log.entries.append(poison._replace(topic=dead_of(INBOUND), offset=0, headers=headers))
    return poison


def _hold(log: Spoilt, contact: str, position: str, **fields: Any) -> Any:
    """At the beginning of its partition, before all verdicts."""
    like = next(one for one in log.entries if one.topic == ACCEPTED and event(one)["contact"] == contact)
    held = {"event_type": "hold_placed", "event_id": f"hold {position} {len(log.entries)}", "contact": contact}
    value = held | {"tenant": "acme", "hold": position, "at": _LONG_AGO, "app": "switchboard-processor"} | fields
    log.entries.append(like._replace(offset=-1 - len(fields), value=orjson.dumps(value)))


def _sent_to_the_held(log: Spoilt) -> None:
    command = event(_told(log, command_id="inside-1", step="sent"))
    _hold(log, command["contact"], f"{INBOUND}/0@0")


def _not_told_as_held(log: Spoilt) -> None:
    poison = _unread(log)
    _hold(log, poison.key.decode(), f"{INBOUND}/{poison.partition}@{poison.offset}")


def _no_letter(log: Spoilt) -> None:
    log.remove(_letter(log))


def _cut_letter(log: Spoilt) -> None:
    letter = log.first(dead_of(MESSAGES), lambda _: True)
    log.put(letter, letter._replace(value=b"other"))


def _no_reason(log: Spoilt) -> None:
    log.put(_letter(log), _letter(log)._replace(headers=()))


def _defect(log: Spoilt) -> None:
    log.put(_letter(log), _letter(log)._replace(headers=_headers(_letter(log), reason=b"defect")))


def _buried_alive(log: Spoilt) -> None:
    status = log.first(STATUS)
    source = {"source_topic": STATUS, "source_partition": str(status.partition), "source_offset": str(status.offset)}
    told = {name: text.encode() for name, text in source.items()}
    headers = _headers(_letter(log), **told)
    log.entries.append(status._replace(topic=dead_of(STATUS), offset=0, headers=headers))


def _buried_command(log: Spoilt) -> None:
    command = log.first(MESSAGES, command_id="inside-1")
    headers = _headers(
        _letter(log), source_partition=str(command.partition).encode(), source_offset=str(command.offset).encode()
    )
    log.entries.append(command._replace(topic=dead_of(MESSAGES), offset=10_000, headers=headers))


def _elsewhere(log: Spoilt) -> None:
    letter = _letter(log)
    log.put(letter, letter._replace(topic=dead_of(STATUS)))


def _row_of_another(log: Spoilt) -> None:
    log.change(_row(log), command_id="other")


def _end_of_nobody(log: Spoilt) -> None:
    log.add(log.first(OUTCOMES), message_sid="SM7", event_id="nobody")


def _rejected_softly(log: Spoilt) -> None:
    log.change(_told(log, step="rejected", command_id="no-consent"), terminal=False)


def _other_sender(log: Spoilt) -> None:
    last = _last_open(log)
    windows = {**event(last)["windows"], "whatsapp:+14155550199": "2099-01-01T00:00:00.000Z"}
    log.add(last, windows=windows, event_id="other")


def _never_said(log: Spoilt) -> None:
    steps = log.all(DELIVERY, message_sid=_sid(log))
    log.change(steps[1], status="receiving")


def _of_another_tenant(log: Spoilt) -> None:
    contact = event(log.first(INBOUND, tenant="acme"))["contact"].replace("acme", "globex")
    moved = log.first(INBOUND, tenant="acme")
    log.change(moved, contact=contact)


def _paper_released(log: Spoilt) -> None:
    """An opt-out of the whole tenant holds for every sender."""
    blocked = _told(log, command_id="paper-sms", step="blocked")
    for again in log.all(ACCEPTED, event_type="consent_accepted", command_id="paper-in"):
        log.remove(again)
    log.add(blocked, step="attempted", terminal=False, attempt=1, event_id="attempt", receipt=None)
    log.create(blocked, event(blocked)["at"], To="+1", From="+2")


def _by_service(log: Spoilt) -> None:
    """Twilio understood a word of the Messaging Service's own."""
    blocked = _told(log, command_id="stopped-care", step="blocked")
    log.add(blocked, step="attempted", terminal=False, attempt=1, event_id="attempt", receipt=None)
    service = event(log.first(INBOUND, body="ARRÊT"))["raw"]["MessagingServiceSid"]
    log.create(blocked, event(blocked)["at"], To="+1", MessagingServiceSid=service)


def _by_own_word(log: Spoilt) -> None:
    blocked = _told(log, command_id="stopped-wa-2", step="blocked")
    log.add(blocked, step="attempted", terminal=False, attempt=1, event_id="attempt", receipt=None)
    log.create(blocked, event(blocked)["at"], To="+1", From=event(log.first(INBOUND, body="¡Baja!"))["to"])


def _twice(topic: str, **fields: Any) -> Callable[[Spoilt], Any]:
    return lambda log: log.add(log.first(topic, **fields))


def _again(topic: str, **fields: Any) -> Callable[[Spoilt], Any]:
    return lambda log: log.add(log.first(topic), **fields)


def _changed(topic: str, **fields: Any) -> Callable[[Spoilt], Any]:
    return lambda log: log.change(log.first(topic), **fields)


FAULTS: dict[str, Planted] = {
    "a yes is dated ahead": Planted(
        CLOCKS, "wrong", "dated 2999",
        lambda log: log.change(
            log.first(ACCEPTED, event_type="consent_accepted", action="opt_in"), accepted_at="2999-01-01T00:00:00.000Z"
        ),
    ),
    "a yes is given after it was taken": Planted(
        CLOCKS, "wrong", "after it was taken",
        lambda log: log.change(
            log.first(ACCEPTED, event_type="consent_accepted", action="opt_in"), given_at="2999-01-01T00:00:00.000Z"
        ),
    ),
    "a command is tried before its time": Planted(WAITS, "wrong", "was tried before 2999", _too_early),
    "a command is tried before the time that it was moved to": Planted(WAITS, "wrong", "was tried before 2999", _moved),
    "a command is tried under a pause": Planted(WAITS, "wrong", "was tried under the pause of", _pause),
    "a webhook is lost": Planted(WEBHOOKS, "lost", "was acknowledged and is not there", _lose_webhook),
    "a webhook has two ids": Planted(WEBHOOKS, "doubled", "under 2 ids", _again(STATUS, event_id="another")),
    "a webhook that nobody posted": Planted(WEBHOOKS, "wrong", "posted by nobody", _post_otherwise),
    "a parameter is lost": Planted(WEBHOOKS, "lost", "is not there", _post_otherwise),
    "a fact says what its webhook does not": Planted(WEBHOOKS, "wrong", ": body is not", _changed(INBOUND, body="x")),
    "one id, two facts": Planted(IDS, "wrong", "2 contents under one id", _again(STATUS, account_sid="AC0")),
    "one derived id, two contents": Planted(IDS, "wrong", "2 contents", _again(OUTCOMES, at=_LONG_AGO)),
    "one fact, two ids": Planted(IDS, "doubled", "one content under 2 ids", _again(INBOUND, event_id="another")),
    "no id": Planted(IDS, "wrong", "no event_id", _changed(SENT, event_id="")),
    "a step stands twice": Planted(ONCE, "doubled", "stands 2 times", _twice(DELIVERY)),
    "an outcome stands twice": Planted(ONCE, "doubled", f"{OUTCOMES}/", _twice(OUTCOMES)),
    "an end stands twice": Planted(ONCE, "doubled", f"{RESULTS}/", _twice(RESULTS, step="sent")),
    "a command has no end": Planted(RESULT, "lost", "'inside-1' of acme has no end", _pending),
    "a command is not answered": Planted(
        RESULT, "lost", "neither accepted nor rejected", lambda log: log.remove(*log.all(RESULTS, step="rejected"))
    ),
    "a consent is not answered": Planted(
        RESULT, "lost", "neither accepted nor recorded", lambda log: log.remove(*log.all(RESULTS, step="recorded"))
    ),
    "a produced record is lost": Planted(RESULT, "lost", "1 of 1 produced records of 22 bytes, sha256", _lose_produced),
    "a command has two ends": Planted(
        RESULT, "doubled", "has 2 ends", lambda log: log.add(_told(log, step="sent"), event_id="x", step="failed")
    ),
    "a command is rejected twice": Planted(RESULT, "doubled", "rejected under 2 ids", _reject_twice),
    "an end is not marked": Planted(
        RESULT, "wrong", "terminal says False", lambda log: log.change(_told(log, step="sent"), terminal=False)
    ),
    "a step after the end": Planted(
        RESULT, "wrong", "attempted after its end",
        lambda log: log.add(_told(log, step="blocked"), step="attempted", terminal=False, event_id="x"),
    ),
    "a rejection is not marked": Planted(RESULT, "wrong", "is rejected, and terminal says False", _rejected_softly),
    "a result of nobody's command": Planted(RESULT, "wrong", "'ghost' of", _ghost),
    "nobody is told how a message ended": Planted(
        FOLLOWED, "lost", "is not told", lambda log: log.remove(*log.all(RESULTS, step="message"))
    ),
    "a message's end is told wrongly": Planted(
        FOLLOWED, "wrong", "its facts say", lambda log: log.change(_told(log, step="message"), message_status="failed")
    ),
    "an end is told that nobody stated": Planted(
        FOLLOWED, "wrong", "that no fact says", lambda log: log.change(_told(log, step="message"), message_sid="SM0")
    ),
    "an end is told again": Planted(
        FOLLOWED, "wrong", "goes from", lambda log: log.add(_told(log, step="message"), event_id="again")
    ),
    "a command that is produced again is not answered": Planted(FOLLOWED, "lost", "not answered", _produce_again),
    "a command is told to be elsewhere": Planted(
        FOLLOWED, "wrong", "its last step is sent", lambda log: _answer_again(log, "accepted")
    ),
    "an answer to nothing": Planted(
        FOLLOWED, "doubled", "is repeated 1 times, and was produced 1",
        lambda log: log.add(_told(log, step="sent"), event_id="x", step="repeated", terminal=False, last_step="sent"),
    ),
    "a message ends before its command": Planted(
        RESULT, "wrong", "before its own end",
        lambda log: log.add(_told(log, step="blocked"), event_id="x", step="message", terminal=False)
        and log.remove(_told(log, step="blocked")),
    ),
    "two creates": Planted(CREATES, "doubled", "created 2 times", _create_twice),
    "a create of a blocked command": Planted(CREATES, "wrong", "is blocked, and Twilio created", _create_blocked),
    "nothing was created": Planted(CREATES, "lost", "Twilio created nothing", _lose_message),
    "a result names another message": Planted(CREATES, "wrong", "is told to be SM2222", _name_another),
    "a create without an attempt": Planted(CREATES, "wrong", "no attempt is on the log", _unattempted),
    "an attempt after the create": Planted(CREATES, "wrong", "attempted after Twilio had created", _created_before),
    "a sent message is not told": Planted(
        TOLD, "lost", f"is not on {SENT}", lambda log: log.remove(log.first(SENT, command_id="inside-1"))
    ),
    "a message without a result": Planted(
        TOLD, "wrong", "whose result does not say so", lambda log: log.change(log.first(SENT), message_sid="SM3")
    ),
    "a create after a STOP": Planted(STOP, "wrong", "ms later, was created as", _stop_by_clock),
    "a create after a STOP that was acknowledged": Planted(STOP, "wrong", "ms later", _stop_by_acknowledgement),
    "a create by a verdict that had read the STOP": Planted(STOP, "wrong", "read before command", _stop_by_receipt),
    "a create after 21610": Planted(STOP, "wrong", "'not-asked-again'", _refused_by_twilio),
    "a create after an opt-out of the tenant": Planted(STOP, "wrong", "opt-out of the tenant", _paper_released),
    "a create by a sibling of the number that was told STOP": Planted(STOP, "wrong", "ms later", _by_a_sibling),
    "a create by a service that was opted out of": Planted(STOP, "wrong", "'stopped-care'", _by_service),
    "a create after a word of the tenant's own": Planted(STOP, "wrong", "'stopped-wa-2'", _by_own_word),
    "free text outside of its window": Planted(WINDOW, "wrong", "63016", _outside_window),
    "no step of a message": Planted(STANDS, "lost", "no step is told", _untold_message),
    "a step is missing": Planted(STANDS, "lost", "goes on from", _step_missing),
    "a step back": Planted(STANDS, "wrong", "goes from delivered to sent", _step_back),
    "another state": Planted(STANDS, "wrong", "is told delivered 30003 at last", _wrong_state),
    "a row is lost": Planted(STANDS, "lost", "has no row", _row_lost),
    "an older row wins": Planted(STANDS, "wrong", "has other steps than its facts", _row_older),
    "an end is not told": Planted(STANDS, "lost", "no outcome is told", _no_outcome),
    "another end is told": Planted(STANDS, "wrong", "ended undelivered; its facts say", _other_outcome),
    "a status that no fact says": Planted(STANDS, "wrong", "is told receiving, which no fact says", _never_said),
    "an end that is not marked": Planted(
        STANDS, "wrong", "final says False",
        lambda log: log.change(log.all(DELIVERY, message_sid=_sid(log))[-1], final=False),
    ),
    "a row names another command": Planted(STANDS, "wrong", "names another contact or command", _row_of_another),
    "an end of nobody's message": Planted(STANDS, "wrong", "no fact names it", _end_of_nobody),
    "a message leaves a count that it was not in": Planted(
        COUNTED, "wrong", "leaves a count that it was not in",
        lambda log: log.change(log.all(DELIVERY, message_sid=_sid(log))[-1], counted_before=None),
    ),
    "a message is counted nowhere": Planted(COUNTED, "wrong", "counted nowhere", _nowhere),
    "a message is counted in another minute": Planted(COUNTED, "wrong", "under another minute", _another_minute),
    "a count is too high": Planted(COUNTED, "wrong", "999 are counted for a sender", _too_many),
    "an error is not counted": Planted(COUNTED, "wrong", "0 are counted for a sender", _no_errors),
    "no evidence": Planted(CONSENTED, "lost", "no evidence", lambda log: log.remove(log.first(CONSENT))),
    "a STOP does not suppress": Planted(CONSENTED, "lost", "does not say that it opted out of", _unsuppressed),
    "somebody is released who wrote no START": Planted(CONSENTED, "wrong", "suppressed for nobody", _released),
    "a START within a minute releases": Planted(CONSENTED, "wrong", "suppressed for nobody", _hasty_start),
    "no window is told": Planted(OPEN, "lost", "tells of no window", _window_untold),
    "a window is forgotten": Planted(OPEN, "lost", "not among those that are open", _window_forgotten),
    "a window is too long": Planted(OPEN, "wrong", "a window until 2099", _window_longer),
    "a window of nobody": Planted(OPEN, "wrong", "who never wrote by WhatsApp", _window_of_nobody),
    "a window at another sender": Planted(OPEN, "wrong", "to whom nobody wrote", _other_sender),
    "a key of another tenant": Planted(KEYS, "wrong", "is not one of acme", _of_another_tenant),
    "one person, two keys": Planted(KEYS, "doubled", "one person, 2 keys", _two_keys),
    "two people, one key": Planted(KEYS, "wrong", "2 people, one key", _two_people),
    "one key, two partitions": Planted(KEYS, "doubled", "another partition", _other_partition),
    "a record under another key": Planted(KEYS, "wrong", "its key is not its message_sid", _other_key),
    "a later command goes first": Planted(ORDER, "wrong", "was created before", _out_of_order),
    "no dead letter": Planted(DEAD, "lost", "no dead letter holds it", _no_letter),
    "a dead letter has other bytes": Planted(DEAD, "wrong", "byte for byte", _cut_letter),
    "a dead letter without a reason": Planted(DEAD, "wrong", "do not say why", _no_reason),
    "a dead letter on another topic": Planted(DEAD, "wrong", "whose dead letters are elsewhere", _elsewhere),
    "an unread word holds nobody": Planted(DEAD, "lost", "is not held for it", _unread),
    "who is held is written to": Planted(STOP, "wrong", "could not be read, and holds", _sent_to_the_held),
    "who is held is not told": Planted(CONSENTED, "lost", "does not say that", _not_told_as_held),
    "a defect": Planted(DEAD, "wrong", "a defect of the product's own", _defect),
    "a good fact is dead": Planted(DEAD, "wrong", "can be decoded, and is dead", _buried_alive),
    "a good command is dead": Planted(DEAD, "wrong", "can be decoded, and is dead", _buried_command),
}  # fmt: skip


def _lost_answers(log: Spoilt) -> None:
    for one in log.witness.callbacks:
        one["http_status"] = None


def _spool_and_kafka(log: Spoilt) -> None:
    """The produce call timed out, and both came through: one id."""
    log.add(log.first(STATUS), received_at=_LONG_AGO)


def _intake_again(log: Spoilt) -> None:
    for step in ("accepted", "rejected", "recorded"):
        log.add(_told(log, step=step))
    log.add(log.first(ACCEPTED, event_type="send_accepted"))
    letter = _letter(log)
    log.entries.append(letter._replace(offset=letter.offset + 10_000))


def _backfilled(log: Spoilt) -> None:
    status = log.first(STATUS, message_status="sent")
    raw = {"MessageSid": event(status)["message_sid"], "From": event(status)["from"], "To": event(status)["to"]}
    raw["AccountSid"] = event(status)["account_sid"]
    log.add(status, provenance="backfill", raw=raw, event_id="backfill", received_at="2099-01-01T00:00:00.000Z")


def _still_moving(log: Spoilt) -> None:
    """Read in the middle: facts without what follows, a create whose end is not on the log."""
    log.unsettle()
    log.remove(
        *(one for step in ("sent", "message") for one in log.all(RESULTS, command_id="inside-1", step=step)),
        *log.all(SENT, command_id="inside-1"),
    )
    log.remove(log.all(DELIVERY, message_sid=_sid(log))[-1], *log.all(OUTCOMES, message_sid=_sid(log)))
    log.remove(*log.all(SUPPRESSION, contact=_stop_contact(log)), *log.all(CONSENT, contact=_stop_contact(log)))
    log.remove(_letter(log))
    log.add(log.first(STATUS), raw={"MessageSid": "SM4"}, event_id="new", message_sid="SM4", **dict.fromkeys(
        ("account_sid", "from", "to"), ""), contact=None)  # fmt: skip
    log.entries[-1] = log.entries[-1]._replace(key=b"SM4")


def _openly_ambiguous(log: Spoilt) -> None:
    log.remove(
        *(one for step in ("sent", "message") for one in log.all(RESULTS, command_id="ambiguous-0", step=step)),
        *log.all(SENT, command_id="ambiguous-0"),
    )


def _start_in_between(log: Spoilt) -> None:
    """Released before the attempt: not surely wrong."""
    stop = _sent_to_the_stopped(log, receipt=None)
    later = stop["received_at"].replace("T", "T", 1)
    start = log.first(INBOUND, event_id=stop["event_id"])
    day, _, clock = later.partition("T")
    raw = {**stop["raw"], "Body": "START", "MessageSid": "SM5", "SmsSid": "SM5", "SmsMessageSid": "SM5"}
    at = f"{int(day[:4]) + 1}{day[4:]}T{clock}"
    heard = {"says": "start", "by": "body", "word": "start", "consents": True, "releases": True}
    log.add(start, body="START", heard=heard, message_sid="SM5", event_id="start", received_at=at, raw=raw)


def _confirmed(log: Spoilt) -> None:
    """A person found out that it was not sent; what they say is not the product's word."""
    end = _told(log, command_id="ambiguous-0", step="sent")
    log.change(end, step="failed", category="ambiguous", message_sid=None)
    log.remove(*log.all(SENT, command_id="ambiguous-0"))


def _produced_before(log: Spoilt) -> None:
    """The command was there before the STOP, and no verdict had read that."""
    _sent_to_the_stopped(log, receipt=None)
    for command in log.all(MESSAGES, command_id="stopped-sms-0"):
        log.put(command, command._replace(timestamp=0))
    for accepted in log.all(ACCEPTED, command_id="stopped-sms-0"):
        log.change(accepted, accepted_at="1970-01-01T00:00:00.000Z")


def _by_another_sender(log: Spoilt) -> None:
    _sent_to_the_stopped(log)
    log.witness.messages[-1]["params"]["From"] = "+14155550199"


def _compacted(log: Spoilt) -> None:
    """Of topics that are compacted the last value of each key stays."""
    for topic in (SESSIONS, SUPPRESSION, DELIVERY_ROWS):
        records = [one for one in log.entries if one.topic == topic]
        last = {one.key: one for one in records}
        log.remove(*(one for one in records if last[one.key] is not one))


def _over(log: Spoilt) -> None:
    """That a window is over is told no more, only what came after: it had ended by then."""
    contact = event(log.first(SESSIONS, lambda told: not told["windows"], change="expired"))["contact"]
    *others, last = log.all(SESSIONS, contact=contact)
    log.remove(*others)
    log.change(last, change="closing", sender="whatsapp:+14155550199")


def _poisoned(log: Spoilt) -> None:
    """Somebody else wrote onto a topic of ours; it was put aside."""
    poison = log.add(log.first(STATUS))._replace(value=b'{"message_sid":"SM9"}', key=b"x")
    log.entries[-1] = poison
    told = {"source_topic": STATUS, "source_partition": str(poison.partition), "source_offset": str(poison.offset)}
    headers = _headers(_letter(log), **{name: text.encode() for name, text in told.items()})
    log.entries.append(poison._replace(topic=dead_of(STATUS), offset=0, headers=headers))


def _sent_to_the_released(log: Spoilt) -> None:
    command = event(_told(log, command_id="inside-1", step="sent"))
    _hold(log, command["contact"], f"{INBOUND}/0@0")
    _hold(log, command["contact"], f"{INBOUND}/0@0", event_type="hold_released", how="dropped")


def _held(log: Spoilt) -> None:
    poison = _unread(log)
    contact, position = poison.key.decode(), f"{INBOUND}/{poison.partition}@{poison.offset}"
    _hold(log, contact, position)
    held = {"since": _LONG_AGO, "evidence": position, "source": "unread"}
    told = log.all(SUPPRESSION, contact=contact)
    last = event(told[-1])["suppressed"] if told else {}
    like = told[-1] if told else log.first(SUPPRESSION)._replace(key=poison.key, partition=poison.partition)
    log.add(like, contact=contact, event_id="held", suppressed={**last, "held": held})


def _clocks_differ(log: Spoilt) -> None:
    """The later record was made earlier, by another producer: nobody promised which goes first."""
    _out_of_order(log)
    second = log.first(MESSAGES, command_id="demo-00039")
    log.put(second, second._replace(timestamp=0))
    for accepted in log.all(ACCEPTED, command_id="demo-00039"):
        log.change(accepted, accepted_at="1970-01-01T00:00:00.000Z")


def _clock_moved_in_a_call(log: Spoilt) -> None:
    """It was set back between the attempt and the create: later attempts show by how much."""
    log.message("demo-00022")["statuses"][0]["at"] = _LONG_AGO
    log.change(log.first(RESULTS, command_id="demo-00025", step="attempted"), at=_LONG_AGO)


FAULTS |= {
    "an execution that no command has started": Planted(CREATES, "doubled", "no command has", _start_twice),
    "one execution for two commands": Planted(CREATES, "doubled", "and so was", _start_one_for_two),
    "an execution that Twilio has not": Planted(
        CREATES, "wrong", "no such execution", lambda log: log.witness.executions.pop(0)
    ),
    "an execution of somebody else": Planted(CREATES, "wrong", "somebody else", _start_somebody_else),
    "an ended execution goes on": Planted(STOP, "wrong", "goes on at Twilio", _go_on),
    "an end that is told twice": Planted(
        STOP, "doubled", "already", lambda log: log.add(log.first(STUDIO), event_id="again")
    ),
    "an execution started after a STOP": Planted(STOP, "wrong", "read before command 'survey-1'", _start_after_a_stop),
}

HARMLESS: dict[str, tuple[str, Callable[[Spoilt], Any]]] = {
    "an execution too many of a command in doubt": (CREATES, _start_twice_in_doubt),
    "a START at a sibling that names the service": (STOP, _started_at_a_sibling),
    "a reschedule that was refused": (WAITS, lambda log: _moved(log, taken=False)),
    "a pause that ended before": (WAITS, lambda log: _pause(log, ended=True)),
    "a pause has a key of its own": (KEYS, lambda log: _pause(log, ended=True)),
    "answers to Twilio are lost": (WEBHOOKS, _lost_answers),
    "a fact by the spool and by Kafka": (WEBHOOKS, _spool_and_kafka),
    "what intake tells stands twice": (ONCE, _intake_again),
    "an accepted command stands twice": (RESULT, _intake_again),
    "an accepted command that stands twice is one record": (FOLLOWED, _intake_again),
    "a command that is produced again is answered": (FOLLOWED, _answer_again),
    "and ends once": (RESULT, _answer_again),
    **{f"held: {promise}": (promise, _held) for promise in (IDS, ONCE, CONSENTED, KEYS, DEAD)},
    "who was released is written to": (STOP, _sent_to_the_released),
    "a dead letter stands twice": (DEAD, _intake_again),
    "a backfill": (WEBHOOKS, _backfilled),
    "an open ambiguity": (RESULT, _openly_ambiguous),
    "a START before the attempt": (STOP, _start_in_between),
    "a window that is over": (OPEN, _over),
    "windows are compacted": (OPEN, _compacted),
    "answers are compacted": (CONSENTED, _compacted),
    "rows are compacted": (STANDS, _compacted),
    **{f"poison: {promise}": (promise, _poisoned) for promise in (WEBHOOKS, IDS, STANDS, KEYS, DEAD)},
    "producers' clocks differ": (ORDER, _clocks_differ),
    "the clock is moved in a call": (CREATES, _clock_moved_in_a_call),
    "a command before the STOP": (STOP, _produced_before),
    "a STOP to another sender": (STOP, _by_another_sender),
    "somebody says it was not sent": (CREATES, _confirmed),
    **{f"the log still moves: {promise}": (promise, _still_moving) for promise in (
        WEBHOOKS, IDS, ONCE, RESULT, CREATES, TOLD, STOP, STANDS, CONSENTED, OPEN, KEYS, DEAD)},
}  # fmt: skip
