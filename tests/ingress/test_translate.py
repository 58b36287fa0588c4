"""Given a webhook's parameters, the fact. Ids depend on what was said, not on when or in which order."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contract import codec
from services.domain.contact import contact_key
from services.domain.messages.callback import callback_query, read_callback
from services.domain.messages.events import InboundReceived, StatusReceived
from services.ingress import parameters
from services.ingress.messages import translate
from services.ingress.messages.translate import Arrival
from services.ingress.parameters import Pairs

SECRET = b"contact secret"
ARRIVAL = Arrival("acme", SECRET, "2026-02-21T18:22:11.123Z", None, signers=(b"a later key", SECRET))
LATER = Arrival("acme", SECRET, "2026-02-21T18:22:14.000Z", "a retry's token", signers=(SECRET,))

INBOUND: Pairs = [
    ("MessageSid", "SM1"),
    ("AccountSid", "AC1"),
    ("From", "whatsapp:+14155550123"),
    ("To", "whatsapp:+14155550100"),
    ("Body", "1 + 1 👋"),
    ("NumMedia", "1"),
    ("MediaUrl0", "https://example.org/1"),
    ("", "no name"),
    ("Later", ""),
]
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
forms = st.lists(st.tuples(texts | st.sampled_from(["From", "Body", "MessageSid"]), texts), max_size=6)


def test_an_inbound_message_keeps_everything() -> None:
    event = translate.inbound(ARRIVAL, INBOUND)
    assert event == InboundReceived(
        event_id=event.event_id,
        tenant="acme",
        received_at="2026-02-21T18:22:11.123Z",
        contact=contact_key("acme", "+14155550123", SECRET),
        account_sid="AC1",
        message_sid="SM1",
        from_="whatsapp:+14155550123",
        to="whatsapp:+14155550100",
        body="1 + 1 👋",
        num_media=1,
        raw=dict(INBOUND),
    )
    assert len(event.event_id) == 32


def test_a_location_without_body_and_a_button() -> None:
    event = translate.inbound(ARRIVAL, [("From", "x"), ("Latitude", "52.5"), ("ButtonText", "Yes")])
    assert (event.body, event.num_media) == ("", 0)
    assert event.raw == {"From": "x", "Latitude": "52.5", "ButtonText": "Yes"}


def test_nothing_at_all_is_still_a_fact() -> None:
    event = translate.inbound(ARRIVAL, [])
    assert event.contact == contact_key("acme", "", SECRET)
    assert codec.decode(codec.encode(event), InboundReceived) == event


def test_repeats_are_lists_in_the_order_sent_and_the_first_is_meant() -> None:
    event = translate.inbound(ARRIVAL, [("From", "b"), ("x", "1"), ("From", "a"), ("From", "b")])
    assert event.raw == {"From": ["b", "a", "b"], "x": "1"}
    assert event.from_ == "b"


@pytest.mark.parametrize(
    ("stated", "read"), [("3", 3), ("", 0), ("x", 0), ("-1", 0), ("1e3", 0), ("٣", 0), ("9" * 30, 0)]
)
def test_media_counts_that_make_no_sense_are_none(stated: str, read: int) -> None:
    assert translate.inbound(ARRIVAL, [("NumMedia", stated)]).num_media == read


@pytest.mark.parametrize("name", ["MessageSid", "SmsSid", "SmsMessageSid"])
def test_the_sid_goes_by_three_names(name: str) -> None:
    assert translate.inbound(ARRIVAL, [("MessageSid", ""), (name, "SM1")][name == "MessageSid" :]).message_sid == "SM1"
    assert translate.status(ARRIVAL, [(name, "SM1")], []).message_sid == "SM1"


def test_a_status_of_ours_names_its_command() -> None:
    query = translate_query(callback_query(SECRET, "order 7/€", "acme|0f"))
    event = translate.status(ARRIVAL, [("MessageStatus", "Delivered"), ("ErrorCode", "30003")], query)
    assert event == StatusReceived(
        event_id=event.event_id,
        tenant="acme",
        received_at="2026-02-21T18:22:11.123Z",
        contact="acme|0f",
        command_id="order 7/€",
        account_sid="",
        message_sid="",
        message_status="delivered",
        error_code=30003,
        from_="",
        to="",
        raw={"MessageStatus": "Delivered", "ErrorCode": "30003"},
    )


@pytest.mark.parametrize("spoilt", ["c=order+8", "k=acme%7C0e", "s=0", "s="])
def test_a_command_that_we_did_not_sign_is_not_believed(spoilt: str) -> None:
    query = dict(translate_query(callback_query(SECRET, "order 7", "acme|0f"))) | dict(translate_query(spoilt))
    event = translate.status(ARRIVAL, [("To", "+14155550123"), ("SmsStatus", "sent")], list(query.items()))
    assert (event.command_id, event.message_status) == (None, "sent")
    assert event.contact == contact_key("acme", "+14155550123", SECRET)


def translate_query(text: str) -> Pairs:
    return parameters.query(f"/x?{text}")


@given(texts, texts, texts, texts)
def test_callback_signatures_tell_all_commands_apart(command: str, contact: str, other: str, another: str) -> None:
    query = dict(translate_query(callback_query(SECRET, command, contact)))
    assert read_callback([SECRET], query) == (command, contact)
    assert read_callback([b"another secret"], query) is None
    if (other, another) != (command, contact):
        assert read_callback([SECRET], query | {"c": other, "k": another}) is None


@given(forms, st.randoms(use_true_random=False))
def test_ids_do_not_depend_on_order_or_arrival(pairs: Pairs, random: object) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert translate.inbound(ARRIVAL, pairs).event_id == translate.inbound(LATER, shuffled).event_id
    assert translate.status(ARRIVAL, pairs, []).event_id == translate.status(LATER, shuffled, []).event_id


@given(forms, forms)
def test_ids_tell_contents_kinds_and_tenants_apart(pairs: Pairs, other: Pairs) -> None:
    event = translate.inbound(ARRIVAL, pairs)
    assert event.event_id != translate.status(ARRIVAL, pairs, []).event_id
    assert event.event_id != translate.inbound(ARRIVAL._replace(tenant="other"), pairs).event_id
    if sorted(pairs) != sorted(other):
        assert event.event_id != translate.inbound(ARRIVAL, other).event_id


@given(forms)
def test_a_message_by_the_fallback_is_the_same_message(pairs: Pairs) -> None:
    extra = [("ErrorCode", "11200"), ("ErrorUrl", "https://example.org/twilio/acme/messages")]
    by_fallback = translate.inbound(LATER, [*extra, *pairs])
    assert by_fallback.event_id == translate.inbound(ARRIVAL, pairs).event_id
    assert by_fallback.raw["ErrorCode"] == "11200"


@given(forms, forms)
def test_every_fact_is_valid_on_the_log(pairs: Pairs, query: Pairs) -> None:
    for event in (translate.inbound(ARRIVAL, pairs), translate.status(ARRIVAL, pairs, query)):
        assert codec.decode(codec.encode(event), type(event)) == event
        assert msgspec.json.decode(codec.encode(event))["event_type"].startswith("twilio_")


@pytest.mark.parametrize(
    ("pairs", "linked"),
    [
        ([("From", "whatsapp:US.13491208655302741918"), ("WaId", "14155550123")], ["+14155550123"]),
        ([("From", "WhatsApp:US.13491208655302741918"), ("WaId", "+14155550123")], ["+14155550123"]),
        ([("From", "whatsapp:+14155550123"), ("ExternalUserId", "US.134912")], ["US.134912"]),
        ([("From", "whatsapp:+14155550123"), ("ExternalUserId", "US.ENT.134912")], ["US.ENT.134912"]),
        ([("From", "whatsapp:+14155550123"), ("ExternalUserId", "whatsapp:us.134912")], ["US.134912"]),
        (
            [
                ("From", "whatsapp:+14155550123"),
                ("WaId", "14155550123"),
                ("ExternalUserId", "US.134912"),
                ("ParentExternalUserId", "US.ENT.20000000000000000001"),
            ],
            ["US.134912", "US.ENT.20000000000000000001"],
        ),
        (
            [("From", "whatsapp:US.134912"), ("WaId", "14155550123"), ("ParentExternalUserId", "US.ENT.2")],
            ["+14155550123", "US.ENT.2"],
        ),
        ([("From", "whatsapp:US.ENT.2"), ("ExternalUserId", "US.ENT.2")], []),
        ([("From", "whatsapp:+14155550123"), ("WaId", "14155550123")], []),
        # The same person in WhatsApp's older spelling.
        ([("From", "whatsapp:+5511987654321"), ("WaId", "551187654321")], []),
        ([("From", "+14155550123"), ("WaId", "14155550199")], []),
        ([("From", "whatsapp:+14155550123"), ("ExternalUserId", "not an id")], []),
        ([("From", "whatsapp:+14155550123"), ("ParentExternalUserId", "")], []),
    ],
)
def test_a_webhook_links_all_names_that_it_gives_a_person(pairs: Pairs, linked: list[str]) -> None:
    event = translate.inbound(ARRIVAL, pairs)
    assert event.linked == [contact_key(ARRIVAL.tenant, name, ARRIVAL.contact_secret) for name in linked]
    assert event.contact not in event.linked


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("30008", 30008), ("+30008", 30008), (" 30008", 30008), ("0030008", 30008), ("30008 ", 30008),
        ("", None), ("0", None), ("None", None), ("null", None), ("30008.0", None), ("-30008", None), ("٣٠٠٠٨", None),
        ("9" * 19, None), ("x30008", None),
    ],
)  # fmt: skip
def test_an_error_code_is_a_number_and_what_is_none_stays_in_the_parameters(text: str, code: int | None) -> None:
    event = translate.status(ARRIVAL, [("MessageStatus", "undelivered"), ("ErrorCode", text)], [])
    assert event.error_code == code
    assert event.raw["ErrorCode"] == text


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("68849", "68849"),
        ("SUPPORT", "SUPPORT"),
        ("+1210", "+1210"),
        ("", ""),
        ("messenger:1234567890123456", "messenger:1234567890123456"),
        ("14155550123", "+14155550123"),
        ("rcs:+14155550123", "+14155550123"),
        ("rcs:acme_agent", "rcs:acme_agent"),
        ("anonymous", "anonymous"),
        ("+266696687", "+266696687"),
        ("whatsapp:whatsapp:+14155550123", "+14155550123"),
        ("whatsapp:us.ENT.2", "US.ENT.2"),
        ("whatsapp:+22507123456", "+2250707123456"),
    ],
)
def test_every_message_is_kept_under_a_stable_key_whoever_wrote(sender: str, name: str) -> None:
    pairs = [("From", sender), ("To", "+14155550100"), ("Body", "STOP"), ("MessageSid", "SM1")]
    first, again = translate.inbound(ARRIVAL, pairs), translate.inbound(LATER, pairs)
    assert first.contact == again.contact == contact_key(ARRIVAL.tenant, name, ARRIVAL.contact_secret)
    assert (first.from_, first.body, first.event_id) == (sender, "STOP", again.event_id)


def test_no_two_of_those_share_a_key() -> None:
    senders = [
        "68849",
        "SUPPORT",
        "+1210",
        "",
        "messenger:14155550123",
        "instagram:14155550123",
        "14155550123",
        "rcs:a",
    ]
    assert len({translate.inbound(ARRIVAL, [("From", one)]).contact for one in senders}) == len(senders)
