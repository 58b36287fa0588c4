"""Which opt-ins of a file came before a carrier took their number back: Twilio's lists tell, a day each."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta

from services.domain.clock import parse
from services.domain.consent.deactivations import DAY_S, OVER_AFTER_S, end_of
from services.domain.messages.deactivated import phone, today
from services.operations.consent_import.errors import ImportFileError
from services.operations.progress import Progress
from services.runtime.clock import now
from services.runtime.deactivations import NO_LIST, Lists, Unread
from services.runtime.tenants.settings import TenantSettings

# Twilio has none from before (its page on 30113).
FIRST = date(2020, 8, 27)


class TakenBack:
    """By number, the last day on which it was taken back, as far as the lists tell."""

    def __init__(self, last: Mapping[str, date]) -> None:
        self._last = last

    def after(self, number: str, given_at: str) -> bool:
        """Whether that came after what was said then; as in the fold, which marks whom the tenant knows."""
        day = self._last.get(number)
        return day is not None and given_at < end_of(day.isoformat())


NOBODY = TakenBack({})


async def taken_back(
    lists: Lists, tenant: TenantSettings, numbers: Collection[str], since: str, progress: Progress
) -> TakenBack:
    """What the lists from a moment on say of these numbers, in E.164. Raises ImportFileError where one is not read."""
    found: dict[str, date] = {}
    # The first whose end is after it.
    first = (parse(since) - timedelta(seconds=DAY_S + OVER_AFTER_S)).date() + timedelta(days=1)
    day, over = max(FIRST, first), today(now())
    total = max(0, (over - day).days)
    for count in range(total):
        one = day + timedelta(days=count)
        try:
            await _note(lists, tenant, one, numbers, found)
        except Unread as error:
            raise ImportFileError(f"the list of numbers taken back on {one} was not read: {error}") from error
        progress("lists compared", count + 1, total)
    return TakenBack(found)


async def _note(
    lists: Lists, tenant: TenantSettings, day: date, numbers: Collection[str], found: dict[str, date]
) -> None:
    lines = await lists.of(tenant, day)
    if lines is None:
        return
    good = odd = 0
    async for line in lines:
        number = phone(line)
        if number is None:
            odd += 1
            continue
        good += 1
        if number in numbers:
            found[number] = day
    if odd > good:
        raise Unread(NO_LIST)
