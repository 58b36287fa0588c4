"""What is played: commands and replies, the same in every run, each command with the end that it must come to."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from services.demo.script import Command, Reply
from services.demo.settings import ACCOUNTS, ACME_SMS, ACME_WHATSAPP, GLOBEX_SMS

_SEED = 3
_TEXTS = (
    "Your parcel arrives today between 14:00 and 16:00.",
    "Olá! Seu código é 482913. ☕️",
    "明天上午十点见。",
    "Your table is booked. " + "See the menu, the way and the parking on our page. " * 4,
)
_ANSWERS = ("Thanks!", "👍🏽👨‍👩‍👧", "Could you come later, please? + 1 hour; 50% & more", "HELP", "Пожалуйста, позже")
# Twilio's magic number, and the code that it is refused with.
_REFUSED = ("+15005550001", 21211)
_FAULTY: tuple[dict[str, Any], ...] = (
    {"to": "+12025550123", "from": ACME_SMS, "boddy": "a field misspelt"},
    {"to": "+1202", "from": ACME_SMS, "body": "no such number"},
    {"to": "+12025550123", "from": ACME_SMS},
    {"to": "+12025550123", "from": ACME_SMS, "body": "no such tenant", "tenant": "No Tenant"},
    {"from": ACME_SMS, "body": "to nobody"},
)
# One in so many is called so, and the digits that follow: Britain, Brazil, Germany, India.
_ABROAD = ((7, "+447911", 6), (11, "+55119876", 5), (13, "+4915123", 6), (17, "+9198123", 5))
_MALFORMED = (b'{"command_id": "cut off', b'["a list"]', b"\xff\xfe not text", b"")


@dataclass(frozen=True)
class Story:
    """`commands`: each once. `produced`: in the order in which they are produced, some twice.

    `first`: what people write before anything is produced, so that free text may go to them by WhatsApp.
    """

    commands: tuple[Command, ...]
    produced: tuple[Command, ...]
    first: tuple[Reply, ...]
    replies: tuple[Reply, ...]


def write(count: int) -> Story:
    """A story of `count` commands."""
    dice = random.Random(_SEED)  # noqa: S311 - a story, not a secret
    commands = [_command(number, dice.random()) for number in range(count)]
    produced = list(commands)
    for command in commands:
        # A producer that crashed and came back produces the same record again, somewhat later.
        if command.step == "sent" and dice.random() < 0.03:
            produced.insert(dice.randint(produced.index(command) + 1, len(produced)), command)
    return Story(tuple(commands), tuple(produced), tuple(_openings(commands)), tuple(_replies(count // 5, dice)))


def _command(number: int, draw: float) -> Command:
    command_id = f"demo-{number:05d}"
    # The first ones show every kind, however short the story.
    if number < len(_MALFORMED) or draw < 0.01:
        return Command(command_id, _MALFORMED[number % len(_MALFORMED)], "rejected", malformed=True)
    if number < 10 or draw < 0.03:
        return _asked(command_id, _FAULTY[number % len(_FAULTY)], "rejected")
    if number < 13 or draw < 0.07:
        to, code = _REFUSED
        return _asked(command_id, {"to": to, "from": ACME_SMS, "body": "to a magic number"}, "failed", code)
    return _asked(command_id, _message(number, (draw - 0.07) / 0.93), "sent")


def _asked(command_id: str, fields: dict[str, Any], step: str, code: int | None = None) -> Command:
    value = {"command_id": command_id, "tenant": "acme", **fields}
    return Command(command_id, msgspec.json.encode(value), step, code)


def _message(number: int, share: float) -> dict[str, Any]:
    # Now and then two commands in a row are for one person: they must go one after the other.
    to, body = _person(number - (number % 20 == 19)), _TEXTS[number % len(_TEXTS)]
    if share < 0.10:
        return {"to": to, "from": ACME_SMS, "body": body, "media_urls": [f"https://cdn.acme.example/{number}.jpg"]}
    if share < 0.28:
        return {"to": f"whatsapp:{to}", "from": ACME_WHATSAPP, "body": body}
    if share < 0.40:
        variables = {"1": "Ada", "2": str(number)}
        return {"to": to, "channel": "whatsapp", "content_sid": "HX" + "c" * 32, "content_variables": variables}
    if share < 0.46:
        return {"tenant": "globex", "to": to, "from": GLOBEX_SMS, "body": body}
    # Without a sender the tenant's Messaging Service sends it.
    return {"to": to, "body": body} | ({"from": ACME_SMS} if share < 0.75 else {})


def _person(number: int) -> str:
    """A number of somebody's own, in five countries; none of our senders' area code.

    Some lie in the range of a carrier, for the simulated Twilio calls nobody.
    """
    for every, beginning, digits in _ABROAD:
        if number % every == 0:
            return f"{beginning}{number % 10**digits:0{digits}d}"
    return f"+1{(202, 212, 303, 312)[number // 10_000 % 4]}555{number % 10_000:04d}"


def _openings(commands: list[Command]) -> Iterator[Reply]:
    asked = [msgspec.json.decode(command.value) for command in commands if command.step == "sent"]
    for address in dict.fromkeys(one["to"] for one in asked if one.get("from") == ACME_WHATSAPP):
        yield Reply({"account_sid": ACCOUNTS["acme"], "from": address, "to": ACME_WHATSAPP, "body": "Any news?"})


def _replies(count: int, dice: random.Random) -> Iterator[Reply]:
    for number in range(count):
        kind, again = number % 8, dice.random() < 0.1
        whatsapp = number % 2 == 1
        channel, to = ("whatsapp:", ACME_WHATSAPP) if whatsapp else ("", ACME_SMS)
        request: dict[str, Any] = {"account_sid": ACCOUNTS["acme"], "from": f"{channel}{_person(number)}", "to": to}
        if kind == 3:
            request["params"] = _place(number)
        elif kind == 5:
            request["params"] = {"MessageType": "button", "ButtonText": "Yes", "ButtonPayload": f"yes-{number}"}
        elif kind == 6:
            request["media"] = [f"https://media.example/{number}.jpg"]
        else:
            request["body"] = _ANSWERS[number % len(_ANSWERS)]
        yield Reply(request, again)


def _place(number: int) -> dict[str, str]:
    return {"MessageType": "location", "Latitude": f"52.{number:04d}", "Longitude": "13.4050", "Label": "Café Ada"}
