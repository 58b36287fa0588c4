"""The list of messages: Twilio's filters and pages, sorted by the date of sending, the most recent first.

Documented are whole days of GMT in the filter. Not confirmed: what times of day do in it (people report that they are
taken), where messages without a date stand in an unfiltered list (here: by their creation), and that a filter leaves
them out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from multidict import MultiMapping

from services.simulator.message import API_VERSION, Message, resource

_FILTERS = ("To", "From", "DateSent", "DateSent<", "DateSent>")


class ListingError(ValueError):
    """A parameter of the list cannot be read; the text is its name."""


@dataclass(frozen=True)
class Query:
    """What is asked for. `page` counts from 0.

    The token wins over it: PA… starts after that sid, PB… ends before it.
    """

    filters: tuple[tuple[str, str], ...]
    page: int
    page_size: int
    token: str


def read(given: MultiMapping[str]) -> Query:
    """The query that a URL states. Raises ListingError."""
    filters = tuple((name, given[name]) for name in _FILTERS if given.get(name))
    size = _number(given, "PageSize", 50)
    return Query(filters, _number(given, "Page", 0), min(max(size, 1), 1000), given.get("PageToken", ""))


def page_of(
    messages: list[Message], account_sid: str, query: Query, shown_as: Callable[[Message], Message]
) -> dict[str, object]:
    """Twilio's JSON of one page, the latest sent first. `messages`: by creation, oldest first. Raises ListingError."""
    keep = [_predicate(name, value) for name, value in query.filters]
    found = [message for message in reversed(messages) if all(test(message) for test in keep)]
    found.sort(key=lambda message: message.sent_at or message.created_at, reverse=True)
    start = _start(found, query)
    shown = found[start : start + query.page_size]
    first, page = query.page * query.page_size, query.page
    more = bool(shown) and start + query.page_size < len(found)
    path = f"/{API_VERSION}/Accounts/{account_sid}/Messages.json"
    return {
        "end": first + max(len(shown) - 1, 0),
        "first_page_uri": _uri(path, query, 0, ""),
        "next_page_uri": _uri(path, query, page + 1, f"PA{shown[-1].sid}") if more else None,
        "page": page,
        "page_size": query.page_size,
        "previous_page_uri": _uri(path, query, page - 1, f"PB{shown[0].sid}") if page and shown else None,
        "messages": [resource(shown_as(message)) for message in shown],
        "start": first,
        "uri": _uri(path, query, page, query.token),
    }


def _uri(path: str, query: Query, page: int, token: str) -> str:
    """The URI of a page of the same query, relative to the API's host."""
    pairs = [*query.filters, ("PageSize", str(query.page_size)), ("Page", str(page))]
    return f"{path}?{urlencode(pairs + ([('PageToken', token)] if token else []))}"


def _start(found: list[Message], query: Query) -> int:
    """Where the page starts. By token, so that messages created meanwhile move nothing from page to page."""
    if not query.token:
        return query.page * query.page_size
    kind, sid = query.token[:2], query.token[2:]
    place = next((place for place, message in enumerate(found) if message.sid == sid), None)
    if place is None or kind not in ("PA", "PB"):
        raise ListingError("PageToken")
    return place + 1 if kind == "PA" else max(place - query.page_size, 0)


def _predicate(name: str, value: str) -> Callable[[Message], bool]:
    if name == "To":
        return lambda message: message.to == value
    if name == "From":
        return lambda message: message.shown_sender == value
    moment = _moment(name, value)
    # Equality always means the day, since Twilio's own client writes a day as its midnight.
    by_day = name == "DateSent" or len(value) == len("2009-07-06")
    return lambda message: message.sent_at is not None and _in_range(name, message.sent_at, moment, by_day)


def _in_range(name: str, sent_at: datetime, moment: datetime, by_day: bool) -> bool:
    """Both ends are included; times count in whole seconds."""
    sent, limit = sent_at.replace(microsecond=0), moment
    if by_day:
        sent, limit = _midnight(sent), _midnight(limit)
    return {"DateSent": sent == limit, "DateSent<": sent <= limit, "DateSent>": sent >= limit}[name]


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0)


def _moment(name: str, value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise ListingError(name) from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(given: MultiMapping[str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise ListingError(name)
    return int(text)
