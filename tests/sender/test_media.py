"""Media of commands, on a real log, against a simulated Twilio and a real host over TLS."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from services.contract.fold import SENDER_APP
from services.domain.clock import later
from services.runtime.clock import now
from tests.media_host import Certificate, MediaHost, certificate, serving
from tests.members import Members
from tests.sender.conftest import House, Start
from tests.sender.rig import Desk, Service


@pytest.fixture(scope="module")
def by(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("media"))


def environment(by: Certificate) -> dict[str, str]:
    return {"TEST_MEDIA": str(by.certificate), "SWITCHBOARD_TENANTS__ACME__MEDIA__PREFLIGHT": "true"}


@pytest.fixture(scope="module")
def looking(house: House, by: Certificate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A sender that looks at media, and believes this machine to be every host."""
    service = Service("sender", house.settings, tmp_path_factory.mktemp("looking"), environment(by))
    asyncio.run(service.ready())
    yield service
    service.stop()


@pytest.fixture
async def host(by: Certificate) -> AsyncIterator[MediaHost]:
    async with serving(by) as found:
        yield found
        found.held.set()


pytestmark = pytest.mark.usefixtures("looking")


async def forms(desk: Desk, *ids: str) -> list[dict[str, Any]]:
    """The creates that Twilio took for commands, as they were posted."""
    sids = [sid for made in (await desk.creates(ids)).values() for sid in made]
    return [one["params"] for one in await desk.twilio.messages() if one["sid"] in sids]


async def test_what_is_found_is_sent_and_the_receipt_says_what_was_found(desk: Desk, host: MediaHost) -> None:
    [sent] = await desk.produce(desk.command(1, media_urls=[host.url("/photo.jpg?X-Amz-Signature=secret")]))
    await desk.until([sent], "sent")
    await desk.sent_once([sent])
    results = await desk.results(sent)
    [receipt] = [one.receipt for one in results if one.step == "attempted"]
    [medium] = receipt.view.media
    assert (medium.host, medium.type, medium.size) == ("cdn.example.com", "image/jpeg", 1000)
    assert "secret" not in repr(results)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/missing.jpg", "media_urls[1] (cdn.example.com) answers 404"),
        ("/head-alone.jpg", "media_urls[1] (cdn.example.com) answers 403"),
        ("/octets.jpg", "which MMS does not take"),
        ("/big.jpg", "has 6,291,456 bytes; MMS takes 5,242,880 of image/jpeg"),
        ("/to?url=https%3A%2F%2F169.254.169.254%2Flatest&token=secret", "names a loopback or private address"),
        (
            "/photo.jpg?X-Amz-Date=20200101T000000Z&X-Amz-Expires=60&X-Amz-Signature=secret",
            "is signed until 2020-01-01T00:01:00.000Z",
        ),
    ],
)
async def test_one_medium_that_twilio_cannot_send_stops_the_message_before_it(
    desk: Desk, host: MediaHost, path: str, told: str
) -> None:
    good = [host.url(f"/{number}.jpg") for number in range(9)]
    [bad] = await desk.produce(desk.command("bad" + path[:5], media_urls=[good[0], host.url(path), *good[1:]]))
    await desk.until([bad], "blocked")
    end = (await desk.results(bad))[-1]
    assert (end.category, end.terminal) == ("media", True)
    assert told in (end.reason or "")
    assert "secret" not in repr(await desk.results(bad))
    assert await desk.creates([bad]) == {bad: []}


async def test_a_slow_host_holds_its_own_command_alone(desk: Desk, host: MediaHost) -> None:
    slow = [
        desk.command(f"slow-{number}", contact=100 + number, media_urls=[host.url("/held.jpg")]) for number in range(9)
    ]
    held = await desk.produce(*slow)
    await desk.until(held, "deferred")
    [end] = await desk.produce(desk.command(2))
    await desk.until([end], "sent", deadline_s=20)
    host.held.set()
    await desk.until(held, "sent")
    await desk.sent_once([*held, end])


async def test_what_may_pass_is_looked_at_again_and_sent(desk: Desk, host: MediaHost) -> None:
    [waits] = await desk.produce(desk.command(3, media_urls=[host.url("/failing.jpg")]))
    await desk.until([waits], "deferred")
    told = (await desk.results(waits))[-1]
    assert (told.category, told.reason) == ("media", "media_urls[0] (cdn.example.com) answers 503")
    host.failing = False
    await desk.until([waits], "sent", deadline_s=90)
    await desk.sent_once([waits])


async def test_what_waits_for_its_time_is_looked_at_then(desk: Desk, host: MediaHost) -> None:
    morning = desk.command(4, media_urls=[host.url("/late.jpg")], not_before=later(now(), 3600))
    [waits] = await desk.produce(morning)
    await desk.until([waits], "deferred")
    assert (await desk.results(waits))[-1].category == "not_before"
    # One that is produced after it has come through: nobody has looked.
    [end] = await desk.produce(desk.command(5, media_urls=[host.url("/photo.jpg")]))
    await desk.until([end], "sent")
    assert host.asked["GET", "/late.jpg"] == 0


