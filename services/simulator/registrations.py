"""What is registered with the US carriers, and what Twilio does with a message whose sender is not.

Confirmed by Twilio's OpenAPI, its error dictionary and reports (2026): the states of brands and verifications; that
of campaigns IN_PROGRESS, PENDING, VERIFIED and FAILED occur; that a message from an unregistered long code to the US
(with Puerto Rico, the US Virgin Islands, Guam and American Samoa) is created, and ends undelivered with 30034; that one
from a toll-free number that is not verified yet ends with 30032, to Canada as well; that Canada asks nothing of
long codes, and nobody of short codes; that a name as a sender is refused there by 21612 at the create call, and with a
Messaging Service ends with it.

Not confirmed: how a suspended campaign is told (here SUSPENDED, and its messages end with 30033); that a number of a
campaign that is not approved yet ends with 30034 rather than 30035; what of a campaign whose brand fails later; that
messages to other +1 countries pass (here they do); the texts beside the codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.simulator.addresses import channel, country, is_toll_free
from services.simulator.pools import Pools

Resource = Mapping[str, Any]

US = frozenset({"US", "PR", "VI", "GU", "AS"})
_NO_NAMES = US | {"CA"}
_UNREGISTERED, _SUSPENDED, _UNVERIFIED, UNREACHABLE = 30034, 30033, 30032, 21612


@dataclass(frozen=True)
class Registered:
    """What an account has: resources by sid, as their lists give them."""

    brands: Mapping[str, Resource] = field(default_factory=dict)
    campaigns: Mapping[str, Resource] = field(default_factory=dict)
    verifications: Mapping[str, Resource] = field(default_factory=dict)


class Registrations:
    """By account. `enforced`: messages of who is not registered end as at Twilio; off unless it is asked for."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.enforced = False
        self._of: dict[str, Registered] = {}

    def of(self, account_sid: str) -> Registered:
        return self._of.get(account_sid, Registered())

    def put(self, account_sid: str, registered: Registered) -> None:
        """All that it has from now on."""
        self._of[account_sid] = registered

    def refuses(self, sender: str | None, to: str) -> bool:
        """Whether a create call with this sender is refused by 21612."""
        return self.enforced and sender is not None and _is_name(sender) and country(to) in _NO_NAMES

    def end(self, sender: str, to: str, pools: Pools) -> int | None:
        """The code with which a message ends, because of who sends it."""
        where = country(to)
        if not self.enforced or channel(sender) != "sms":
            return None
        if _is_name(sender):
            return UNREACHABLE if where in _NO_NAMES else None
        if is_toll_free(sender):
            return None if where not in _NO_NAMES or self._verified(sender) else _UNVERIFIED
        if not sender.startswith("+1") or where not in US:
            return None
        states = self._campaigns(sender, pools)
        if "VERIFIED" in states:
            return None
        return _SUSPENDED if "SUSPENDED" in states else _UNREGISTERED

    def _verified(self, number: str) -> bool:
        found = (one for registered in self._of.values() for one in registered.verifications.values())
        return any(
            one["tollfree_phone_number"] == number and one["status"] == "TWILIO_APPROVED"
            for one in found
            if one.get("tollfree_phone_number")
        )

    def _campaigns(self, number: str, pools: Pools) -> set[str]:
        found = (one for registered in self._of.values() for one in registered.campaigns.values())
        return {
            str(one["campaign_status"]) for one in found if number in pools.get(one["messaging_service_sid"]).numbers
        }


def _is_name(sender: str) -> bool:
    return channel(sender) == "sms" and not sender.startswith("+") and not sender.isdigit()
