"""A rule: what is demanded of an adapter, why, and the function that tries it; and how a trial ends."""

from collections.abc import Awaitable, Callable

import msgspec

from vendor_sdk.conformance.rig import PATIENT, Rig
from vendor_sdk.guard import Limits

Trial = Callable[[Rig], Awaitable[None]]

AT_ONCE = Limits(timeout=60.0, attempts=1, breaker_failures=1_000)
"""Every call's own outcome is seen."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One demand. `needs` are the capabilities without which it means nothing."""

    id: str
    level: str
    demands: str
    why: str
    needs: tuple[str, ...]
    limits: Limits
    trial: Trial


class Rules:
    """The rules of one level, in the order in which they stand."""

    def __init__(self, level: str, *needs: str) -> None:
        self.level = level
        self.all: list[Rule] = []
        self._needs = needs

    def rule(self, demands: str, *, why: str, needs: tuple[str, ...] = (), limits: Limits = PATIENT) -> Callable[[Trial], Trial]:
        """Make a function a rule; it is called ``<level>.<name-of-the-function>``."""

        def add(trial: Trial) -> Trial:
            name = getattr(trial, "__name__", "").replace("_", "-")
            found = Rule(
                id=f"{self.level}.{name}",
                level=self.level,
                demands=demands,
                why=why,
                needs=(*self._needs, *needs),
                limits=limits,
                trial=trial,
            )
            self.all.append(found)
            return trial

        return add