async def test_what_twilio_refuses_for_its_media_goes_as_a_link_under_the_same_command(
    desk: Desk, host: MediaHost
) -> None:
    url, link = host.url("/photo.jpg"), "https://app.example.com/incidents/2048"
    theirs = desk.command(6, body="Look", media_urls=[url], media_fallback="link")
    own = desk.command(7, body="Look", media_urls=[url], media_fallback="link", media_link=link)
    without = desk.command(8, body="Look", media_urls=[url])
    await desk.twilio.refuse(media={theirs["to"]: 11751, own["to"]: 30011, without["to"]: 11751})
    sent = await desk.produce(theirs, own)
    [failed] = await desk.produce(without)
    await desk.until([*sent, failed], "sent", "failed")
    await desk.sent_once(sent)
    told = sorted((one["Body"], one.get("MediaUrl")) for one in await forms(desk, *sent))
    assert told == sorted([(f"Look\n{url}", None), (f"Look\n{link}", None)])
    end = next(one for one in await desk.results(sent[0]) if one.step == "sent")
    assert end.reason == "Twilio did not take its media (11751): its text went with a link"
    end = (await desk.results(failed))[-1]
    assert (end.step, end.code, await desk.creates([failed])) == ("failed", 11751, {failed: []})


async def test_a_second_refusal_ends_it_and_nothing_is_posted_a_third_time(desk: Desk, host: MediaHost) -> None:
    command = desk.command(9, media_urls=[host.url("/photo.jpg")], media_fallback="link")
    await desk.twilio.refuse(refused={command["to"]: 21614})
    [failed] = await desk.produce(command)
    await desk.until([failed], "failed")
    end = (await desk.results(failed))[-1]
    assert (end.code, end.attempt) == (21614, 1)
    await desk.twilio.refuse()


async def test_an_unknown_end_is_no_refusal(desk: Desk, host: MediaHost) -> None:
    """Twilio may have made the message with its media: nothing else goes for it."""
    command = desk.command(10, media_urls=[host.url("/photo.jpg")], media_fallback="link")
    await desk.twilio.refuse(media={command["to"]: 11751})
    await desk.twilio.faults(error_before=1.0)
    [unknown] = await desk.produce(command)
    await desk.until([unknown], "ambiguous")
    await desk.twilio.faults()
    await desk.twilio.refuse()
    assert await desk.creates([unknown]) == {unknown: []}


async def test_what_the_channel_does_not_take_goes_as_a_link_without_asking_twilio(desk: Desk, host: MediaHost) -> None:
    url = host.url("/big.jpg")
    [sent] = await desk.produce(desk.command(11, body="Look", media_urls=[url], media_fallback="link"))
    await desk.until([sent], "sent")
    [form] = await forms(desk, sent)
    assert (form["Body"], form.get("MediaUrl")) == (f"Look\n{url}", None)
    [receipt] = [one.receipt for one in await desk.results(sent) if one.step == "attempted"]
    assert receipt.goes_as == "link"


async def test_a_kill_while_its_media_are_looked_at_loses_nothing(
    desk: Desk, host: MediaHost, looking: Service, by: Certificate, start: Start
) -> None:
    members = Members(desk.bootstrap, SENDER_APP)
    members.joins(looking.process)
    [held] = await desk.produce(desk.command(12, media_urls=[host.url("/held.jpg")]))
    await desk.until([held], "deferred")
    looking.kill()
    members.free()
    host.held.set()
    again = start(**environment(by))
    await again.ready()
    await desk.until([held], "sent")
    await desk.sent_once([held])


async def test_slow_media_take_no_place_in_the_rate_of_their_sender(
    desk: Desk, host: MediaHost, looking: Service, by: Certificate, start: Start
) -> None:
    """At this rate one goes in a quarter of an hour: it is the text, though it came last."""
    looking.kill()
    limited = start(**environment(by), SWITCHBOARD_TENANTS__ACME__RATE_LIMITS__EACH="0.001")
    await limited.ready()
    slow = [desk.command(f"held-{n}", contact=200 + n, media_urls=[host.url("/held.jpg")]) for n in range(3)]
    bad = desk.command("bad", contact=210, media_urls=[host.url("/missing.jpg")])
    held = await desk.produce(*slow, bad)
    await desk.until(held[:3], "deferred")
    await desk.until(held[3:], "blocked")
    [text] = await desk.produce(desk.command(13))
    await desk.until([text], "sent")
    host.held.set()
    [late] = await desk.produce(desk.command(14))
    await desk.until([late], "accepted")
    await desk.sent_once([text])
    assert not any((await desk.creates([*held, late])).values())
