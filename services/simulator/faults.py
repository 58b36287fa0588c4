"""The one source of chance: each fault is drawn here, so one seed repeats one run."""

import random

from services.runtime.simulated import FaultSettings


class Dice:
    """Draws faults. SIDs are not drawn here: two runs with one seed must not create one message twice."""

    def __init__(self, faults: FaultSettings) -> None:
        self.set(faults)

    def set(self, faults: FaultSettings) -> None:
        """From now on these faults, from the start of their seed."""
        self.faults = faults
        self._random = random.Random(faults.seed)  # noqa: S311 - chance for faults, not for secrets

    def happens(self, probability: float) -> bool:
        return self._random.random() < probability

    def latency_s(self) -> float:
        """How long one REST call is held up, in seconds."""
        return self.faults.latency_s + self._random.random() * self.faults.latency_jitter_s

    def undelivered_code(self) -> int | None:
        """30003 or 30005 when this message shall not arrive, else None."""
        return self._random.choice((30003, 30005)) if self.happens(self.faults.undelivered) else None
