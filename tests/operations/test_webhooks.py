"""`webhooks plan|apply` against a simulated Twilio: what is ours is mended, what is another's is named and left."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.operations import calling
from services.operations.calling import TwilioError
from services.operations.changing import Done, digest_of
from services.operations.webhooks.owners import Owners
from services.operations.webhooks.reading import Endpoint
from services.runtime.section import ConfigError
from services.runtime.sections.kafka import KafkaSettings

from .house import (
    ACME,
    CODE,
    FALLBACK,
    GLOBEX,
    GLOBEXS,
    INBOUND,
    ONE,
    PUBLIC,
    RETRIES,
    SERVICE,
    TWO,
    WHATSAPP,
    House,
    tenant,
)  # fmt: skip

STAGING = "https://staging.example.com/twilio/acme/messages"


async def test_all_that_is_ours_is_led_to_us_and_each_change_is_on_the_log(house: House) -> None:
    await house.hold(senders={ONE: {}, CODE: {}, WHATSAPP: {"callback_method": "POST"}})
    await house.service(numbers=["+14155550177"], settings={"status_callback": f"{PUBLIC}/twilio/acme/status"})
    plan = await house.plan("acme")
    assert {one.name for one in plan.changes} == {ONE, CODE, WHATSAPP, SERVICE}
    done = await house.carry(plan.changes)
    assert {one.end for one in done} == {"changed"}
    assert (await house.plan("acme")).changes == ()
    [client] = [one.client for one in house.accounts("acme")]
    numbers = await asyncio.to_thread(client.incoming_phone_numbers.list)
    [number] = [one for one in numbers if one.phone_number == ONE]
    assert (number.sms_url, number.sms_fallback_url) == (INBOUND, FALLBACK)
    service = await asyncio.to_thread(client.messaging.v1.services(SERVICE).fetch)
    assert (service.inbound_request_url, service.status_callback) == (INBOUND, f"{PUBLIC}/twilio/acme/status{RETRIES}")
    facts = await house.audited(*(one.subject for one in plan.changes))
    for change in plan.changes:
        intent, end = [one for one in facts if one.subject == change.subject]
        assert (intent.action, end.action, end.correlation_id) == ("changing", "changed", intent.event_id)
        assert (intent.actor, intent.why, intent.after) == ("ada", "a change of the tests", dict(change.after))


async def test_another_environments_url_is_named_and_left_unless_it_is_taken(house: House) -> None:
    await house.hold(senders={ONE: {"sms_url": STAGING}, TWO: {"sms_url": "https://user:pass@old.example.com/sms?k=1"}})
    plan = await house.plan("acme")
    assert plan.changes == ()
    assert [one.where for one in plan.left] == [STAGING, "https://•••@old.example.com/sms?•••"]
    assert "--take https://old.example.com" in plan.left[1].remedy
    assert "pass" not in str([(one.where, one.remedy) for one in plan.left])
    taken = await house.plan("acme", take=("https://old.example.com",))
    [change] = taken.changes
    assert (change.name, len(taken.left)) == (TWO, 1)
    # Another tenant's numbers are looked at by a plan for that one alone.
    await house.hold(GLOBEX, senders={"+14155550199": {}})
    assert {one.tenant for one in (await house.plan("globex")).changes} == {"globex"}


async def test_a_service_answers_for_its_numbers_unless_it_leaves_that_to_them(house: House) -> None:
    await house.hold(senders={ONE: {"sms_url": STAGING}})
    ours = {"inbound_request_url": INBOUND, "fallback_url": FALLBACK}
    await house.service(numbers=[ONE], settings=ours)
    plan = await house.plan("acme")
    assert (plan.changes, plan.left) == ((), ())
    # Now the number's URL is called, and goes past us.
    await house.service(numbers=[ONE], settings={**ours, "use_inbound_webhook_on_number": True})
    [past] = (await house.plan("acme")).left
    assert past.endpoint.name == ONE
    # Its service's own is called by nobody then, whatever it says.
    await house.service(
        numbers=[], settings={**ours, "inbound_request_url": STAGING, "use_inbound_webhook_on_number": True}
    )
    assert [one.endpoint.kind for one in (await house.plan("acme")).left] == ["number"]


async def test_a_twiml_app_comes_before_the_url(house: House) -> None:
    app = "AP" + "1" * 32
    await house.hold(senders={ONE: {"sms_application_sid": app, "sms_url": INBOUND, "sms_fallback_url": FALLBACK}})
    [left] = (await house.plan("acme")).left
    assert app in left.where
    plan = await house.plan("acme", take=(app,))
    await house.carry(plan.changes)
    again = await house.plan("acme")
    assert (again.changes, again.left) == ((), ())


async def test_what_changed_since_the_plan_is_left(house: House) -> None:
    await house.hold(senders={ONE: {}, TWO: {}})
    plan = await house.plan("acme")
    await house.hold(senders={ONE: {"sms_url": STAGING}})
    first, second = await house.carry(plan.changes)
    assert (first.end, second.end) == ("unchanged", "changed")
    assert "since the plan" in first.says
    [left] = (await house.plan("acme")).left
    assert left.where == STAGING
    assert (await house.plan("acme")).digest != plan.digest


async def test_two_operators_at_once_and_one_who_was_killed_do_no_harm(house: House) -> None:
    await house.hold(senders={ONE: {}, TWO: {}})
    mine, theirs = await house.plan("acme"), await house.plan("acme")
    assert mine.digest == theirs.digest

    class Killed(BaseException):
        pass

    def kill(_: Done) -> None:
        raise Killed

    with pytest.raises(Killed):
        await house.carry(mine.changes, kill)
    first, second = await house.carry(theirs.changes)
    assert (first.says, first.is_so, second.end) == ("it is so already", True, "changed")
    assert (await house.plan("acme")).changes == ()


async def test_a_refusal_leaves_the_others_and_a_lost_answer_stops(house: House) -> None:
    await house.hold(senders={ONE: {}, TWO: {}})
    one, two = (await house.plan("acme")).changes
    wrong = replace(one, after={**one.after, "sms_url": "nowhere"})
    refused, changed = await house.carry([wrong, two])
    assert (refused.end, changed.end) == ("unchanged", "changed")
    assert "21502" in refused.says
    facts = await house.audited(one.subject)
    assert facts[-1].action == "unchanged"
    assert "21502" in (facts[-1].why or "")


async def test_nothing_is_changed_that_the_log_does_not_take(house: House) -> None:
    await house.hold(senders={ONE: {}})
    plan = await house.plan("acme")
    away = KafkaSettings(bootstrap="127.0.0.1:1", partitions=4, replication=1, min_insync_replicas=1)
    house.settings = house.settings.model_copy(update={"kafka": away})
    with pytest.raises(ConfigError, match="does not take"):
        await house.carry(plan.changes)
    assert (await house.plan("acme")).digest == plan.digest


async def test_five_thousand_numbers_are_read_by_pages(house: House) -> None:
    numbers = [f"+1415{place:07}" for place in range(2_000_000, 2_005_000)]
    for start in range(0, len(numbers), 1_000):
        part = numbers[start : start + 1_000]
        await house.hold(senders={one: {"sms_url": INBOUND, "sms_fallback_url": FALLBACK} for one in part})
    await house.hold(senders={numbers[-1]: {}})
    plan = await house.plan("acme")
    assert plan.looked_at == 5_000
    assert [one.name for one in plan.changes] == numbers[-1:]


async def test_one_who_may_not_read_is_told_so_and_a_busy_twilio_is_asked_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As often, and without the second that Twilio asks for.
    at_once = calling._AGAIN.new(respect_retry_after_header=False, backoff_factor=0)
    monkeypatch.setattr(calling, "_AGAIN", at_once)
    await house.hold(senders={ONE: {}}, standing={"forbidden": ["channels"]})
    with pytest.raises(TwilioError, match=f"WhatsApp and RCS senders of account {ACME}"):
        await house.plan("acme")
    await house.hold(standing={"status": "suspended"})
    with pytest.raises(TwilioError, match="the account is active"):
        await house.plan("acme")
    await house.hold(standing={})
    await house.put("faults", {"rate_limited": 0.3, "seed": 7})
    assert [one.name for one in (await house.plan("acme")).changes] == [ONE]


async def test_a_plans_name_follows_from_what_it_does(house: House) -> None:
    await house.hold(senders={ONE: {}, TWO: {}})
    plan = await house.plan("acme")
    assert digest_of(reversed(plan.changes)) == plan.digest != digest_of(plan.changes[:1])


async def test_a_channel_sender_that_never_had_a_webhook_is_led_to_us(house: House) -> None:
    await house.hold(senders={WHATSAPP: {}})
    plan = await house.plan("acme")
    assert [one.name for one in plan.changes] == [WHATSAPP]
    assert [one.end for one in await house.carry(plan.changes)] == ["changed"]
    assert (await house.plan("acme")).changes == ()


def share(house: House, acme: Sequence[str], globex: Sequence[str]) -> None:
    """Both tenants have one account from now on, and list these senders."""
    both = {"acme": tenant(ACME, allowed_senders=list(acme)), "globex": tenant(ACME, allowed_senders=list(globex))}
    house.settings = house.settings.model_copy(update={"tenants": both})


async def test_tenants_of_one_account_keep_their_numbers(house: House) -> None:
    """A STOP that is led to another tenant would be that one's, while its own goes on writing."""
    share(house, [ONE], [TWO])
    shared = f"{PUBLIC}/twilio/messages{RETRIES}"
    await house.hold(
        senders={
            ONE: {"sms_url": INBOUND, "sms_fallback_url": FALLBACK},
            TWO: {},
            "+14155550102": {"sms_url": GLOBEXS},
            "+14155550103": {"sms_url": shared},
            CODE: {},
            "97531": {"sms_url": f"{PUBLIC}/twilio/initech/messages"},
        }
    )
    plan = await house.plan()
    assert plan.looked_at == 6, "the account is read once"
    assert {one.name: (one.tenant, one.after.get("sms_url")) for one in plan.changes} == {
        TWO: ("globex", GLOBEXS),
        # Whose it is called with is whose it is: its fallback too.
        "+14155550102": ("globex", None),
    }
    assert all("/globex/fallback" in one.after["sms_fallback_url"] for one in plan.changes)
    # Nobody lists these.
    assert [(one.endpoint.name, one.endpoint.tenant, one.where) for one in plan.left] == [
        (CODE, "acme, globex", "nobody"),
        ("97531", "acme, globex", f"{PUBLIC}/twilio/initech/messages"),
    ]
    assert "allowed_senders" in plan.left[0].remedy
    assert (await house.plan("acme")).changes == ()
    assert {one.end for one in await house.carry((await house.plan("globex")).changes)} == {"changed"}
    assert (await house.plan()).changes == ()


