"""What an account holds at Twilio beside its messages: its standing, its senders with their URLs, its alerts."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.simulator.accounts import Account
from services.simulator.addresses import channel

Product = Literal[
    "account",
    "numbers",
    "messaging",
    "channels",
    "content",
    "monitor",
    "messages",
    "studio",
    "pricing",
    "lookups",
    "compliance",
]
Fields = Mapping[str, str | None]


@dataclass(frozen=True)
class Standing:
    """`forbidden`: the products that its credentials may not use, as with a restricted API key."""

    status: Literal["active", "suspended", "closed"] = "active"
    type: Literal["Full", "Trial"] = "Full"
    forbidden: frozenset[str] = frozenset()


class Holdings:
    """By account. What was never set is as at a new account: active, no URL at any number, no alert."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.standings: dict[str, Standing] = {}
        self.alerts: dict[str, list[dict[str, Any]]] = {}
        self._fields: dict[str, dict[str, Fields]] = {}

    def standing(self, account: Account) -> Standing:
        return self.standings.get(account.sid, Standing())

    def hold(self, account: Account, senders: Mapping[str, Fields]) -> None:
        """From now on it has these senders too, with these fields."""
        self._fields.setdefault(account.sid, {}).update(senders)

    def senders(self, account: Account) -> tuple[str, ...]:
        """Those that were set for it, in their order."""
        return tuple(self._fields.get(account.sid, {}))

    def fields(self, account: Account, sender: str) -> Fields:
        """What is set at a sender of its."""
        return self._fields.get(account.sid, {}).get(sender, {})

    def change(self, account: Account, sender: str, fields: Fields) -> None:
        """Set these fields, and leave the others as they are."""
        self.hold(account, {sender: {**self.fields(account, sender), **fields}})

    def inbound_url(self, account: Account, sender: str) -> str | None:
        """Where its own URL leads, if it has one."""
        name = "sms_url" if channel(sender) == "sms" else "callback_url"
        return self.fields(account, sender).get(name)


def sid_of(prefix: str, account: Account, name: str) -> str:
    """The sid of a sender of an account; derived, so that it stays the same."""
    return prefix + hashlib.md5(f"{account.sid} {name}".encode(), usedforsecurity=False).hexdigest()
