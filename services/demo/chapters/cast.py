"""Who plays in the chapters, and how their commands and messages are written down."""

from typing import Any, Literal

import msgspec

from services.contract.consent import CONSENT_COMMANDS
from services.demo.script import Command, Reply
from services.demo.settings import ACCOUNTS, ACME_SMS, ACME_WHATSAPP

TEMPLATE = {"content_sid": "HX" + "d" * 32, "content_variables": {"1": "Ada"}}


def person(number: int) -> str:
    """A number of somebody's own, whom the story does not know."""
    return f"+1646555{number:04d}"


def whatsapp(address: str) -> str:
    return f"whatsapp:{address}"


def writes(who: str, to: str, body: str, *, tenant: str = "acme", again: bool = False) -> Reply:
    """This person writes to our address, on its channel."""
    sender = whatsapp(who) if to.startswith("whatsapp:") else who
    return Reply({"account_sid": ACCOUNTS[tenant], "from": sender, "to": to, "body": body}, again)


def sends(name: str, to: str, **fields: Any) -> Command:
    """A command that goes out."""
    return _command(name, to, "sent", None, fields)


def blocked(rule: str, name: str, to: str, **fields: Any) -> Command:
    """A command that the gate stops by this rule."""
    return _command(name, to, "blocked", rule, fields)


def sms(body: str) -> dict[str, Any]:
    """An SMS of Acme's."""
    return {"from_": ACME_SMS, "body": body}


def freeform(body: str) -> dict[str, Any]:
    """A WhatsApp message of Acme's, as free text."""
    return {"channel": "whatsapp", "from_": ACME_WHATSAPP, "body": body}


def template(**fields: Any) -> dict[str, Any]:
    """An approved template, by WhatsApp."""
    return {"channel": "whatsapp", **TEMPLATE, **fields}


def consents(
    name: str, who: str, action: Literal["opt_in", "opt_out"], *, tenant: str = "acme", **fields: Any
) -> Command:
    """Explicit consent, by command, with its proof."""
    proof = f"form {name}"
    value = {"command_id": name, "tenant": tenant, "address": who, "action": action, "proof": proof, **fields}
    return Command(name, msgspec.json.encode(value), "recorded", topic=CONSENT_COMMANDS.name)


def _command(name: str, to: str, step: str, rule: str | None, fields: dict[str, Any]) -> Command:
    named = {key.rstrip("_"): value for key, value in fields.items()}
    value = {"command_id": name, "tenant": "acme", "to": to, **named}
    return Command(name, msgspec.json.encode(value), step, rule=rule)
