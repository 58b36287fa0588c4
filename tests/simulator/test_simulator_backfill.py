"""What reads back a span of time finds: both directions, each once, page by page."""

from datetime import UTC, datetime, timedelta

from .rig import ACCOUNT, SERVICE, Rig

PERSON, OURS = "+14155550123", "+14155552671"
DAY_S = 86_400


async def played(rig: Rig) -> dict[int, set[str]]:
    """Messages of three days, both directions; their sids by day."""
    sids: dict[int, set[str]] = {}
    for day in range(3):
        await rig.send("PUT", "clock", {"ahead_s": day * DAY_S})
        created = await rig.client().messages.create_async(to=PERSON, from_=OURS, body=f"out {day}")
        await rig.quiet()
        heard = [await rig.hear(PERSON, OURS, f"in {day}") for _ in range(2)]
        sids[day] = {created.sid, *(one["sid"] for one in heard)}
    return sids


async def test_a_span_is_streamed_in_both_directions_and_each_message_fetched(movable: Rig) -> None:
    sids, start = await played(movable), datetime.now(UTC)
    messages = movable.client().messages
    half = timedelta(hours=12)
    for day, expected in sids.items():
        middle = start + timedelta(days=day)
        stream = await messages.stream_async(date_sent_after=middle - half, date_sent_before=middle + half, page_size=2)
        found = [message async for message in stream]
        assert {message.sid for message in found} == expected
        assert len(found) == len(expected)
        assert sorted(message.direction for message in found) == ["inbound", "inbound", "outbound-api"]
        for message in found:
            fetched = await messages(message.sid).fetch_async()
            assert (fetched.direction, fetched.body) == (message.direction, message.body)
            assert fetched.date_sent == message.date_sent
            assert fetched.date_created is not None


async def test_each_direction_by_its_addresses_and_day(movable: Rig) -> None:
    await played(movable)
    messages = movable.client().messages
    inbound = await messages.list_async(to=OURS, from_=PERSON)
    outbound = await messages.list_async(to=PERSON, from_=OURS)
    assert [message.body for message in inbound] == ["in 2", "in 2", "in 1", "in 1", "in 0", "in 0"]
    assert [message.body for message in outbound] == ["out 2", "out 1", "out 0"]
    assert {(one.direction, one.status) for one in inbound} == {("inbound", "received")}
    tomorrow = inbound[2].date_sent.date()
    assert {one.body for one in await messages.list_async(date_sent=tomorrow)} == {"in 1", "out 1"}


async def test_a_message_told_again_is_listed_once_and_keeps_its_date(movable: Rig) -> None:
    first = await movable.hear(PERSON, OURS, "Hi", messaging_service_sid=SERVICE)
    await movable.send("PUT", "clock", {"ahead_s": DAY_S})
    await movable.hear(PERSON, OURS, "Hi", params={"MessageSid": first["sid"]})
    [listed] = await movable.client().messages.list_async()
    assert listed.date_sent - datetime.now(UTC) < timedelta(minutes=1)
    assert (listed.sid, listed.messaging_service_sid, listed.direction) == (first["sid"], SERVICE, "inbound")


async def test_with_redaction_an_account_lists_neither_whom_nor_what(rig: Rig) -> None:
    """As people report it of Twilio: the last four digits are X, and there is no text."""
    lost = await rig.hear(PERSON, OURS, "Hello?", lost=True)
    assert lost["status"] is None, "its webhook never left"
    sent = await rig.client().messages.create_async(to="+14155550124", from_=OURS, body="Hello")
    await rig.quiet()
    asked = {"accounts": [ACCOUNT]}
    assert await rig.send("PUT", "redaction", asked) == (200, asked)
    listed = {one.sid: (one.from_, one.to, one.body) for one in await rig.client().messages.list_async()}
    assert listed == {lost["sid"]: ("+1415555XXXX", OURS, ""), sent.sid: (OURS, "+1415555XXXX", "")}
    fetched = await rig.client().messages(lost["sid"]).fetch_async()
    assert (fetched.from_, fetched.body) == ("+1415555XXXX", "")
