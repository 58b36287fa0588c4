"""What an account holds at Twilio: numbers and their URLs, services and pools, channel senders, alerts, standing."""

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException

from .rig import ACCOUNT, API_KEY, API_SECRET, SERVICE, TOKEN, Endpoint, Rig

ONE, TWO, CODE, WHATSAPP = "+14155550100", "+14155550101", "24680", "whatsapp:+14155550100"


async def hold(rig: Rig, what: str, content: object) -> None:
    status, answer = await rig.send("PUT", f"accounts/{ACCOUNT}/{what}", content)
    assert status == 200, answer


async def test_pages_follow_each_other_by_token(rig: Rig) -> None:
    numbers = [f"+1415555{place:04}" for place in range(1, 6)]
    await hold(rig, "senders", {one: {} for one in numbers})
    client = rig.client()
    page = await client.incoming_phone_numbers.page_async(page_size=2)
    assert "PageToken=PAPN" in str(page.next_page_url)
    # What is new goes to the end, and moves nothing from page to page.
    await hold(rig, "senders", {TWO: {}})
    assert [one.phone_number for one in await client.incoming_phone_numbers.list_async(page_size=2)] == [*numbers, TWO]


async def test_a_url_is_set_and_read_and_what_is_none_refused(rig: Rig) -> None:
    await hold(rig, "senders", {ONE: {"sms_url": "https://old.example.com/sms"}, CODE: {}})
    client = rig.client()
    [number] = await client.incoming_phone_numbers.list_async()
    assert number.sms_url == "https://old.example.com/sms"
    set_ = await client.incoming_phone_numbers(number.sid).update_async(sms_url="https://new.example.com/a#rc=2")
    assert (set_.sms_url, set_.sms_fallback_url) == ("https://new.example.com/a#rc=2", None)
    [code] = await client.api.account.short_codes.list_async()
    await client.api.account.short_codes(code.sid).update_async(sms_url="https://new.example.com/b")
    assert (await client.api.account.short_codes(code.sid).fetch_async()).sms_url == "https://new.example.com/b"
    with pytest.raises(TwilioRestException) as refused:
        await client.incoming_phone_numbers(number.sid).update_async(sms_url="nowhere")
    assert (refused.value.status, refused.value.code) == (400, 21502)


async def test_a_sender_is_in_one_service(rig: Rig) -> None:
    await hold(rig, "senders", {ONE: {}, WHATSAPP: {}})
    client = rig.client()
    client.messaging.base_url = rig.url
    services = client.messaging.v1.services
    first, second = [await services.create_async(friendly_name=name) for name in ("a", "b")]
    [number] = await client.incoming_phone_numbers.list_async()
    assert (await services(first.sid).phone_numbers.create_async(number.sid)).phone_number == ONE
    for sid, code in ((first.sid, 21710), (second.sid, 21712)):
        with pytest.raises(TwilioRestException) as refused:
            await services(sid).phone_numbers.create_async(number.sid)
        assert refused.value.code == code
    assert await services(first.sid).phone_numbers(number.sid).delete_async()
    await services(second.sid).phone_numbers.create_async(number.sid)
    assert (await services(second.sid).alpha_senders.create_async("ACME")).alpha_sender == "ACME"
    changed = await services(first.sid).update_async(sticky_sender=False, validity_period=60)
    assert (changed.sticky_sender, changed.validity_period, changed.friendly_name) == (False, 60, "a")


async def test_inbound_goes_where_the_account_says(rig: Rig, endpoint: Endpoint) -> None:
    """By the number's URL; by its service's, unless that leaves it to the number; WhatsApp by the sender's own."""
    urls = {name: f"{endpoint.url}/{name}" for name in ("number", "service", "whatsapp")}
    await hold(rig, "senders", {ONE: {"sms_url": urls["number"]}, WHATSAPP: {"callback_url": urls["whatsapp"]}})

    async def reached(to: str) -> str:
        endpoint.received.clear()
        await rig.hear("+14155550123" if to == ONE else "whatsapp:+14155550123", to, "hi")
        return endpoint.received[-1].path.strip("/")

    assert await reached(ONE) == "number"
    settings = {"inbound_request_url": urls["service"]}
    await rig.set_service(numbers=[ONE, WHATSAPP], settings=settings)
    assert await reached(ONE) == "service"
    assert await reached(WHATSAPP) == "whatsapp"
    await rig.set_service(numbers=[ONE], settings={**settings, "use_inbound_webhook_on_number": True})
    assert await reached(ONE) == "number"


async def test_who_may_not_look_is_told_so(rig: Rig) -> None:
    client, by_key = rig.client(), rig.client(API_KEY, API_SECRET, ACCOUNT)
    assert (await client.api.v2010.accounts(ACCOUNT).fetch_async()).type == "Full"
    # A standard key reaches no account resource.
    with pytest.raises(TwilioRestException) as refused:
        await by_key.api.v2010.accounts(ACCOUNT).fetch_async()
    assert (refused.value.status, refused.value.code) == (401, 20003)
    await hold(rig, "standing", {"status": "suspended", "type": "Trial", "forbidden": ["monitor"]})
    account = await client.api.v2010.accounts(ACCOUNT).fetch_async()
    assert (account.status, account.type) == ("suspended", "Trial")
    with pytest.raises(TwilioException, match="Unable to fetch page"):
        await client.incoming_phone_numbers.list_async()
    with pytest.raises(TwilioRestException) as inactive:
        await client.messages.create_async(to="+14155550123", from_=ONE, body="hi")
    assert inactive.value.code == 20005


async def test_alerts_are_listed_newest_first_by_level_and_time(rig: Rig) -> None:
    alerts = [
        {"error_code": "11200", "date_generated": "2026-11-01T00:00:00Z"},
        {"error_code": "11205", "date_generated": "2026-11-02T00:00:00Z"},
        {"error_code": "30007", "log_level": "warning", "date_generated": "2026-11-03T00:00:00Z"},
    ]
    await hold(rig, "alerts", alerts)
    client = rig.client(ACCOUNT, TOKEN)
    client.monitor.base_url = rig.url
    listed = await client.monitor.v1.alerts.list_async(page_size=1)
    assert [one.error_code for one in listed] == ["30007", "11205", "11200"]
    errors = await client.monitor.v1.alerts.list_async(log_level="error", start_date="2026-11-01T12:00:00Z")
    assert [one.error_code for one in errors] == ["11205"]


async def test_an_account_that_nobody_has_holds_nothing(rig: Rig) -> None:
    assert SERVICE not in str(await rig.client().incoming_phone_numbers.list_async())
    async with rig.session.put(f"{rig.url}/simulator/accounts/AC{'9' * 32}/senders", json={}) as answer:
        assert answer.status == 404
