"""Who may speak for whom: topics of tenants, signed commands, and what anybody may say."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contract import signatures
from services.contract.consent import CONSENT_COMMANDS
from services.contract.messages import MESSAGES
from services.contract.reading import NotACommand
from services.contract.signatures import AHEAD_S, HEADER, OLDEST_S, sign
from services.contract.topic import own_topic
from services.domain.clock import iso
from services.domain.consent.commands import ConsentAccepted
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.intake import Rules
from services.domain.outbox.accepted import CancelAccepted, ResolutionAccepted
from services.domain.results import CommandResult
from services.runtime.folding.fold import Record
from services.sender.intake import Intake
from services.sender.producers import REFUSED
from services.sender.products import COMMANDS
from tests.sender.reading import read_consent, read_message

NOW_S = 1_800_000_000
NOW = iso(NOW_S * 1000)
OLD, NEW, OTHER = b"the key that goes" * 2, b"the key that comes" * 2, b"the key of globex" * 2
CLOSED = Rules(contact_secret=b"a", lifetime=86_400.0, producer_keys={"old": OLD, "new": NEW}, signed=True)
RULES = {
    # It takes signed commands alone.
    "acme": CLOSED,
    # It has a key, and takes anybody's word besides.
    "globex": Rules(contact_secret=b"g", lifetime=86_400.0, producer_keys={"k": OTHER}),
    "initech": Rules(contact_secret=b"i", lifetime=86_400.0),
}
SEND = {"command_id": "c-1", "tenant": "acme", "to": "+14155550123", "from": "+14155550100", "body": "Hello"}
WHOM = {"command_id": "c-1", "tenant": "acme", "to": "+14155550123", "by": "somebody"}
CANCEL = WHOM | {"event_type": "cancel_message"}
RESOLVE = WHOM | {"event_type": "resolve_ambiguous", "outcome": "not_sent"}
SAID = {"command_id": "f-1", "tenant": "acme", "address": "+14155550123"}
YES, NO = SAID | {"action": "opt_in"}, SAID | {"action": "opt_out"}
DISMISS = SAID | {"action": "dismiss", "message_sid": "SM" + "a" * 32}

Told = list[Any]


def value_of(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()


def signed(topic: str, value: bytes, key: str = "acme/new", secret: bytes = NEW, at: int = NOW_S) -> tuple[str, bytes]:
    return sign(topic, value, key, secret, at)


def take(topic: str, value: bytes | None, *headers: tuple[str, bytes], at_s: int = NOW_S, rules: Any = RULES) -> Told:
    """What intake makes of a record that the broker dates `at_s`."""
    intake = Intake(rules)
    record = Record(topic, 0, 7, at_s * 1000, b"k", value, list(headers), by_broker=True)
    read = read_consent if "consent" in topic else read_message
    try:
        return list(intake(None, read(record))[1])
    except NotACommand as error:
        return list(intake.refused(record, str(error)))


def only(told: Told) -> CommandResult:
    [result] = told
    assert isinstance(result, CommandResult)
    return result


def refused(told: Told, tenant: str, reason: str) -> None:
    """Refused, and told to that tenant, or to nobody."""
    result = only(told)
    assert (result.step, result.tenant, result.contact) == ("rejected", tenant, None)
    assert reason in (result.reason or "")


@pytest.mark.parametrize("fields", [SEND, CANCEL, RESOLVE])
def test_what_is_signed_by_a_key_of_its_tenant_is_taken(fields: dict[str, Any]) -> None:
    value = value_of(fields)
    [accepted] = take(MESSAGES.name, value, signed(MESSAGES.name, value))
    assert isinstance(accepted, CommandAccepted | CancelAccepted | ResolutionAccepted)
    assert accepted.tenant == "acme"
    # While one rotates, either key counts.
    [again] = take(MESSAGES.name, value, signed(MESSAGES.name, value, "acme/old", OLD))
    assert again.command_id == "c-1"


@pytest.mark.parametrize("fields", [SEND, CANCEL, RESOLVE])
def test_what_nobody_signed_is_refused_and_the_tenant_that_it_names_hears_nothing(fields: dict[str, Any]) -> None:
    refused(take(MESSAGES.name, value_of(fields)), "", f"header {HEADER}: missing")


@pytest.mark.parametrize("fields", [YES, DISMISS])
def test_a_strangers_yes_is_refused(fields: dict[str, Any]) -> None:
    value = value_of(fields)
    refused(take(CONSENT_COMMANDS.name, value), "", "missing")
    forged = signed(CONSENT_COMMANDS.name, value, secret=OTHER)
    refused(take(CONSENT_COMMANDS.name, value, forged), "", "did not sign this value")


def test_a_no_is_heard_whoever_says_it_and_told_in_nobodys_name() -> None:
    value = value_of(NO)
    strange = [(), (signed(CONSENT_COMMANDS.name, value, secret=OTHER),), ((HEADER, b"nonsense"),),
               (signed(CONSENT_COMMANDS.name, value, "acme/gone"),)]  # fmt: skip
    for headers in strange:
        accepted, recorded = take(CONSENT_COMMANDS.name, value, *headers)
        assert isinstance(accepted, ConsentAccepted)
        assert (accepted.tenant, accepted.action) == ("acme", "opt_out")
        # A stranger's command id may be that of a command of the tenant's.
        assert (recorded.step, recorded.tenant, recorded.contact) == ("recorded", "", None)
    # One that cannot be kept is refused, to nobody either.
    refused(take(CONSENT_COMMANDS.name, value_of(NO | {"address": "nobody"})), "", "address")


@pytest.mark.parametrize("topic", [one.topic.name for one in COMMANDS])
@pytest.mark.parametrize("fields", [CANCEL, RESOLVE])
def test_a_cancel_or_resolution_that_is_wrong_or_on_a_wrong_topic_ends_no_command(
    topic: str, fields: dict[str, Any]
) -> None:
    value = value_of(fields | {"tenant": "initech", "to": "nonsense"})
    # The other has a byte of Latin-1, so that it is no JSON.
    for one in (value, value.replace(b"somebody", b"Ren\xe9")):
        told = only(take(topic, one))
        assert (told.step, told.tenant, told.command_id, told.terminal) == ("rejected", "initech", "c-1", False)


def test_signed_consent_is_recorded_in_its_tenants_name() -> None:
    value = value_of(YES)
    accepted, recorded = take(CONSENT_COMMANDS.name, value, signed(CONSENT_COMMANDS.name, value))
    assert accepted.action == "opt_in"
    assert (recorded.tenant, recorded.contact) == ("acme", accepted.contact)


def test_a_key_speaks_for_its_own_tenant_alone_and_hears_what_it_said() -> None:
    """Also of a tenant that takes anybody's word, and of a no: who said it is known, and is not that tenant."""
    for fields, topic in ((SEND, MESSAGES), (SEND | {"tenant": "initech"}, MESSAGES), (NO, CONSENT_COMMANDS)):
        value = value_of(fields)
        refused(take(topic.name, value, signed(topic.name, value, "globex/k", OTHER)), "globex", "speaks for globex")


