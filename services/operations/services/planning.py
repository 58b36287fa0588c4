"""What is to be changed so that an account's Messaging Services are as the file wants them. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import quote

from services.operations.changing import Change
from services.operations.services.reading import Holding, Service, collection_of
from services.operations.services.wanted import WantedService
from services.operations.webhooks.planning import Left, Rules, led
from services.operations.webhooks.urls import Base

_DEFERS = "use_inbound_webhook_on_number"
IN, OUT = {"member": "yes"}, {"member": "no"}


@dataclass(frozen=True)
class Plan:
    """`refused`: why nothing may be done at all, a sentence each. `left`: URLs that are another's."""

    changes: tuple[Change, ...]
    left: tuple[Left, ...]
    refused: tuple[str, ...]


def planned(wanted: Sequence[WantedService], held: Holding, rules: Rules) -> Plan:
    """First the services, then sender by sender: it leaves, and joins at once, for it is in one service alone."""
    made: list[Change] = []
    left: list[Left] = []
    refused: list[str] = []
    leaving: list[Change] = []
    joining: list[Change] = []
    for one in wanted:
        found = _found(one, held)
        if len(found) > 1:
            refused.append(f"{held.tenant}: {len(found)} services are called {one.name}: name the one by its sid")
        elif one.sid and not found:
            refused.append(f"{held.tenant}: account {held.account} has no service {one.sid}")
        if len(found) > 1 or (one.sid and not found):
            continue
        service = found[0] if found else None
        change, past = _service(one, service, held, rules)
        made += change
        left += past
        refused += [
            f"{held.tenant}: account {held.account} has no sender {sender}: correct it, or buy or register it first"
            for sender in one.senders
            if sender not in held.senders and collection_of(sender) != "AlphaSenders"
        ]
        leaving += _leaving(one, service, held)
        joining += _joining(one, service, held)
    return Plan((*made, *_moves(leaving, joining)), tuple(left), tuple(refused))


def _moves(leaving: Iterable[Change], joining: Iterable[Change]) -> Iterator[Change]:
    """Each that joins, behind where it leaves for that; then the others that leave."""
    # One may have to leave a service for two reasons.
    leaves = {one.subject: one for one in leaving}
    for joins in joining:
        for one in [one for one in leaves.values() if one.name == joins.name]:
            # It stays where it is if there is nothing to join.
            yield replace(leaves.pop(one.subject), needs=joins.needs)
        yield joins
    yield from leaves.values()


def place_of(name: str) -> str:
    """A service that is to be made has no sid yet: its name stands in paths."""
    return quote(name, safe="")


def _found(one: WantedService, held: Holding) -> list[Service]:
    if one.sid:
        return [known for known in held.services if known.endpoint.sid == one.sid]
    return [known for known in held.services if known.endpoint.name == one.name]


def _service(
    one: WantedService, known: Service | None, held: Holding, rules: Rules
) -> tuple[list[Change], tuple[Left, ...]]:
    settings, base = one.settings(), Base(rules.public_url, held.tenant)
    if known is None:
        new = {"fallback_url": Base(rules.fallback or rules.public_url, held.tenant).wanted("fallback")}
        if one.inbound != "numbers":
            new["inbound_request_url"] = base.wanted("messages")
        after = {**settings, **new}
        subject = _to_be_made(one, held)
        before = dict.fromkeys(after, "")
        change = Change(
            held.tenant, held.account, "new service", "", subject, one.name, "there is none of this name", before, after
        )
        return [change], ()
    defers = known.endpoint.defers if one.inbound is None else one.inbound == "numbers"
    urls = led(replace(known.endpoint, defers=defers), rules, held.tenant)
    left = (urls,) if isinstance(urls, Left) else ()
    if left and known.endpoint.defers:
        # Its URL is another's, and nobody calls it yet.
        del settings[_DEFERS]
    after = {name: value for name, value in settings.items() if known.settings.get(name) != value}
    before = {name: known.settings.get(name, "") for name in after}
    why = ["settings"] if after else []
    if isinstance(urls, Change):
        after, before, why = {**after, **urls.after}, {**before, **urls.before}, [*why, urls.why]
    if not after:
        return [], left
    at = known.endpoint
    return [Change(at.tenant, at.account, "service", at.sid, at.subject, one.name, "; ".join(why), before, after)], left


def _leaving(one: WantedService, known: Service | None, held: Holding) -> Iterator[Change]:
    """Who is where it is not to be: in this service and not named, or named and in another."""
    if known is not None and one.others == "remove":
        gone = (sender for sender in known.members if sender not in one.senders)
        yield from (_move("leaves", held, known, sender, "the file does not name it") for sender in gone)
    for other in held.services:
        if known is not None and other.endpoint.sid == known.endpoint.sid:
            continue
        for sender in _one_service_alone(one.senders):
            if sender in other.members:
                yield _move("leaves", held, other, sender, f"it goes to {one.name}")


def _joining(one: WantedService, known: Service | None, held: Holding) -> Iterator[Change]:
    for sender in one.senders:
        if known is None or sender not in known.members:
            joins = _move("joins", held, known or one.name, sender, f"{one.name} is to have it")
            yield joins if known else replace(joins, needs=_to_be_made(one, held))


def _to_be_made(one: WantedService, held: Holding) -> str:
    return f"Accounts/{held.account}/Services/{place_of(one.name)}"


def _one_service_alone(senders: Iterable[str]) -> list[str]:
    """Names may be in several services."""
    return [one for one in senders if collection_of(one) != "AlphaSenders"]


def _move(kind: Literal["joins", "leaves"], held: Holding, service: Service | str, sender: str, why: str) -> Change:
    collection = collection_of(sender)
    place = place_of(service) if isinstance(service, str) else service.endpoint.sid
    sid = held.senders.get(sender, sender)
    if kind == "leaves" and not isinstance(service, str):
        sid = service.members[sender]
    subject = f"Accounts/{held.account}/Services/{place}/{collection}/{sid}"
    before, after = (OUT, IN) if kind == "joins" else (IN, OUT)
    return Change(held.tenant, held.account, kind, sid, subject, sender, why, before, after)
