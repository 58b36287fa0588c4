"""Arms of an experiment: shares by weight, stable per person, moved by nothing but what is added or taken away."""

import json
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.contract.commands import read_execution_command
from services.domain.outbox.facts import Attempted, Settled
from services.domain.studio import intake
from services.domain.studio.commands import StartExecution
from services.domain.studio.effects import ExecutionCreated
from services.domain.studio.events import ContactExecution, ContactExposed, Exposure
from services.domain.studio.experiments import MOST_ARMS, Arm, Experiment, Exposures, choose, fold
from tests.domain.test_studio_starting import BEGUN, CONTACT, FLOW, FOUND, NAMES, OUTBOX, accepted, faults
from tests.sender.histories import at

PEOPLE = [f"acme|{number:032x}" for number in range(20_000)]


def experiment(name: str = "wording", **weights: float) -> Experiment:
    return Experiment(name=name, arms=[Arm(name=arm, weight=weight) for arm, weight in weights.items()])


def arms_of(which: Experiment) -> dict[str, str]:
    return {person: choose(which, person).name for person in PEOPLE}


def test_shares_follow_the_weights() -> None:
    counts = Counter(arms_of(experiment(a=70, b=20, c=10)).values())
    for arm, share in (("a", 0.7), ("b", 0.2), ("c", 0.1)):
        assert abs(counts[arm] / len(PEOPLE) - share) < 0.015, counts


def test_the_order_of_arms_and_the_scale_of_weights_say_nothing() -> None:
    assert arms_of(experiment(a=1, b=3)) == arms_of(experiment(b=300, a=100))


def test_an_arm_that_is_added_takes_its_share_and_moves_nobody_else() -> None:
    before, after = arms_of(experiment(a=1, b=1)), arms_of(experiment(a=1, b=1, c=2))
    moved = {person: arm for person, arm in after.items() if arm != before[person]}
    assert set(moved.values()) == {"c"}
    assert abs(len(moved) / len(PEOPLE) - 0.5) < 0.015
    # And a greater weight takes people to its arm alone.
    heavier = arms_of(experiment(a=1, b=3))
    assert {arm for person, arm in heavier.items() if arm != before[person]} == {"b"}


def test_two_experiments_are_drawn_apart() -> None:
    one, other = arms_of(experiment("one", a=1, b=1)), arms_of(experiment("other", a=1, b=1))
    same = sum(one[person] == other[person] for person in PEOPLE)
    assert abs(same / len(PEOPLE) - 0.5) < 0.02


def test_another_process_says_the_same() -> None:
    """No seed of the process is in it. The digests are pinned: a release must not move anybody."""
    which = experiment(a=2, b=1, c=1)
    script = (
        "from tests.domain.test_studio_experiments import *;"
        "print(''.join(choose(experiment(a=2, b=1, c=1), one).name for one in PEOPLE[:40]))"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    assert said == "".join(choose(which, one).name for one in PEOPLE[:40]) == PINNED


PINNED = "abaabcabbcabaacabaaaaaabbaaaacaaacbbcaca"


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.floats(1e-6, 1e6), min_size=1, max_size=16))
@settings(max_examples=200)
def test_somebody_is_always_in_one_of_the_arms(weights: dict[str, float]) -> None:
    which = Experiment(name="any", arms=[Arm(name=name, weight=weight) for name, weight in weights.items()])
    assert choose(which, CONTACT).name in weights


def test_the_arm_says_which_flow_it_is_and_what_more_that_knows() -> None:
    other = "FW" + "e" * 32
    arm = Arm(name="warm", flow_sid=other, parameters={"greeting": "Dear", "name": "Zoé"})
    told = accepted(experiment=Experiment(name="wording", arms=[arm]))
    assert (told.flow_sid, told.experiment, told.arm) == (other, "wording", "warm")
    assert told.parameters == {"experiment": "wording", "arm": "warm", "greeting": "Dear", "name": "Zoé"}
    plain = accepted(experiment=Experiment(name="wording", arms=[Arm(name="plain")]), parameters={"arm": "mine"})
    assert (plain.flow_sid, plain.parameters) == (FLOW, {"experiment": "wording", "arm": "mine"})


@pytest.mark.parametrize(
    ("arms", "fields"),
    [
        ([], ["experiment.arms"]),
        ([Arm(name="a"), Arm(name="a")], ["experiment.arms"]),
        ([Arm(name="a", weight=0.0)], ["experiment.arms"]),
        ([Arm(name="a", weight=float("nan"))], ["experiment.arms"]),
        ([Arm(name="a", weight=-1.0)], ["experiment.arms"]),
        ([Arm(name=f"a{number}") for number in range(17)], ["experiment.arms"]),
        ([Arm(name="a b")], ["experiment"]),
        ([Arm(name="a", flow_sid="FW1")], ["experiment.arms"]),
        ([Arm(name="a", parameters={"x": "y" * 17_000})], ["parameters"]),
    ],
)
def test_what_is_no_experiment_is_said(arms: list[Arm], fields: list[str]) -> None:
    assert faults(experiment=Experiment(name="wording", arms=arms)) == fields


