"""Prices that Twilio tells later, over a real broker: fetched by page, stated once, summed for people."""

import json
from collections.abc import Iterable
from decimal import Decimal

from services.contract.messages import COSTS
from services.domain.messages.costs import CostStated
from tests.processes import SECRETS
from tests.switchboard import switchboard
from tests.waiting import eventually

from .house import House, Poller, Twilio, facts, metric, note, sent

AT_ONCE = {"SWITCHBOARD_POLLER__COSTS_AFTER_S": "0"}


async def stated(house: House, sids: Iterable[str]) -> list[CostStated]:
    """All that the log holds of these messages, committed."""
    wanted = set(sids)
    return [one for one in await facts(house, COSTS.name, CostStated) if one.message_sid in wanted]


async def test_prices_are_fetched_once_they_are_there_and_each_stated_once_whoever_is_killed(
    house: House, twilio: Twilio, poller: Poller
) -> None:
    made = [
        sent(one, message_status="delivered", label="news", template="shipped", country="US", contact="acme|c0ffee")
        for one in await twilio.create(20)
    ]
    sids = [one.message_sid for one in made]
    await twilio.quiet()
    await note(house, made)
    # Read, told to nobody, and killed: then read once more.
    with poller(TEST_FAILPOINT="poller.read:1", **AT_ONCE) as first:
        await eventually(lambda: first.process.poll() is not None, 90, "killed between the page and the log")
    with poller("another disk", **AT_ONCE) as second:
        await eventually(second.ready, 90)

        async def all_there() -> bool:
            return {one.message_sid for one in await stated(house, sids)} == set(sids)

        await eventually(all_there, 90, "each price is stated")
        # A page brought them all; silent messages, which they are not, cost none.
        assert await metric(second, "switchboard_costs_looked_total", outcome="priced") >= 1
        assert await metric(second, "switchboard_poller_calls_total") <= 8
        # The same facts once more are no second price; what comes behind them is stated.
        [later] = await twilio.create()
        await twilio.quiet()
        await note(house, [*made, sent(later, message_status="delivered")])

        async def read_on() -> bool:
            return bool(await stated(house, [later["sid"]]))

        await eventually(read_on, 90, "what came later is stated")
        # What has no price yet is stated by nobody.
        await twilio.steer("prices", after_s=3600)
        [priceless] = [sent(one, message_status="delivered") for one in await twilio.create()]
        await twilio.quiet()
        await note(house, [priceless])

        async def looked() -> bool:
            return await metric(second, "switchboard_costs_looked_total", outcome="waiting") == 1

        await eventually(looked, 60, "its price was looked for")
    assert await stated(house, [priceless.message_sid]) == []
    told = await stated(house, sids)
    assert sorted(one.message_sid for one in told) == sorted(sids)
    [kind] = {(one.price, one.currency, one.country, one.channel, one.label, one.template) for one in told}
    assert kind == (Decimal("0.00750"), "USD", "US", "sms", "news", "shipped")
    assert {one.command_id for one in told} == {f"command {sid}" for sid in sids}
    out = await switchboard(house.settings, "costs", "--by", "label,country", "--json", **SECRETS)
    [row] = [one for one in json.loads(out.out)["costs"] if one["label"] == "news"]
    assert (row["country"], row["messages"], row["price"], row["currency"]) == ("US", 20, "0.15000", "USD")
    shown = await switchboard(house.settings, "costs", **SECRETS)
    assert all(word in shown.text for word in ("news", "shipped", "0.15"))
