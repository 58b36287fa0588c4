"""Whose turn it is: tenants in rounds, their senders in rounds, the urgent first; who cannot go holds up nobody."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.sender.account import AccountAt
from services.sender.lanes import Lane, LaneName, Lanes


def name(tenant: str, sender: str, host: str = "api") -> LaneName:
    return LaneName(AccountAt(tenant, host), "message", sender)


def push(lanes: Lanes[str], tenant: str, *names: str, sender: str = "s", urgent: bool = False) -> Lane[str]:
    lane = lanes.lane(name(tenant, sender))
    for row in names:
        lanes.push(lane, row, urgent)
    return lane


def take(
    lanes: Lanes[str], *, urgent_only: bool = False, barred: tuple[str, ...] = (), full: tuple[str, ...] = ()
) -> str | None:
    found = lanes.first(urgent_only, lambda one: one.tenant not in barred, lambda one, _: one.tenant in full)
    return lanes.pop(*found) if found else None


def test_a_tenant_with_many_waiting_delays_nobody() -> None:
    lanes = Lanes[str]()
    push(lanes, "bulk", *map(str, range(100_000)))
    assert take(lanes) == "0"
    push(lanes, "small", "a", "b")
    assert [take(lanes) for _ in range(5)] == ["1", "a", "2", "b", "3"]


def test_a_senders_urgent_turns_come_first_and_only_they_where_only_they_may() -> None:
    lanes = Lanes[str]()
    push(lanes, "acme", "a", "b")
    assert take(lanes, urgent_only=True) is None
    push(lanes, "acme", "u", "v", urgent=True)
    assert [take(lanes, urgent_only=True), *(take(lanes) for _ in range(3))] == ["u", "v", "a", "b"]
    assert take(lanes) is None


def test_a_tenants_senders_take_turns() -> None:
    lanes = Lanes[str]()
    push(lanes, "acme", "a1", "a2", "a3", sender="a")
    push(lanes, "acme", "b1", sender="b")
    assert [take(lanes) for _ in range(4)] == ["a1", "b1", "a2", "a3"]


def test_a_parked_lane_holds_up_no_other_and_goes_on_where_it_was() -> None:
    lanes = Lanes[str]()
    slow = push(lanes, "acme", "a1", "a2", sender="a")
    push(lanes, "acme", "b1", sender="b")
    lanes.park(slow)
    push(lanes, "acme", "a3", sender="a")
    assert [take(lanes), take(lanes)] == ["b1", None]
    lanes.unpark(slow)
    assert [take(lanes) for _ in range(4)] == ["a1", "a2", "a3", None]


def test_a_tenant_that_may_not_is_asked_again_when_it_is_woken() -> None:
    lanes = Lanes[str]()
    push(lanes, "paused", "p")
    push(lanes, "acme", "a")
    assert take(lanes, barred=("paused",)) == "a"
    assert take(lanes) is None, "it was not woken"
    lanes.wake(AccountAt("paused", "api"))
    assert take(lanes) == "p"
    lanes.wake(AccountAt("paused", "api"))
    lanes.wake(AccountAt("nobody", "api"))
    assert take(lanes) is None


def test_a_host_that_may_not_be_called_holds_up_no_other_of_the_tenant() -> None:
    lanes = Lanes[str]()
    push(lanes, "acme", "m1", "m2")
    there = lanes.lane(name("acme", "s", host="studio"))
    for row in ("e1", "e2"):
        lanes.push(there, row, urgent=False)

    def hosts(*barred: str) -> str | None:
        found = lanes.first(False, lambda one: one.host not in barred, lambda _one, _accounts: False)
        return lanes.pop(*found) if found else None

    assert [hosts("api") for _ in range(3)] == ["e1", "e2", None]
    lanes.wake(AccountAt("acme", "studio"))
    assert hosts() is None, "it was the other host's turn to be woken"
    lanes.wake(AccountAt("acme", "api"))
    assert [hosts() for _ in range(3)] == ["m1", "m2", None]


def test_a_sender_has_a_lane_in_each_product() -> None:
    lanes = Lanes[str]()
    message, execution = (LaneName(AccountAt("acme", "api"), kind, "+1") for kind in ("message", "execution"))
    assert lanes.lane(message) is lanes.lane(message)
    assert lanes.lane(message) is not lanes.lane(execution)


def test_who_holds_its_share_goes_only_where_no_other_wants_to() -> None:
    lanes = Lanes[str]()
    push(lanes, "slow", "s1", "s2", "s3")
    push(lanes, "quick", "q1", "q2")
    assert [take(lanes, full=("slow",)) for _ in range(4)] == ["q1", "q2", "s1", "s2"]


def test_lanes_that_wait_for_nothing_are_forgotten() -> None:
    lanes = Lanes[str]()
    kept = push(lanes, "acme", "k", sender="kept")
    for number in range(10_000):
        push(lanes, "acme", "x", sender=str(number))
        lanes.pop(lanes.lane(name("acme", str(number))), False)
    assert len(lanes) < 200
    assert lanes.lane(name("acme", "kept")) is kept


def test_lanes_that_paid_for_a_turn_that_was_given_up_are_forgotten_too() -> None:
    """Whoever names senders and cancels would fill the memory."""
    lanes = Lanes[str]()
    for number in range(10_000):
        lane = push(lanes, "acme", "x", sender=str(number))
        lanes.park(lane)
        lane.paid = True
        lanes.unpark(lane)
        lanes.pop(lane, False, wanted=False)
    assert len(lanes) < 200


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.booleans()), max_size=40),
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy")), max_size=10),
)
def test_every_turn_is_handed_out_once_in_its_lanes_order_and_tenants_are_treated_alike(
    pushed: list[tuple[str, str, bool]], parked: list[tuple[str, str]]
) -> None:
    lanes, expected = Lanes[str](), Counter[str]()
    for number, (tenant, sender, urgent) in enumerate(pushed):
        push(lanes, tenant, f"{tenant}{sender}{urgent} {number}", sender=sender, urgent=urgent)
        expected[tenant] += 1
    for key in parked:
        lanes.park(lanes.lane(name(*key)))
    for key in parked:
        lanes.unpark(lanes.lane(name(*key)))
    taken = []
    while row := take(lanes):
        taken.append(row)
        counts = Counter(one[0] for one in taken)
        waiting = [tenant for tenant in expected if counts[tenant] < expected[tenant]]
        assert all(counts[row[0]] <= counts[tenant] + 1 for tenant in waiting), "one had two turns in a round"
    assert len(taken) == len(pushed)
    for lane in {row.split()[0] for row in taken}:
        numbers = [int(row.split()[1]) for row in taken if row.split()[0] == lane]
        assert numbers == sorted(numbers)


def test_urgent_turns_take_four_of_five_while_others_of_their_sender_wait() -> None:
    lanes = Lanes[str]()
    push(lanes, "acme", *(f"u{number}" for number in range(100)), urgent=True)
    push(lanes, "acme", "a", "b", "c")
    assert [take(lanes) for _ in range(15)] == [
        "u0", "u1", "u2", "u3", "a", "u4", "u5", "u6", "u7", "b", "u8", "u9", "u10", "u11", "c",
    ]  # fmt: skip
    assert [take(lanes) for _ in range(6)] == [f"u{number}" for number in range(12, 18)], "nobody else waits"


def test_neither_another_sender_nor_the_slots_kept_for_urgent_ones_starve_who_is_due() -> None:
    lanes = Lanes[str]()
    push(lanes, "acme", *(f"u{number}" for number in range(100)), sender="x", urgent=True)
    push(lanes, "acme", "a", "b", sender="y")
    assert [take(lanes, urgent_only=True) for _ in range(10)] == [
        "u0", "u1", "u2", "u3", "a", "u4", "u5", "u6", "u7", "b"
    ]  # fmt: skip


def test_a_slow_senders_own_turns_are_shared_whatever_its_tenant_sends_from_others() -> None:
    lanes = Lanes[str]()
    slow = push(lanes, "acme", *(f"u{number}" for number in range(50)), sender="slow", urgent=True)
    push(lanes, "acme", "a", "b", sender="slow")
    push(lanes, "acme", *map(str, range(1000)), sender="fast")
    of_slow = []
    for _ in range(15):
        lanes.unpark(slow)
        while (taken := take(lanes)) is not None and taken.isdecimal():
            pass
        of_slow.append(taken)
        # Its rate lets one go, and then the others.
        lanes.park(slow)
        assert [take(lanes) for _ in range(7)]
    assert [of_slow.index("a"), of_slow.index("b")] <= [5, 10]


def test_a_turn_that_nobody_wants_is_no_turn() -> None:
    lanes = Lanes[str]()
    lane = push(lanes, "acme", *(f"u{number}" for number in range(9)), urgent=True)
    push(lanes, "acme", "gone", "a")
    assert [take(lanes) for _ in range(4)] == ["u0", "u1", "u2", "u3"]
    assert lanes.pop(lane, False, wanted=False) == "gone"
    assert take(lanes) == "a"
