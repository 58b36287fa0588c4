"""A history for every table: people who stop, start and write by WhatsApp; messages that arrive, fail, come twice."""

import time
from collections.abc import Iterator
from random import Random

import msgspec
from msgspec.structs import replace

from services.domain.clock import iso
from services.domain.consent.commands import Action
from services.domain.results import CommandResult
from tests.domain.histories import callback, created
from tests.domain.suppression_oracle import OTHER, SENDER, SERVICE, WHATSAPP, linked, shared, stated, wrote
from tests.sender.histories import accepted

PEOPLE = [f"acme|{number:032x}" for number in range(1, 41)]
# Windows that are closing, open, over, and just opened.
_AGO_S = (85_000, 40_000, 90_000, 100)


def history(seed: int, count: int) -> list[msgspec.Struct]:
    """Facts in the order in which they reach the log: doubled and reordered too."""
    random = Random(seed)
    facts = [fact for number in range(count) for fact in _facts(random, f"{seed}x{number}")]
    facts += random.sample(facts, len(facts) // 5)
    for _ in range(len(facts) // 3):
        one = random.randrange(len(facts) - 5)
        facts[one], facts[one + 4] = facts[one + 4], facts[one]
    # Some say yes to everything at last, and are free again.
    yes = [stated("opt_in", 0, command=f"yes{seed}x{number}") for number in range(0, len(PEOPLE), 3)]
    return [*facts, *(replace(one, contact=PEOPLE[3 * number], given_at=_ago(0)) for number, one in enumerate(yes))]


def _facts(random: Random, name: str) -> Iterator[msgspec.Struct]:
    person, second = random.choice(PEOPLE), random.randrange(3000)
    match random.randrange(6):
        case 0 | 1:
            yield from _message(random, person, name)
        case 2:
            yield wrote(
                random.choice(["STOP", "START", "hello"]), second, f"SMs{name}", service=SERVICE, contact=person
            )
        case 3:
            yield _by_whatsapp(random, person, name)
        case 4:
            yield from _consent(random, person, name, second)
        case _:
            command = f"c{name}"
            yield replace(accepted(command), contact=person)
            for step in ("accepted", "attempted", "sent" if random.random() < 0.7 else "ambiguous"):
                yield _result(command, person, step)


def _message(random: Random, person: str, name: str) -> Iterator[msgspec.Struct]:
    moment = _ago(random.randrange(3000))
    fields = {"message_sid": f"SMo{name}", "contact": person, "command_id": f"c{name}"}
    yield replace(created("queued", **fields), event_id=f"created {name}", sent_at=moment)
    ends, error = random.choice([("delivered", None), ("read", None), ("undelivered", 30003), ("failed", 21610)])
    for status, code in (("sent", None), (ends, error)):
        yield replace(callback(status, 0, code, **fields), event_id=f"{status} {name}", received_at=moment)


def _by_whatsapp(random: Random, person: str, name: str) -> msgspec.Struct:
    moment = _ago(random.choice(_AGO_S) + random.random())
    sender = random.choice([WHATSAPP, f"whatsapp:{OTHER}"])
    body = random.choice(["hello", "STOP", "SUBSCRIBE"])
    other = random.choice(PEOPLE) if random.random() < 0.3 else None
    fact = wrote(body, 0, f"SMw{name}", to=sender, contact=person, linked=other if other != person else None)
    return replace(fact, received_at=moment)


def _ago(seconds: float) -> str:
    return iso(time.time_ns() // 1_000_000 - int(seconds * 1000))


def _consent(random: Random, person: str, name: str, second: int) -> Iterator[msgspec.Struct]:
    action: Action = random.choice(["opt_in", "opt_out"])
    scope = random.choice(["tenant", f"sender:{SENDER}"])
    yield replace(stated(action, second, scope, f"form{name}"), contact=person)
    if random.random() < 0.3:
        other = random.choice([one for one in PEOPLE if one != person])
        mark = shared("opt_out", second, "tenant", f"SMl{name}")
        yield replace(linked([mark], second, other), contact=person, event_id=f"link {name}")


def _result(command: str, person: str, step: str) -> CommandResult:
    return CommandResult(
        event_id=f"{step} {command}",
        tenant="acme",
        command_id=command,
        contact=person,
        at="2026-02-21T18:22:11.123Z",
        step=step,  # type: ignore[arg-type]
        terminal=step == "sent",
    )
