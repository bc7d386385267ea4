"""What may go wrong between hub and vendor, by name; what it strikes follows from a seed."""

import random
from enum import StrEnum


class Fault(StrEnum):
    """A kind of trouble."""

    DUPLICATE = "duplicate"
    REORDER = "reorder"
    LATE = "late"
    LOST_ANSWER = "lost-answer"
    HUB_RESTART = "hub-restart"
    SKEWED_CLOCK = "skewed-clock"


SAYS = {
    Fault.DUPLICATE: "every command is delivered twice, every event heard twice",
    Fault.REORDER: "half of the commands are held back for up to 40 s, so that others overtake them",
    Fault.LATE: "half of what the vendor says comes up to two hours late",
    Fault.LOST_ANSWER: "the first answer to each command is lost: it is asked again",
    Fault.HUB_RESTART: "at every third answer the hub dies and starts again; what it had not saved comes again",
    Fault.SKEWED_CLOCK: "the vendor's clock is half a minute before or behind the hub's",
}
SKEW_SECONDS = 30.0
HELD_BACK_MAX = 40.0
LATE_MAX = 7200.0


class Dice:
    """Decides what the faults strike; the same seed decides the same in the same order."""

    def __init__(self, seed: int, faults: frozenset[Fault]) -> None:
        self._random = random.Random(seed)  # noqa: S311  # it guards nothing
        self.faults = faults
        self.skew = SKEW_SECONDS * self._random.choice((-1, 1)) if Fault.SKEWED_CLOCK in faults else 0.0
        self._lost: set[str] = set()

    def copies(self) -> int:
        """How often a message is delivered."""
        return 2 if Fault.DUPLICATE in self.faults else 1

    def command_delay(self) -> float:
        """Seconds for which a command is held back."""
        return self._random.uniform(0.0, HELD_BACK_MAX) if self._strikes(Fault.REORDER, 0.5) else 0.0

    def event_delay(self) -> float:
        """Seconds for which an event is held back."""
        return self._random.uniform(0.0, LATE_MAX) if self._strikes(Fault.LATE, 0.5) else 0.0

    def loses(self, event_id: str) -> bool:
        """Whether this telling of an event is lost."""
        if Fault.LOST_ANSWER not in self.faults or event_id in self._lost:
            return False
        self._lost.add(event_id)
        return True

    def kills_the_hub(self) -> bool:
        """Whether the hub dies over an event."""
        return self._strikes(Fault.HUB_RESTART, 1 / 3)

    def _strikes(self, fault: Fault, probability: float) -> bool:
        return fault in self.faults and self._random.random() < probability
