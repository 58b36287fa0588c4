"""WhatsApp senders: one that goes offline is paused on every partition, once, and goes on when it is online again."""

from collections import Counter

from services.contract.outbound import ACCEPTED
from services.domain.outbox.pauses import PauseEnded, PausePlaced
from tests.processes import ACCOUNT, PARTITIONS
from tests.waiting import eventually

from .house import House, Poller, Twilio, facts, metric

OURS = "whatsapp:+14155550100"
EVERY = {"SWITCHBOARD_POLLER__SENDERS_EVERY_S": "1"}


async def told(house: House) -> Counter[tuple[type, str]]:
    found = await facts(house, ACCEPTED.name, PausePlaced | PauseEnded)
    return Counter((type(one), one.scope) for one in found)


async def test_who_is_offline_is_paused_until_it_is_online(house: House, twilio: Twilio, poller: Poller) -> None:
    scope = f"sender acme {OURS}"
    await twilio.steer(f"accounts/{ACCOUNT}/senders", **{OURS: {"quality_rating": "HIGH"}})
    with poller(**EVERY) as service:
        await eventually(service.ready, 60)

        async def shown(**labels: str) -> bool:
            return await metric(service, "switchboard_whatsapp_sender", **labels) == 1

        await eventually(lambda: shown(status="ONLINE", quality="HIGH"), 60, "it is seen to be well")
        assert await told(house) == {}
        down = {"status": "OFFLINE", "offline_code": "63112", "quality_rating": "LOW"}
        await twilio.steer(f"accounts/{ACCOUNT}/senders", **{OURS: down})
        await eventually(lambda: shown(status="OFFLINE", quality="LOW"), 30, "it is seen to be offline")
        assert await told(house) == {(PausePlaced, scope): PARTITIONS}
        assert "63112" in service.log.read_text()
        assert "rates" in service.log.read_text()
    # Another worker knows what was told.
    with poller("another", **EVERY) as service:
        await eventually(service.ready, 60)
        await eventually(lambda: shown(status="OFFLINE"), 60, "it is still offline")
        assert await told(house) == {(PausePlaced, scope): PARTITIONS}
        await twilio.steer(f"accounts/{ACCOUNT}/senders", **{OURS: {}})
        await eventually(lambda: shown(status="ONLINE"), 30, "it is online")
        assert await told(house) == {(PausePlaced, scope): PARTITIONS, (PauseEnded, scope): PARTITIONS}


async def test_credentials_that_may_not_read_the_list_are_told(house: House, twilio: Twilio, poller: Poller) -> None:
    await twilio.steer(f"accounts/{ACCOUNT}/standing", forbidden=["channels"])
    with poller(**EVERY) as service:

        async def refused() -> bool:
            return service.log.exists() and "WhatsApp senders cannot be read" in service.log.read_text()

        await eventually(refused, 60, "it is told")
