"""The parts of the benchmark, one file each; `PARTS` names them in the order in which they run."""

from collections.abc import Awaitable, Callable

from tests.bench.ground import Ground
from tests.bench.parts import books, bulkheads, confirmed, flash, growth, lives, mixed, placing, reads, replayed, triage, way
from tests.bench.report import Found

Part = Callable[[Ground], Awaitable[Found]]
PARTS: dict[str, Part] = {
    "placing": placing.measure,
    "way": way.measure,
    "flash": flash.measure,
    "lives": lives.measure,
    "confirmed": confirmed.measure,
    "reads": reads.measure,
    "mixed": mixed.measure,
    "books": books.measure,
    "replayed": replayed.measure,
    "growth": growth.measure,
    "bulkheads": bulkheads.measure,
    "triage": triage.measure,
}
