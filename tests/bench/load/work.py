"""What the load generator is told, and what it tells when it is done."""

from typing import Any

import msgspec


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """Go on `journey` for each of `given`, over so many `connections` at once, to each of `ports` as many.

    With `seconds` no journey begins later; `again` goes through `given` until then. With `per_second` journeys begin at
    that pace, whatever becomes of those before.
    """

    ports: tuple[int, ...]
    connections: int
    journey: str
    given: list[Any]
    seconds: float | None = None
    per_second: float | None = None
    again: bool = False


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """How it went. `calls_ms` has the latencies of each kind of request, `journeys_ms` those of whole journeys.

    `ids` are what the journeys made, `due_at` when each of those was due (unix seconds); one that was refused as it had to be made
    nothing. A paced journey is as old as the moment at which it was due, so that a queue counts. `left` of those given were never begun.
    """

    seconds: float
    cpu_seconds: float
    calls_ms: dict[str, list[float]]
    journeys_ms: list[float]
    ids: list[str]
    due_at: list[float]
    left: int

    @property
    def per_second(self) -> float:
        """Journeys."""
        return len(self.journeys_ms) / self.seconds

    @property
    def calls(self) -> int:
        """Requests of all kinds."""
        return sum(map(len, self.calls_ms.values()))
