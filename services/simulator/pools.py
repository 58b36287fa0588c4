"""Messaging Services: how each is set, and which of our numbers belongs to which."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from services.simulator.addresses import channel
from services.simulator.words import Keyword


@dataclass(frozen=True)
class MessagingService:
    """`words`: its own, beside the standard ones; `numbers`: its senders, with their channel's prefix.

    The words count only with Advanced Opt-Out. `account_sid`: whose it is; every account's where that was not said.
    `settings`: fields of its resource, where they are not the defaults.
    """

    advanced_opt_out: bool = False
    words: Mapping[Keyword, tuple[str, ...]] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()
    account_sid: str | None = None
    settings: Mapping[str, str | bool | int | None] = field(default_factory=dict)


class Pools:
    """The Messaging Services by sid. One that was never set has the defaults: any MG… exists."""

    def __init__(self) -> None:
        self._services: dict[str, MessagingService] = {}
        self._senders: dict[tuple[str, str], str] = {}

    def clear(self) -> None:
        self._services.clear()
        self._senders.clear()

    def put(self, sid: str, service: MessagingService) -> None:
        """Set it as a whole. A number is in one service only, so it leaves the one where it was."""
        for other, known in self._services.items():
            left = tuple(number for number in known.numbers if number not in service.numbers)
            self._services[other] = replace(known, numbers=left)
        self._services[sid] = service

    def get(self, sid: str | None) -> MessagingService:
        return self._services.get(sid or "", MessagingService())

    def sids(self, account_sid: str) -> tuple[str, ...]:
        """The services of an account that were set."""
        return tuple(sid for sid, one in self._services.items() if one.account_sid in (None, account_sid))

    def senders(self, sid: str, to: str) -> tuple[str, ...]:
        """The numbers that were set for it and can write to this address.

        Not confirmed: which of several Twilio takes by WhatsApp. Here it is the first, whatever window is open.
        """
        return tuple(number for number in self.get(sid).numbers if channel(number) == channel(to))

    def may_send(self, sid: str | None, sender: str) -> bool:
        """Whether this sender may be named beside the service: one of its pool, where a pool was set."""
        numbers = self.get(sid).numbers
        return not numbers or sender in numbers

    def learn(self, number: str, names: Iterable[str], sid: str) -> None:
        """Take note that the service spoke by this number, to this person."""
        self._senders |= {(number, name): sid for name in ("", *names)}

    def of(self, number: str, names: Iterable[str]) -> str | None:
        """The service that a number belongs to: as set, or else the one that last spoke by it.

        To this person before all others, since services that were never set may share one number.
        """
        for sid, service in self._services.items():
            if number in service.numbers:
                return sid
        known = (self._senders.get((number, name)) for name in (*names, ""))
        return next((sid for sid in known if sid), None)
