"""A flow's definition: what makes it valid, and where an event leads."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

Definition = Mapping[str, Any]
State = Mapping[str, Any]

LONGEST = 2_000


def read(text: str) -> Definition | None:
    """The definition in a parameter; None where it is no JSON object."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def faults(definition: Definition) -> list[dict[str, str]]:
    """Why Twilio would not take it: unknown shape, names that stand twice, transitions that lead nowhere."""
    states = definition.get("states")
    if not isinstance(states, list) or not states or len(states) > LONGEST:
        return [_fault("#/states", f"an array of 1 to {LONGEST} widgets is required")]
    return [*_shapes(states)] or [*_names(definition, states)]


def _shapes(states: list[Any]) -> Iterator[dict[str, str]]:
    for at, state in enumerate(states):
        if not isinstance(state, dict):
            yield _fault(f"#/states/{at}", "an object is required")
            continue
        for field, kind in (("name", str), ("type", str), ("properties", dict), ("transitions", list)):
            if not isinstance(state.get(field), kind):
                yield _fault(f"#/states/{at}/{field}", "is required")
        for place, transition in enumerate(state.get("transitions") or []):
            if not isinstance(transition, dict) or not isinstance(transition.get("event"), str):
                yield _fault(f"#/states/{at}/transitions/{place}", "an object with an event is required")


def _names(definition: Definition, states: list[State]) -> Iterator[dict[str, str]]:
    names = Counter(state["name"] for state in states)
    yield from (_fault("#/states", f"widget name {name} is not unique") for name, count in names.items() if count > 1)
    if definition.get("initial_state") not in names:
        yield _fault("#/initial_state", "must name a widget")
    for at, state in enumerate(states):
        for place, transition in enumerate(state["transitions"]):
            if transition.get("next") not in (None, *names):
                yield _fault(f"#/states/{at}/transitions/{place}/next", f"no widget {transition['next']}")


def states_of(definition: Definition) -> dict[str, State]:
    return {state["name"]: state for state in definition["states"]}


def following(state: State, event: str) -> str | None:
    """The widget that this event leads to; None where the flow ends."""
    found = (transition for transition in state["transitions"] if transition["event"] == event)
    return next((transition.get("next") for transition in found), None)


def _fault(path: str, message: str) -> dict[str, str]:
    return {"property_path": path, "message": message}
