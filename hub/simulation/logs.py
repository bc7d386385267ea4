"""What the hub logs in a simulated world: into the story where one is told; else only what it swallowed and should not have met."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

from hub.simulation.nature import Nature

SWALLOWS = {"step.failed", "worker.loop_failed", "sweep.failed", "provider.not_applied", "event.refused", "bus.on_connect_failed"}
"""Where the hub goes on after something that it did not expect."""
EXPECTED = ("OperationalError", "ConnectionRefusedError", "Unavailable(", "InDoubt(", "NotSent(", "TimeoutError")
"""What outages look like."""


ENOUGH = 50


@contextmanager
def heard(nature: Nature, enough: Callable[[], None]) -> Iterator[Counter[str]]:
    """While this runs, logs go nowhere else; what was swallowed is counted, and `enough` called where it goes on and on."""
    before = structlog.get_config()
    swallowed: Counter[str] = Counter()

    def take(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        name = str(event.pop("event"))
        error = str(event.get("error", ""))
        if name in SWALLOWS and error and not error.startswith(EXPECTED):
            swallowed[f"{name}: {error[:300]}"] += 1
            if swallowed.total() == ENOUGH:
                enough()
        if nature.telling:
            nature.tell(f"log {name} " + " ".join(f"{key}={value}" for key, value in event.items()))
        raise structlog.DropEvent

    level = logging.DEBUG if nature.telling else logging.WARNING
    structlog.configure(
        processors=[take],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    try:
        yield swallowed
    finally:
        structlog.configure(**before)