def test_a_topic_of_a_tenants_own_speaks_for_it_alone_and_needs_no_signature() -> None:
    topic, consent = own_topic(MESSAGES, "acme").name, own_topic(CONSENT_COMMANDS, "acme").name
    assert (topic, consent) == ("twilio.outbound.messages.t.acme.v1", "twilio.consent.commands.t.acme.v1")
    [accepted] = take(topic, value_of(SEND))
    assert isinstance(accepted, CommandAccepted)
    assert take(consent, value_of(YES))[1].tenant == "acme"
    for fields, name in ((SEND, topic), (CANCEL, topic), (NO, consent), (YES, consent)):
        refused(take(name, value_of(fields | {"tenant": "globex"})), "acme", "this topic speaks for acme alone")
    # Another tenant's signature changes nothing of whose topic it is.
    other = value_of(SEND | {"tenant": "globex"})
    refused(take(topic, other, signed(topic, other, "globex/k", OTHER)), "acme", "speaks for acme")


def test_what_cannot_be_read_is_told_to_who_may_write_there() -> None:
    topic = own_topic(MESSAGES, "acme").name
    for value in (b"{", b'{"tenant": "globex", "command_id": "c-1"', b"[]", b"\x00\x00\x00\x00\x07avro", None):
        assert only(take(topic, value)).tenant == "acme"
        assert only(take(MESSAGES.name, value)).tenant == ""
    torn = b'{"tenant": "acme", "command_id": "c-1"} and more'
    assert only(take(MESSAGES.name, torn, signed(MESSAGES.name, torn))).tenant == "acme"
    named = value_of({"tenant": "acme", "command_id": "c-1", "boddy": "x"})
    assert only(take(MESSAGES.name, named)).tenant == "", "a stranger writes no row of acme's"
    assert only(take(MESSAGES.name, named, signed(MESSAGES.name, named))).tenant == "acme"