@pytest.mark.parametrize(
    ("acme", "globex", "leads"),
    [
        ([ONE], [TWO], f"{PUBLIC}/twilio/messages{RETRIES}"),
        ([ONE], [], f"{PUBLIC}/twilio/messages{RETRIES}"),
        ([SERVICE], [TWO], INBOUND),
        # On the URL that all share nobody could tell whose message it is.
        ([], [], None),
        ([SERVICE], [SERVICE], None),
    ],
)
async def test_a_service_of_several_tenants_has_the_url_that_all_share(
    house: House, acme: Sequence[str], globex: Sequence[str], leads: str | None
) -> None:
    share(house, acme, globex)
    await house.hold(senders={ONE: {}, TWO: {}})
    await house.service(numbers=[ONE, TWO])
    plan = await house.plan()
    assert [one.after["inbound_request_url"] for one in plan.changes] == ([leads] if leads else [])
    assert [one.endpoint.name for one in plan.left] == ([] if leads else [SERVICE])
    await house.carry(plan.changes)
    assert (await house.plan()).changes == ()


@pytest.mark.parametrize(
    ("acme", "globex", "whose"),
    [
        ([ONE], [TWO], "acme"),
        ([], [TWO], "acme"),
        (["whatsapp:+14155550100"], [], "globex"),
        (["14155550100"], [TWO], "acme"),
        ([ONE], [ONE], None),
        ([], [], None),
    ],
)
def test_whose_a_number_is(acme: list[str], globex: list[str], whose: str | None) -> None:
    owners = Owners({"acme": tenant(ACME, allowed_senders=acme), "globex": tenant(ACME, allowed_senders=globex)})
    assert owners.of(Endpoint("globex", ACME, "number", "PN1", ONE, {})) == whose
    # Who has an account alone has all that is in it.
    alone = Owners({"acme": tenant(ACME, allowed_senders=acme), "globex": tenant(GLOBEX)})
    assert alone.of(Endpoint("acme", ACME, "number", "PN1", TWO, {})) == "acme"
