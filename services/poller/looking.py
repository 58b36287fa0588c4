"""Messages looked up at Twilio with few calls: by pages of its list, or one by one."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from services.domain.messages import at_twilio
from services.domain.messages.at_twilio import MessageAtTwilio
from services.domain.messages.seeking import One, Page, Search, groups
from services.poller.polled import Read, Tell
from services.poller.reader import Reader, Ungiven, items, second, text

_PAGE_SIZE = "1000"
_MESSAGES = "/2010-04-01/Accounts/{account}/Messages"

By = Literal["list", "message"]


class Said(NamedTuple):
    """What is to be folded of a row: by what a look found (None: Twilio has no such message), or that it failed."""

    looked: Callable[[Any, MessageAtTwilio | None, By], Read]
    failed: Callable[[Any], Read]


async def look_up(reader: Reader, rows: Mapping[str, Any], said: Said, tell: Tell) -> None:
    """Group by group; what a page brings is told before the next is read. What is not given holds no other up."""
    base = _MESSAGES.format(account=reader.whose.account_sid)
    for group in groups(rows.values()):
        search = Search(group)
        while (asked := search.wants()) is not None:
            match asked:
                case Page():
                    try:
                        await tell(await _listed(reader, search, asked, said, f"{base}.json"))
                    except Ungiven:
                        await tell([said.failed(row) for row in search.waiting])
                        break
                case One(sid):
                    await tell([await _fetched(reader, search.fetched(sid), said, f"{base}/{sid}.json")])


async def _fetched(reader: Reader, row: Any, said: Said, path: str) -> Read:
    try:
        answer = await reader.get(path)
    except Ungiven:
        return said.failed(row)
    return said.looked(row, at_twilio.read(answer) if answer else None, "message")


async def _listed(reader: Reader, search: Search[Any], page: Page, said: Said, path: str) -> list[Read]:
    between = {"DateSent>": second(page.since), "DateSent<": second(page.until), "PageSize": _PAGE_SIZE}
    answer = await (reader.follow(page.following) if page.following else reader.get(path, between)) or {}
    messages = [message for one in items(answer, "messages") if (message := at_twilio.read(one))]
    found = search.listed(messages, text(answer, "next_page_uri"))
    return [said.looked(row, message, "list") for row, message in found]
