"""WhatsApp's 24-hour windows, and the clock that can be moved."""

from datetime import UTC, datetime, timedelta

import pytest

from .rig import SERVICE, Endpoint, Rig

PERSON, OURS = "whatsapp:+14155550123", "whatsapp:+14155552671"
CONTENT = "HX" + "0" * 32
HOUR = 3600


async def enforce(rig: Rig) -> None:
    assert await rig.send("PUT", "windows", {"enforce": True}) == (200, {"enforce": True})


async def move(rig: Rig, ahead_s: float) -> None:
    status, told = await rig.send("PUT", "clock", {"ahead_s": ahead_s})
    assert (status, told["ahead_s"]) == (200, ahead_s)


async def end_of(rig: Rig, to: str = PERSON, from_: str = OURS, **content: str) -> tuple[str, int | None]:
    """Create a message; the status and the error code in which it ends."""
    created = await rig.client().messages.create_async(to=to, from_=from_, **(content or {"body": "Hello"}))
    assert (created.status, created.error_code) == ("queued", None)
    await rig.quiet()
    fetched = await rig.client().messages(created.sid).fetch_async()
    return fetched.status, fetched.error_code


async def test_windows_are_not_enforced_unless_asked(rig: Rig) -> None:
    assert await rig.get("windows") == {"enforce": False}
    assert await end_of(rig) == ("read", None)


async def test_free_text_outside_the_window_is_taken_and_fails_by_callback(rig: Rig, endpoint: Endpoint) -> None:
    await enforce(rig)
    created = await rig.client().messages.create_async(
        to=PERSON, from_=OURS, body="Hello", status_callback=endpoint.url
    )
    await rig.quiet()
    assert endpoint.statuses(created.sid) == ["queued", "failed"]
    assert endpoint.received[-1]["ErrorCode"] == "63016"
    fetched = await rig.client().messages(created.sid).fetch_async()
    assert (fetched.status, fetched.error_code) == ("failed", 63016)
    assert "outside the allowed window" in fetched.error_message


async def test_a_service_accepts_it_first(rig: Rig, endpoint: Endpoint) -> None:
    await enforce(rig)
    created = await rig.client().messages.create_async(
        to=PERSON, messaging_service_sid=SERVICE, body="Hello", status_callback=endpoint.url
    )
    await rig.quiet()
    assert endpoint.statuses(created.sid) == ["accepted", "queued", "failed"]


async def test_what_needs_no_window(rig: Rig) -> None:
    await enforce(rig)
    assert await end_of(rig, content_sid=CONTENT) == ("read", None)
    assert await end_of(rig, PERSON.removeprefix("whatsapp:"), OURS.removeprefix("whatsapp:")) == ("delivered", None)


async def test_a_window_is_open_for_24_hours_from_the_last_word_to_this_sender(movable: Rig) -> None:
    await enforce(movable)
    await movable.hear(PERSON, OURS, "Hello")
    assert await end_of(movable) == ("read", None)
    assert await end_of(movable, from_="whatsapp:+14155552672") == ("failed", 63016)
    assert await end_of(movable, to="whatsapp:+14155550124") == ("failed", 63016)
    await move(movable, 23.9 * HOUR)
    assert await end_of(movable) == ("read", None)
    await movable.hear(PERSON, OURS, "And again")
    await move(movable, 25 * HOUR)
    assert await end_of(movable) == ("read", None)
    await move(movable, 48 * HOUR)
    assert await end_of(movable) == ("failed", 63016)
    assert await end_of(movable, content_sid=CONTENT) == ("read", None)


async def test_our_own_messages_open_no_window(rig: Rig) -> None:
    await enforce(rig)
    assert await end_of(rig, content_sid=CONTENT) == ("read", None)
    assert await end_of(rig) == ("failed", 63016)


async def test_a_reset_forgets_the_windows_and_enforces_none(rig: Rig) -> None:
    await enforce(rig)
    await rig.hear(PERSON, OURS, "Hello")
    await rig.send("POST", "reset", {})
    assert await rig.get("windows") == {"enforce": False}
    await enforce(rig)
    assert await end_of(rig) == ("failed", 63016)


async def test_all_dates_come_from_the_clock(movable: Rig, endpoint: Endpoint) -> None:
    def is_tomorrow(moment: datetime) -> bool:
        return abs(moment - datetime.now(UTC) - timedelta(seconds=90_000)) < timedelta(minutes=1)

    await move(movable, 90_000)
    assert is_tomorrow(datetime.fromisoformat((await movable.get("clock"))["now"]))
    messages = movable.client().messages
    created = await messages.create_async(to=PERSON, from_=OURS, body="Hello", status_callback=endpoint.url)
    heard = await movable.hear(PERSON, OURS, "Hello")
    await movable.quiet()
    for sid in (created.sid, heard["sid"]):
        fetched = await messages(sid).fetch_async()
        assert is_tomorrow(fetched.date_created)
        assert is_tomorrow(fetched.date_sent)
        assert is_tomorrow(fetched.date_updated)
    callbacks = (await movable.get("callbacks"))["callbacks"]
    assert all(is_tomorrow(datetime.fromisoformat(one["at"])) for one in callbacks)
    await move(movable, -90_000)
    back = await movable.hear(PERSON, OURS, "Hello")
    assert (await messages(back["sid"]).fetch_async()).date_sent < datetime.now(UTC)


async def test_a_leap_of_the_clock_ends_no_latency(movable: Rig) -> None:
    await movable.set_faults(callback_delay_s=HOUR)
    created = await movable.client().messages.create_async(to=PERSON, from_=OURS, body="Hello")
    await move(movable, 100 * HOUR)
    assert (await movable.client().messages(created.sid).fetch_async()).status == "queued"
    assert await movable.get("quiet") == {"quiet": False, "pending": 1}


async def test_scheduling_goes_by_the_clock(movable: Rig) -> None:
    await move(movable, 40 * 24 * HOUR)
    send_at = datetime.now(UTC) + timedelta(days=40, hours=1)
    scheduled = await movable.client().messages.create_async(
        to=PERSON, messaging_service_sid=SERVICE, body="Later", schedule_type="fixed", send_at=send_at
    )
    assert scheduled.status == "scheduled"


async def test_a_clock_without_a_file_stays(rig: Rig) -> None:
    status, told = await rig.send("PUT", "clock", {"ahead_s": 1})
    assert status == 409
    assert "clock_skew_file" in told["errors"][0]
    assert (await rig.get("clock"))["ahead_s"] == 0


@pytest.mark.parametrize(
    ("what", "body"),
    [("clock", {}), ("clock", {"ahead_s": "soon"}), ("clock", {"ahead_s": 1e12}), ("windows", {"enforce": "maybe"})],
)
async def test_what_cannot_be_set(movable: Rig, what: str, body: dict[str, object]) -> None:
    status, told = await movable.send("PUT", what, body)
    assert status == 400
    assert told["errors"]