def test_the_bytes_count_and_not_what_they_say() -> None:
    """Whatever wrote them, JSON or framed by a registry: what is signed is what is produced."""
    spaced = json.dumps(SEND, indent=2).encode()
    header = signed(MESSAGES.name, value_of(SEND))
    refused(take(MESSAGES.name, spaced, header), "", "did not sign this value")
    framed = b"\x00\x00\x00\x00\x07" + b"avro"
    found = signatures.read([signed(MESSAGES.name, framed)])
    assert found is not None
    assert signatures.fits(found, MESSAGES.name, framed, NEW)
    assert not signatures.fits(found, MESSAGES.name, framed[1:], NEW)


def test_a_signature_is_good_for_its_own_topic_alone() -> None:
    value = value_of(SEND)
    for other in (CONSENT_COMMANDS.name, own_topic(MESSAGES, "acme").name, ""):
        refused(take(MESSAGES.name, value, signed(other, value)), "", "for this topic")


def test_a_copy_of_a_signed_yes_is_no_younger_than_the_yes() -> None:
    """Else who can read the topic lifts every later STOP by it."""
    value = value_of(YES)
    header = signed(CONSENT_COMMANDS.name, value)
    for later_s in (1, 3600, OLDEST_S):
        accepted = take(CONSENT_COMMANDS.name, value, header, at_s=NOW_S + later_s)[0]
        assert accepted.given_at == NOW
    refused(take(CONSENT_COMMANDS.name, value, header, at_s=NOW_S + OLDEST_S + 1), "", "counts for 29 days")


def test_a_copy_of_a_signed_command_lives_no_longer_than_the_command() -> None:
    value = value_of(SEND)
    header = signed(MESSAGES.name, value)
    first, copy = take(MESSAGES.name, value, header)[0], take(MESSAGES.name, value, header, at_s=NOW_S + 80_000)[0]
    assert (copy.not_after, copy.fingerprint, copy.contact) == (first.not_after, first.fingerprint, first.contact)
    altered = value_of(SEND | {"body": "Goodbye"})
    refused(take(MESSAGES.name, altered, header), "", "did not sign this value")


def test_a_clock_ahead_makes_no_signature_live_longer() -> None:
    value = value_of(SEND)
    assert isinstance(take(MESSAGES.name, value, signed(MESSAGES.name, value, at=NOW_S + AHEAD_S))[0], CommandAccepted)
    ahead = signed(MESSAGES.name, value, at=NOW_S + AHEAD_S + 1)
    refused(take(MESSAGES.name, value, ahead), "", "61 s ahead of the broker's clock")
    for at in (0, 9_999_999_999):
        assert only(take(MESSAGES.name, value, signed(MESSAGES.name, value, at=at))).step == "rejected"


def test_a_header_that_is_not_signed_decides_nothing() -> None:
    """A copy with another format would end in the tenant's results, under its command's id."""
    value = value_of(SEND)
    refused(take(MESSAGES.name, value, signed(MESSAGES.name, value), ("format", b"2")), "", "format")


def test_a_key_that_was_taken_off_counts_no_more() -> None:
    value = value_of(SEND)
    rules = RULES | {"acme": CLOSED._replace(producer_keys={"new": NEW})}
    old = signed(MESSAGES.name, value, "acme/old", OLD)
    refused(take(MESSAGES.name, value, old, rules=rules), "", "no key acme/old")
    # Its name alone says nothing: the new secret under the old name.
    refused(take(MESSAGES.name, value, signed(MESSAGES.name, value, "acme/old", NEW)), "", "did not sign")


