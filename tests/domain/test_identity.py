"""Ids are derived: the same parts give the same id, for ever, and no other parts do."""

from hypothesis import given
from hypothesis import strategies as st

from services.domain.identity import derived_event_id, raw_event_id

PARTS = st.lists(st.binary(max_size=6), max_size=4)


def test_ids_never_change() -> None:
    """If this fails, a replay gives other ids: consumers would take old facts for new ones."""
    content = [b"MessageSid", b"SM1", b"MessageStatus", b"sent"]
    assert raw_event_id("twilio_status", "acme", content) == "f1c650e4abbdb95a05eb52776824652e"
    assert derived_event_id("0" * 32, "delivery", "queued>sent:None") == "6822e2ef366c106187ef230c2bef9192"


@given(PARTS, PARTS)
def test_only_the_same_content_has_the_same_id(one: list[bytes], other: list[bytes]) -> None:
    same = raw_event_id("k", "t", one) == raw_event_id("k", "t", other)
    assert same == (one == other)


@given(st.text(max_size=8), st.text(max_size=8), st.integers(0, 8))
def test_where_one_part_ends_matters(kind: str, tenant: str, cut: int) -> None:
    joined = kind + tenant
    moved = joined[:cut], joined[cut:]
    same = raw_event_id(kind, tenant, []) == raw_event_id(*moved, [])
    assert same == (moved == (kind, tenant))


def test_a_derived_id_depends_on_each_of_its_parts() -> None:
    ids = {derived_event_id(*parts) for parts in (("a", "b", "c"), ("x", "b", "c"), ("a", "x", "c"), ("a", "b", "x"))}
    assert len(ids) == 4


def test_an_id_is_32_hex_digits() -> None:
    assert len(bytes.fromhex(raw_event_id("", "", []))) == 16
