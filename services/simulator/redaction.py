"""Message Redaction: what an account with it is shown of its messages once they are made.

Source: reports of people who reconcile from Twilio's lists (`+1415555XXXX`, an empty body). Not confirmed: how many
digits are hidden in other countries, and whether a message that is fetched by itself is masked too; here it is.
"""

from dataclasses import replace

from services.simulator.addresses import is_phone
from services.simulator.message import Message

_HIDDEN = 4


class Redaction:
    """The accounts that have it."""

    def __init__(self) -> None:
        self.accounts: frozenset[str] = frozenset()

    def clear(self) -> None:
        self.accounts = frozenset()

    def shown(self, message: Message) -> Message:
        """The message as its account's lists show it: whom it was to or from is masked, its text gone."""
        if message.account_sid not in self.accounts:
            return message
        if message.direction == "inbound":
            return replace(message, body="", sender=_masked(message.sender))
        return replace(message, body="", to=_masked(message.to))


def _masked(address: str) -> str:
    prefix, _, number = address.rpartition(":")
    if not is_phone(number):
        return address
    masked = number[:-_HIDDEN] + "X" * _HIDDEN
    return f"{prefix}:{masked}" if prefix else masked
