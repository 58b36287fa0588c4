"""Which arm of an experiment somebody is in, and when they were really exposed to it.

The arm follows from the contact and the experiment's name alone, by weighted rendezvous hashing: it is the same each
time and everywhere, an arm that is added takes people from the others and moves nobody else, and one that is taken away
gives up its own alone. It counts once Twilio has started the execution, and then once.
"""

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.due import Due
from services.domain.identity import derived_event_id
from services.domain.studio.events import ContactExecution, ContactExposed

MOST_ARMS = 16
# A row is written whole. Of experiments the latest stay, and of each its latest arms.
_MOST = 64
_REMEMBERED_S = 400 * 86_400.0
# Fewer than a float holds, so that no chance is one.
_BITS = 52


class Arm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An arm: its share is its weight of all weights. `flow_sid`, `parameters`: in place of the command's, or beside
    them."""

    name: str
    weight: float = 1.0
    flow_sid: str | None = None
    parameters: dict[str, str] = {}


class Experiment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An experiment as a command names it, with all of its arms."""

    name: str
    arms: list[Arm]


class Exposures(msgspec.Struct, frozen=True, kw_only=True):
    """What a contact was exposed to: experiment → arm → since when. Key: contact."""

    contact: str
    arms: dict[str, dict[str, str]]


def choose(experiment: Experiment, contact: str) -> Arm:
    """The contact's arm. There is one, and weights are above zero."""
    return max(experiment.arms, key=lambda arm: (_score(experiment.name, contact, arm), arm.name))


def _score(experiment: str, contact: str, arm: Arm) -> float:
    """The arm with the greatest has the contact: each with a chance of its weight of all."""
    digest = hashlib.sha256(f"{experiment}\n{arm.name}\n{contact}".encode()).digest()
    drawn = (int.from_bytes(digest[:8], "big") >> (64 - _BITS)) + 1
    return -arm.weight / math.log(drawn / (2**_BITS + 1))


def fold(state: Exposures | None, event: Any) -> tuple[Exposures | None, tuple[ContactExposed, ...]]:
    """Remember an exposure, and tell it the first time."""
    if isinstance(event, Due):
        return None, ()
    if not isinstance(event, ContactExecution) or event.exposure is None:
        return state, ()
    known, exposure = state or Exposures(contact=event.contact, arms={}), event.exposure
    arms = known.arms.get(exposure.experiment, {})
    if exposure.arm in arms:
        return state, ()
    by_time = sorted({**arms, exposure.arm: event.started_at}.items(), key=lambda item: (item[1], item[0]))
    joined = {**known.arms, exposure.experiment: dict(sorted(by_time[-MOST_ARMS:]))}
    latest = sorted(joined.items(), key=lambda item: (max(item[1].values()), item[0]))[-_MOST:]
    told = ContactExposed(
        # Whoever started it, and wherever it is told: one fact for each contact, experiment and arm.
        event_id=derived_event_id(event.contact, "exposed", f"{exposure.experiment}\n{exposure.arm}"),
        tenant=event.tenant,
        contact=event.contact,
        at=event.started_at,
        experiment=exposure.experiment,
        arm=exposure.arm,
        command_id=exposure.command_id,
        label=exposure.label,
        flow_sid=event.flow_sid,
        execution_sid=event.execution_sid,
    )
    return replace(known, arms=dict(sorted(latest))), (told,)


def due(row: Exposures) -> str:
    return later(max(at for arms in row.arms.values() for at in arms.values()), _REMEMBERED_S)


def faults_of(experiment: Experiment) -> Sequence[str]:
    """What is wrong with it but the shape of its names and sids, a sentence each."""
    names = [arm.name for arm in experiment.arms]
    faults = []
    if not 1 <= len(names) <= MOST_ARMS:
        faults.append(f"experiment.arms: 1 to {MOST_ARMS}")
    if len(set(names)) < len(names):
        faults.append("experiment.arms: two of one name")
    if not all(0 < arm.weight <= 1e6 for arm in experiment.arms):
        faults.append(
            "experiment.arms: a weight is a number above 0, up to 1000000; leave an arm out that nobody is to have"
        )
    return faults
