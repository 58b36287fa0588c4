"""A message's whole life, drawn when it is created: when each status is reached, each callback posted."""

from dataclasses import dataclass, replace

from services.simulator.faults import Dice


@dataclass(frozen=True)
class Step:
    """A status and when it is reached, in seconds after creation."""

    due_s: float
    status: str
    error_code: int | None = None


@dataclass(frozen=True)
class Post:
    """One callback: when it is due, in seconds after creation, and its step. A lost one never leaves."""

    due_s: float
    order: float
    step: Step
    lost: bool = False


@dataclass(frozen=True)
class Plan:
    """`steps` by time; `posts` as they leave; whether the first leaves before create answers."""

    steps: tuple[Step, ...]
    posts: tuple[Post, ...]
    before_response: bool


@dataclass(frozen=True)
class Circumstances:
    """What the course of a message depends on. Times in seconds."""

    channel: str
    by_service: bool
    scheduled_in_s: float | None = None
    validity_s: float | None = None
    outside_window: bool = False
    # The error code with which it is asked to end.
    undelivered: int | None = None
    # A part of it fails with that code, another arrives.
    after_all: bool = False


def draw(dice: Dice, about: Circumstances) -> Plan:
    """The life of one message under the faults now set."""
    code = about.undelivered or dice.undelivered_code()
    if code is not None and dice.faults.delivered_after_all > 0:
        about = replace(about, after_all=dice.happens(dice.faults.delivered_after_all))
    steps = _steps(dice.faults.callback_delay_s, code, about)
    before_response = dice.happens(dice.faults.callback_before_response)
    return Plan(tuple(steps), _posts(dice, steps, before_response), before_response)


def undisturbed(pace: float, about: Circumstances) -> Plan:
    """The life of a message that nobody is called back about. It draws nothing, so it moves no other's course."""
    return Plan(tuple(_steps(pace, None, about)), (), before_response=False)


def _steps(pace: float, code: int | None, about: Circumstances) -> list[Step]:
    """The statuses in turn, `pace` seconds apart. `code`: why it is not delivered, if it is not."""
    start = about.scheduled_in_s or 0.0
    names = (["accepted"] if about.by_service else []) + ["queued"]
    names += [] if about.outside_window else ["sending", "sent"]
    steps = [Step(start + pace * place, name) for place, name in enumerate(names)]
    end = start + pace * len(names)
    if about.outside_window:
        steps.append(Step(end, "failed", 63016))
    elif about.validity_s is not None and steps[-1].due_s - start > about.validity_s:
        expiry = start + about.validity_s
        steps = [*(step for step in steps if step.due_s <= expiry), Step(expiry, "failed", 30036)]
    elif code is not None:
        steps.append(Step(end, "undelivered", code))
        if about.after_all:
            # People report it of long texts. That the resource then has no error any more is not confirmed.
            steps.append(Step(end + pace, "delivered"))
    else:
        steps.append(Step(end, "delivered"))
        if about.channel in ("whatsapp", "rcs"):
            steps.append(Step(end + pace, "read"))
    return steps if about.scheduled_in_s is None else [Step(0.0, "scheduled"), *steps]


def _posts(dice: Dice, steps: list[Step], before_response: bool) -> tuple[Post, ...]:
    posts: list[Post] = []
    for place, step in enumerate(steps):
        if place == 0 and before_response:
            # Shown before the answer, so neither lost nor moved; -1 keeps it in front.
            posts.append(Post(step.due_s, -1, step))
        else:
            posts.extend(_drawn(dice, place, steps))
    return tuple(sorted(posts, key=lambda post: (post.due_s, post.order)))


def _drawn(dice: Dice, place: int, steps: list[Step]) -> list[Post]:
    """The posts of one step, each fault applied. A reordered one leaves after its successor's."""
    faults, step = dice.faults, steps[place]
    due_s, order = step.due_s, float(place)
    lost, doubled = dice.happens(faults.callback_lost), dice.happens(faults.callback_doubled)
    reordered, late = dice.happens(faults.callback_reordered), dice.happens(faults.callback_late)
    if reordered and place + 1 < len(steps):
        due_s, order = steps[place + 1].due_s, place + 1.5
    if late:
        due_s += faults.callback_late_s
    post = Post(due_s, order, step, lost)
    # A second delivery of one event follows the first at once: Twilio saw no answer to it.
    return [post, post] if doubled and not lost else [post]