def test_of_thousands_of_arms_no_more_are_looked_at_than_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may write them, and a fold that takes long is no owner any more."""
    looked_at: list[str] = []
    parameters = intake._parameters

    def counted(command: StartExecution, arm: Arm | None) -> dict[str, str]:
        looked_at.append(arm.name if arm else "")
        return parameters(command, arm)

    monkeypatch.setattr(intake, "_parameters", counted)
    arms = [Arm(name=f"a{number}") for number in range(3000)]
    assert faults(experiment=Experiment(name="wording", arms=arms)) == ["experiment.arms"]
    assert len(looked_at) <= MOST_ARMS


def test_it_is_read_as_json_with_the_fault_named() -> None:
    said: dict[str, Any] = {"command_id": "c", "tenant": "acme", "to": "+1", "flow_sid": FLOW}
    read = read_execution_command({**said, "experiment": {"name": "w", "arms": [{"name": "a", "weight": 3}]}})
    assert isinstance(read, StartExecution)
    assert read.experiment == Experiment(name="w", arms=[Arm(name="a", weight=3.0)])
    wrong = read_execution_command({**said, "experiment": {"name": "w", "arms": [{"name": "a", "share": 3}]}})
    assert isinstance(wrong, list)
    assert wrong[0].startswith("experiment.arms[0].share: no such field")


def begun(**changed: Any) -> list[Any]:
    """What follows from the call that started an execution of an experiment's command."""
    command = accepted(experiment=Experiment(name="wording", arms=[Arm(name="warm")]))
    entry, told = None, []
    end = Attempted(**NAMES, at=at(2), attempt=1, outcome=ExecutionCreated(sid=FOUND))
    for event in (command, BEGUN, end):
        entry, now_told = OUTBOX.fold(entry, event)
        told += now_told
    return [one for one in told if isinstance(one, ContactExecution)]


def test_who_was_started_is_exposed_and_once() -> None:
    [execution] = begun()
    state, [told] = fold(None, execution)
    assert (told.experiment, told.arm, told.contact) == ("wording", "warm", CONTACT)
    assert (told.command_id, told.execution_sid, told.flow_sid, told.label) == ("c1", FOUND, FLOW, "spring")
    # It comes off the log too, and another command may start the same again.
    assert fold(state, execution) == (state, ())
    exposure = Exposure(experiment="wording", arm="warm", command_id="c2", label=None)
    again = replace(execution, event_id="other", execution_sid="FN2", exposure=exposure)
    assert fold(state, again) == (state, ())
    # Without its table, by a replay say, it is the same fact by its id.
    assert fold(None, again)[1][0].event_id == told.event_id
    other = replace(again, exposure=replace(exposure, arm="plain"))
    assert [one.arm for one in fold(state, other)[1]] == ["plain"]


def test_an_ambiguous_one_that_a_person_found_is_exposed_too() -> None:
    command = accepted(experiment=Experiment(name="wording", arms=[Arm(name="warm")]))
    entry, told = None, []
    settled = Settled(**NAMES, at=at(9), created=ExecutionCreated(sid=FOUND), how="looking")
    for event in (command, BEGUN, settled):
        entry, now_told = OUTBOX.fold(entry, event)
        told += now_told
    assert [one.exposure is not None for one in told if isinstance(one, ContactExecution)] == [True]


def test_what_is_of_no_experiment_exposes_nobody() -> None:
    [execution] = begun()
    assert fold(None, replace(execution, exposure=None)) == (None, ())
    assert fold(None, "something else") == (None, ())


def test_rows_are_bounded() -> None:
    state: Exposures | None = None
    [execution] = begun()
    told: list[ContactExposed] = []
    for number in range(100):
        exposure = Exposure(experiment=f"e{number:03}", arm="a", command_id="c", label=None)
        state, found = fold(state, replace(execution, started_at=at(number), exposure=exposure))
        told += found
    assert state is not None
    assert (len(told), len(state.arms), min(state.arms)) == (100, 64, "e036")
    assert json.dumps(sorted(state.arms))


def test_of_one_experiment_the_latest_arms_are_remembered() -> None:
    """Each command names its arms anew, so there is no end of them."""
    state: Exposures | None = None
    [execution] = begun()
    for number in range(100):
        exposure = Exposure(experiment="wording", arm=f"a{number:03}", command_id="c", label=None)
        state, told = fold(state, replace(execution, started_at=at(number), exposure=exposure))
        assert [one.arm for one in told] == [exposure.arm]
    assert state is not None
    assert list(state.arms["wording"]) == [f"a{number:03}" for number in range(84, 100)]
