"""Which sender of ours a command goes by that names none. Pure; a person keeps their sender while it is in its pool."""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from services.domain.messages.near import nearest
from services.domain.sids import MESSAGING_SERVICE


class Asked(NamedTuple):
    """What routes look at. `number`: the recipient's canonical address; `contact`: their key."""

    number: str
    contact: str
    country: str | None
    channel: str
    label: str | None
    purpose: str


class Route(NamedTuple):
    """A pool of senders (numbers, names, Messaging Services) with their weights, and for what it is: empty: for all.

    `nearest`: of the pool those of the recipient's area code, else of their country, where there are such.
    """

    pool: Mapping[str, float]
    countries: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    channels: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    nearest: bool = False

    def fits(self, asked: Asked) -> bool:
        return (
            (not self.countries or asked.country in self.countries)
            and (not self.prefixes or asked.number.startswith(self.prefixes))
            and (not self.channels or asked.channel in self.channels)
            and (not self.labels or asked.label in self.labels)
            and (not self.purposes or asked.purpose in self.purposes)
        )


def choose(routes: Iterable[Route], asked: Asked, passed_over: Callable[[str], bool] = lambda _: False) -> str | None:
    """The sender of the first route that fits; None: none does. One that is passed over takes none, unless all are.

    By weighted rendezvous hashing: of many people each sender gets its share, and where one leaves the pool only its
    people move.
    """
    route = next((one for one in routes if one.fits(asked)), None)
    if route is None:
        return None
    pool = [sender for sender in sorted(route.pool) if not passed_over(sender)] or sorted(route.pool)
    if route.nearest:
        pool = nearest(pool, asked.number)
    return max(pool, key=lambda sender: _score(asked.contact, sender, route.pool[sender]))


def is_service(sender: str) -> bool:
    return MESSAGING_SERVICE.fullmatch(sender) is not None


def _score(contact: str, sender: str, weight: float) -> float:
    digest = hashlib.sha256(f"{contact} {sender}".encode()).digest()
    # Between nothing and one, and neither of the two.
    share = (int.from_bytes(digest[:7], "big") + 0.5) / (1 << 56)
    return -weight / math.log(share)
