"""Checks the vendors' side of the end, in the files of their own systems: everything done once, nothing kept for nobody."""

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from hub.replay.expected import Expected
from hub.replay.verdict import Verdict, count, no_exceptions

FILE = "dummy.sqlite"
VERBS = ("reserve", "submit", "ship")
_TWICE = "SELECT vendor, command_id, count(*) FROM effects WHERE vendor LIKE 'v-%' GROUP BY 1, 2 HAVING count(*) > 1"
_PART_TWICE = "SELECT vendor, sub_order_id, verb, count(*) FROM effects WHERE vendor LIKE 'v-%' GROUP BY 1, 2, 3 HAVING count(*) > 1"
_VERBS = "SELECT verb, count(*) FROM effects WHERE vendor LIKE 'v-%' GROUP BY verb"
_KEPT = "SELECT vendor, sub_order_id, state FROM holding WHERE vendor LIKE 'v-%' AND state <> 'shipped'"
_UNITS = "SELECT coalesce(sum(quantity), 0) FROM holding WHERE vendor LIKE 'v-%' AND state = 'shipped'"


def check_vendors(folder: Path, expected: Expected) -> list[Verdict]:
    """`folder` is where the spokes keep their data."""
    files = sorted(folder.rglob(FILE))
    done: dict[str, int] = {}
    for verb, times in _ask(files, _VERBS):
        done[str(verb)] = done.get(str(verb), 0) + int(str(times))
    return [
        no_exceptions("a command that a vendor's system did twice", list(_ask(files, _TWICE))),
        no_exceptions("a sub-order reserved, taken or sent twice by its vendor", list(_ask(files, _PART_TWICE))),
        *(count(f"sub-orders that vendors did {verb}", expected.sub_orders, done.pop(verb, 0)) for verb in VERBS),
        no_exceptions("anything else that vendors did", sorted(done.items())),
        no_exceptions("units that a vendor still sets aside", list(_ask(files, _KEPT))),
        count("units that vendors sent", expected.units, sum(int(str(row[0])) for row in _ask(files, _UNITS))),
    ]


def _ask(files: Iterable[Path], query: str) -> Iterable[tuple[object, ...]]:
    for file in files:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            yield from connection.execute(query)