@pytest.mark.parametrize(
    "header",
    [b"", b"v1", b"v2 acme/new 1800000000 " + b"a" * 64, b"v1 acme/new 1800000000 " + b"A" * 64,
     b"v1 acme/new -1 " + b"a" * 64, b"v1 acme/new 99999999999 " + b"a" * 64, b"v1 acme 1800000000 " + b"a" * 64,
     b"v1 acme/new\n1800000000 " + b"a" * 64, "v1 acme/new ١٨ ".encode() + b"a" * 64, b"\xff" * 200],
)  # fmt: skip
def test_what_is_no_signature_is_refused_also_by_who_takes_unsigned_ones(header: bytes) -> None:
    for tenant in ("acme", "globex", "initech"):
        refused(take(MESSAGES.name, value_of(SEND | {"tenant": tenant}), (HEADER, header)), "", "TENANT/KEY")


def test_two_signatures_are_none() -> None:
    value = value_of(SEND)
    header = signed(MESSAGES.name, value)
    refused(take(MESSAGES.name, value, header, header), "", "TENANT/KEY")


def test_who_asks_for_no_signature_takes_unsigned_commands_and_checks_those_that_are_signed() -> None:
    for tenant in ("globex", "initech"):
        [accepted] = take(MESSAGES.name, value_of(SEND | {"tenant": tenant}))
        assert accepted.tenant == tenant
    value = value_of(SEND | {"tenant": "globex"})
    refused(take(MESSAGES.name, value, signed(MESSAGES.name, value, "globex/k", NEW)), "", "did not sign")


def test_what_is_refused_is_counted_by_its_reason() -> None:
    def count(why: str, heard: str) -> float:
        return REFUSED.labels(why, heard)._value.get()

    before = [count("unsigned", "no"), count("unsigned", "yes"), count("anothers", "no")]
    take(MESSAGES.name, value_of(SEND))
    take(CONSENT_COMMANDS.name, value_of(NO))
    take(own_topic(MESSAGES, "acme").name, value_of(SEND | {"tenant": "globex"}))
    after = [count("unsigned", "no"), count("unsigned", "yes"), count("anothers", "no")]
    assert [now - was for now, was in zip(after, before, strict=True)] == [1, 1, 1]


@given(
    value=st.binary(max_size=60),
    topic=st.sampled_from([MESSAGES.name, CONSENT_COMMANDS.name]),
    at=st.integers(0, 9_999_999_999),
    other=st.tuples(st.binary(max_size=60), st.text("tw.\n0 ", max_size=30), st.integers(0, 9_999_999_999)),
)
def test_a_signature_is_of_one_value_topic_and_time(value: bytes, topic: str, at: int, other: Any) -> None:
    found = signatures.read([sign(topic, value, "acme/new", NEW, at)])
    assert found is not None
    assert signatures.fits(found, topic, value, NEW)
    assert not signatures.fits(found, topic, value, OLD)
    assert signatures.fits(found, other[1], other[0], NEW) == ((other[1], other[0]) == (topic, value))
    assert signatures.fits(found._replace(at=other[2]), topic, value, NEW) == (other[2] == at)


@given(
    tenants=st.tuples(st.sampled_from(["acme", "globex", "initech", "nobody"]), st.sampled_from(["acme", "globex"])),
    body=st.sampled_from(["Hello", 5]),
    by=st.sampled_from(["nobody", "key", "forged", "topic"]),
    kind=st.sampled_from([SEND, CANCEL, RESOLVE, YES, NO, DISMISS]),
)
def test_no_row_of_a_tenant_is_written_by_whom_it_does_not_believe(
    tenants: tuple[str, str], body: Any, by: str, kind: dict[str, Any]
) -> None:
    named, speaker = tenants
    fields = kind | {"tenant": named} | ({"body": body} if kind is SEND else {})
    shared = CONSENT_COMMANDS if "address" in kind else MESSAGES
    topic = own_topic(shared, speaker).name if by == "topic" else shared.name
    value = value_of(fields)
    key, secret = {"acme": ("acme/new", NEW), "globex": ("globex/k", OTHER)}[speaker]
    headers = {"key": [sign(topic, value, key, secret, NOW_S)], "forged": [sign(topic, value, key, OLD, NOW_S)]}
    told = take(topic, value, *headers.get(by, []))
    known = by in ("key", "topic")
    for one in told:
        if isinstance(one, CommandResult):
            assert one.tenant in (speaker if known else "", "" if named == "acme" or by == "forged" else named, "")
        else:
            # Accepted: by who speaks for it; a no by anybody; or for a tenant that believes anybody.
            no = kind is NO and not known
            assert one.tenant == named
            assert named == speaker if known else no or (named in ("globex", "initech") and by == "nobody")
