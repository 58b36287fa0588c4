"""What could not be read of a person holds them: letter, hold and rows are one write, in processor and sender alike."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any

import pytest
from msgspec.structs import replace as replaced

from services.contract import codec
from services.contract.consent import CONSENT, CONSENT_COMMANDS, SUPPRESSION
from services.contract.messages import INBOUND, OUTCOMES, STATUS
from services.contract.outbound import ACCEPTED
from services.contract.topic import Topic
from services.domain.consent import holds
from services.domain.consent.commands import ConsentAccepted
from services.domain.consent.events import HoldRecorded, SuppressionChanged
from services.domain.consent.holds import HoldPlaced
from services.domain.consent.standing import Standing, answer
from services.domain.messages.events import StatusReceived
from services.processor.topology import topology
from services.runtime.batches import unread
from services.runtime.folding.fold import Fold
from services.runtime.folding.store import PartitionedStore
from services.runtime.metrics import FOLDING
from services.runtime.tenants.live import Tenants
from services.sender.topology import folds
from tests.domain.suppression_oracle import at, refused, wrote
from tests.folding.ground import Ground, Written, opened
from tests.processes import settings_file, settings_of

KEY = f"acme|{'1' * 32}"
STOP = wrote("STOP", 1, "SM1", contact=KEY)
UNREAD = unread(b"x", "too large")


Stores = Mapping[str, Mapping[str, PartitionedStore]]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Fold]:
    configured = settings_of(settings_file(tmp_path_factory.mktemp("product"), "127.0.0.1:9"))
    return {one.name: one for one in (*topology(configured, {}), *folds(configured, Tenants(configured.tenants)))}


@pytest.fixture(scope="module")
def stores(product: dict[str, Fold], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """By fold, and by table."""

    async def make() -> Stores:
        return {name: opened(fold, tmp_path_factory.mktemp("stores") / name) for name, fold in product.items()}

    async def close() -> None:
        for store in chain.from_iterable(one.values() for one in made.values()):
            await store.stop()

    made = asyncio.run(make())
    yield made
    asyncio.run(close())


def broken(
    fold: Fold, *tables: str, when: Callable[[Any], bool] = lambda event: not isinstance(event, HoldPlaced)
) -> Fold:
    """The fold with a defect in these steps, for events of that kind."""

    def defect(function: Any) -> Any:
        def failing(state: Any, event: Any) -> Any:
            if when(event):
                raise KeyError("a mistake of the fold's own")
            return function(state, event)

        return failing

    steps = [
        dataclasses.replace(step, function=defect(step.function)) if step.table and step.table.name in tables else step
        for step in fold.steps
    ]
    return dataclasses.replace(fold, steps=tuple(steps))


@asynccontextmanager
async def grounded(fold: Fold, stores: Stores) -> AsyncIterator[Ground]:
    ground = Ground(fold, stores[fold.name])
    try:
        yield ground
    finally:
        await ground.leave()


async def put(ground: Ground, topic: Topic, value: Any, **fields: Any) -> Written:
    await ground.partition.queue.put(topic.name, [ground.record(value, topic.name, **{"key": KEY.encode(), **fields})])
    written = await ground._one_flush()
    assert written is not None
    return written


def placed(written: Written) -> list[HoldPlaced]:
    found = [codec.decode(value, ACCEPTED.event) for value in written.values(ACCEPTED.name)]
    return [one for one in found if isinstance(one, HoldPlaced)]


def letters(written: Written) -> list[dict[str, bytes]]:
    return [dict(one.headers) for one in written.emissions if one.topic.endswith(".dead.v1")]


def alerts(fold: str) -> float:
    return FOLDING.get_sample_value("switchboard_unattributed_letters_total", {"fold": fold}) or 0.0


def standing(ground: Ground) -> Standing | None:
    row: Standing | None = ground.partition.read(KEY, "suppression")
    return row


BOTH = pytest.mark.parametrize("name", ["contacts", "outbox"])


@BOTH
@pytest.mark.parametrize("topic", [INBOUND, ACCEPTED, OUTCOMES], ids=lambda topic: topic.name)
@pytest.mark.parametrize("value", [b"\xff", None, b'{"event_type":"hold_placed"}', UNREAD], ids=repr)
async def test_what_cannot_be_decoded_holds_its_contact_in_one_write(
    product: dict[str, Fold], stores: Stores, name: str, topic: Topic, value: Any
) -> None:
    async with grounded(product[name], stores) as ground:
        written = await put(ground, topic, value)
        [letter], [hold] = letters(written), placed(written)
        assert (letter["reason"], letter["holds"]) == (b"undecodable", b"1")
        assert "steps" not in letter
        assert (hold.hold, hold.contact, hold.tenant) == (f"{topic.name}/0@1", KEY, "acme")
        [emission] = [one for one in written.emissions if one.topic == ACCEPTED.name]
        assert emission.key == KEY.encode()
        # At once, in the row that the gate reads, and told by the processor alone.
        assert set(answer(standing(ground))) == {"held"}
        assert KEY.encode() in written.rows["suppression"]
        told = [codec.decode(one, SuppressionChanged).suppressed for one in written.values(SUPPRESSION.name)]
        kept = [codec.decode(one, CONSENT.event) for one in written.values(CONSENT.name)]
        if name == "contacts":
            assert [set(one) for one in told] == [{"held"}]
            assert [(type(one), one.what) for one in kept] == [(HoldRecorded, "placed")]
        else:
            assert (told, kept) == ([], [])
        # As it comes off the log, and the other service's of the same record.
        again = [hold, replaced(hold, event_id="other", app="another")]
        assert await ground.fold(*again, topic=ACCEPTED.name) is None


@BOTH
async def test_a_defect_in_another_step_takes_no_stop_from_suppression(
    product: dict[str, Fold], stores: Stores, name: str
) -> None:
    async with grounded(broken(product[name], "sessions", "recent"), stores) as ground:
        written = await put(ground, INBOUND, STOP)
        [letter] = letters(written)
        assert letter["steps"] == (b"sessions,recent" if name == "contacts" else b"sessions")
        assert "holds" not in letter
        assert placed(written) == []
        row = standing(ground)
        assert row is not None
        assert answer(row).keys() == {"sender:+14155550100"}


@BOTH
@pytest.mark.parametrize(
    ("topic", "event"),
    [
        (INBOUND, wrote("hello", 1, "SM1", contact=KEY)),
        (OUTCOMES, replaced(refused(1), contact=KEY)),
        (
            ACCEPTED,
            ConsentAccepted(
                event_id="c", tenant="acme", command_id="c", contact=KEY, accepted_at=at(1), given_at=at(1),
                action="opt_in", scope="tenant", address="+14155550123",
            ),
        ),
    ],
    ids=["inbound", "outcome", "consent"],
)  # fmt: skip
async def test_where_suppression_fails_they_are_held_and_the_other_steps_go_on(
    product: dict[str, Fold], stores: Stores, name: str, topic: Topic, event: Any
) -> None:
    async with grounded(broken(product[name], "suppression"), stores) as ground:
        written = await put(ground, topic, event)
        [letter], [hold] = letters(written), placed(written)
        assert (letter["reason"], letter["steps"], letter["holds"]) == (b"defect", b"suppression", b"1")
        assert letter["detail"] == b"suppression: KeyError"
        assert hold.hold == f"{topic.name}/0@1"
        assert set(answer(standing(ground))) == {"held"}
        if topic is INBOUND and name == "contacts":
            assert ground.partition.read(KEY, "recent") is not None


@BOTH
async def test_several_steps_that_fail_are_one_letter_and_one_hold(
    product: dict[str, Fold], stores: Stores, name: str
) -> None:
    async with grounded(broken(product[name], "suppression", "sessions"), stores) as ground:
        written = await put(ground, INBOUND, STOP)
        assert [one["steps"] for one in letters(written)] == [b"suppression,sessions"]
        assert len(placed(written)) == 1


@BOTH
async def test_a_letter_that_is_retried_is_heard_where_the_fold_is_mended(
    product: dict[str, Fold], stores: Stores, name: str
) -> None:
    mended = False
    fold = broken(product[name], "suppression", when=lambda event: not mended and not isinstance(event, HoldPlaced))
    async with grounded(fold, stores) as ground:
        [hold] = placed(await put(ground, INBOUND, STOP))
        mended = True
        release = holds.release(hold.hold, KEY, at(9), "retried")
        # The release may come off the log before the record does, or after it.
        await ground.fold(release, topic=ACCEPTED.name)
        assert answer(standing(ground)) == {}
        await put(ground, INBOUND, STOP, headers=[*codec.headers(INBOUND.name), ("retried-from", hold.hold.encode())])
        assert answer(standing(ground)).keys() == {"sender:+14155550100"}


@BOTH
async def test_a_letter_that_is_retried_in_vain_holds_anew(product: dict[str, Fold], stores: Stores, name: str) -> None:
    async with grounded(product[name], stores) as ground:
        [hold] = placed(await put(ground, INBOUND, b"?"))
        await ground.fold(holds.release(hold.hold, KEY, at(9), "retried"), topic=ACCEPTED.name)
        assert answer(standing(ground)) == {}
        [again] = placed(await put(ground, INBOUND, b"?"))
        assert again.hold != hold.hold
        assert answer(standing(ground))["held"].evidence == again.hold


@BOTH
@pytest.mark.parametrize("key", [None, b"", b"k", b"acme|short", b"\xff\xfe"])
async def test_a_letter_of_nobody_known_holds_nobody_and_is_an_alert(
    product: dict[str, Fold], stores: Stores, name: str, key: bytes | None
) -> None:
    before = alerts(name)
    async with grounded(product[name], stores) as ground:
        written = await put(ground, INBOUND, b"?", key=key)
        [letter] = letters(written)
        assert "holds" not in letter
        assert placed(written) == []
        assert alerts(name) == before + 1


@BOTH
async def test_a_hold_that_cannot_be_folded_makes_no_other(product: dict[str, Fold], stores: Stores, name: str) -> None:
    """Its letter would place a hold, which could not be folded either, and so on for ever."""
    before = alerts(name)
    async with grounded(broken(product[name], "suppression", when=lambda _: True), stores) as ground:
        [hold] = placed(await put(ground, INBOUND, STOP))
        assert (standing(ground), alerts(name)) == (None, before + 1)
        written = await put(ground, ACCEPTED, hold)
        assert placed(written) == []
        assert len(letters(written)) == 1
        assert alerts(name) == before + 2


async def test_a_consent_command_that_cannot_be_read_is_an_alert(product: dict[str, Fold], stores: Stores) -> None:
    before = alerts("consent-intake")
    async with grounded(product["consent-intake"], stores) as ground:
        written = await put(ground, CONSENT_COMMANDS, b"?")
        assert (len(letters(written)), placed(written)) == (1, [])
        assert alerts("consent-intake") == before + 1
        await put(ground, CONSENT_COMMANDS, b'{"command_id": "no more than that"}')
        assert alerts("consent-intake") == before + 1


async def test_a_status_that_cannot_be_read_is_an_alert(product: dict[str, Fold], stores: Stores) -> None:
    """It may tell of an opt-out, and its key is a message's."""
    before = alerts("messages")
    status = StatusReceived(
        event_id="1", tenant="acme", received_at=at(1), account_sid="AC", message_sid="SM1", from_="+1", to="+2",
        message_status="delivered", raw={},
    )  # fmt: skip
    async with grounded(broken(product["messages"], "deliverability"), stores) as ground:
        await put(ground, STATUS, b"?", key=b"SM1")
        assert alerts("messages") == before + 1
        # Statistics tell of nobody: the message's state stands, its count is what the letter is about.
        written = await put(ground, STATUS, status, key=b"SM1")
        assert [one["steps"] for one in letters(written)] == [b"deliverability"]
        assert ground.partition.read("SM1 acme", "delivery") is not None
        assert alerts("messages") == before + 1


@pytest.mark.parametrize("name", ["contacts", "outbox", "messages", "commands"])
async def test_a_newer_format_on_a_topic_of_ours_stops_the_worker(
    product: dict[str, Fold], stores: Stores, name: str
) -> None:
    async with grounded(product[name], stores) as ground:
        for source in product[name].sources:
            with pytest.raises(codec.NewerFormat, match=f"{source.name}/0@.* start the newer release again"):
                await put(ground, source, b"whatever it holds", headers=(("format", b"2"),))
            ground.running = None
        assert ground.written == []


@pytest.mark.parametrize("name", ["intake", "consent-intake"])
async def test_a_newer_format_on_a_public_topic_is_rejected(
    product: dict[str, Fold], stores: Stores, name: str
) -> None:
    async with grounded(product[name], stores) as ground:
        [source] = product[name].sources
        command = b'{"command_id": "c-1", "tenant": "acme", "of_tomorrow": 1}'
        written = await put(ground, source, command, headers=(("format", b"2"),))
        [result] = [codec.decode(one.value, dict) for one in written.emissions]
        assert (result["step"], result["command_id"], result["terminal"]) == ("rejected", "c-1", True)
        assert result["errors"] == ["header format: 2; this release reads up to 1: produce it in that, or update"]
