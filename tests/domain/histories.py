"""Facts about messages, for tests to be read as histories."""

from typing import Any

from hypothesis import strategies as st

from services.domain.messages.delivery import fold
from services.domain.messages.events import DeliveryChanged, MessageSent, OutcomeReached, StatusReceived
from services.domain.messages.ladder import Delivery

Fact = StatusReceived | MessageSent
Derived = DeliveryChanged | OutcomeReached

CONTACT = "acme|c0ffee"
STRANGER = "acme|5ca1ab1e"
COMMAND = "order-18473"
KNOWN = [
    "accepted",
    "scheduled",
    "queued",
    "receiving",
    "sending",
    "sent",
    "canceled",
    "failed",
    "undelivered",
    "partially_delivered",
    "received",
    "delivered",
    "read",
]


def at(second: int) -> str:
    return f"2026-02-21T18:22:{second:02}.000Z"


def callback(status: str, second: int = 0, error: int | None = None, **other: Any) -> StatusReceived:
    """A callback that arrived at `second`; its id is of what it says."""
    fields = {"message_sid": "SM1", "contact": CONTACT, "command_id": COMMAND, "from_": "+14155550100"}
    fields |= {"to": "+14155550123", "account_sid": "AC1", "tenant": "acme", **other}
    return StatusReceived(
        event_id=":".join(map(str, (status, error, *other.values()))),
        received_at=at(second),
        message_status=status,
        error_code=error,
        raw={},
        **fields,
    )


def created(status: str = "queued", second: int = 0, segments: int | None = 1, **other: Any) -> MessageSent:
    """The create call's answer."""
    fields = {"message_sid": "SM1", "contact": CONTACT, "command_id": COMMAND, "from_": "+14155550100"}
    fields |= {"to": "+14155550123", "account_sid": "AC1", "tenant": "acme", **other}
    event_id = ":".join(map(str, ("created", status, segments, *other.values())))
    return MessageSent(event_id=event_id, sent_at=at(second), message_status=status, segments=segments, **fields)


def play(facts: list[Fact], state: Delivery | None = None) -> tuple[Delivery, list[Derived]]:
    """Fold facts in this order: the state at the end, and all that was emitted on the way."""
    emitted: list[Derived] = []
    for fact in facts:
        state, derived = fold(state, fact)
        emitted += derived
    assert state is not None
    return state, emitted


_SECONDS = st.integers(0, 9)
_STATUSES = st.sampled_from([*KNOWN, "", "teleported", "abducted"])
# Facts about one message agree wherever they speak, but not every one of them speaks.
_WHO: dict[str, st.SearchStrategy[Any]] = {
    "from_": st.sampled_from(["", "+14155550100"]),
    "to": st.sampled_from(["", "+14155550123"]),
}
_CALLBACKS = st.builds(
    callback,
    _STATUSES,
    _SECONDS,
    st.sampled_from([None, None, 0, 21610, 30003, 30008, 99999]),
    contact=st.sampled_from([None, CONTACT]),
    command_id=st.sampled_from([None, "", COMMAND]),
    **_WHO,
)
_CREATED = st.builds(
    created,
    st.sampled_from(["queued", "accepted", "scheduled", "sent"]),
    _SECONDS,
    st.sampled_from([None, 0, 1, 3]),
    **_WHO,
)

# A list is the worst witness: it may name somebody else, or nobody.
_LISTED = st.builds(
    callback,
    _STATUSES,
    _SECONDS,
    contact=st.sampled_from([None, CONTACT, STRANGER]),
    command_id=st.just(None),
    provenance=st.just("backfill"),
    from_=st.sampled_from(["", "+14155550100", "MG1"]),
    to=st.sampled_from(["", "+14155550123", "whatsapp:US.1349"]),
)

histories: st.SearchStrategy[list[Fact]] = st.lists(_CALLBACKS | _CREATED | _LISTED, min_size=1, max_size=12)


@st.composite
def reorderings(draw: st.DrawFn) -> tuple[list[Fact], list[Fact]]:
    """A history, and the same facts in another order, some of them repeated."""
    facts = draw(histories)
    repeated = draw(st.lists(st.sampled_from(facts), max_size=6))
    return facts, draw(st.permutations(facts + repeated))
