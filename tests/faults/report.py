"""The table in this folder's README: fault, invariant, how often it struck, result; written by the suite."""

import re
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).with_name("README.md")
LAWS = "all laws; each command done at most once; provider and books agree"
_ROW = re.compile(r"^\| (\d+)([a-z]?) \|.*\|$", re.MULTILINE)

HEAD = """# Faults

Real processes (PostgreSQL, broker, provider, API, workers, spokes) under seeded faults, with a TCP proxy on every way between
them. Each test places a bounded number of orders over HTTP, lets its fault strike, proves that it struck, lets everything come
to rest and then checks: every accepted order has ended as it may; every law of `hub/ops/invariants.py` holds; no vendor did a
command twice; the provider took and moved exactly what the books say.

`make test` runs the quick ones, `make faults` all of them; a run of all writes this table. Numbers are those of the notes' list.

| no. | fault | invariant | orders | struck | ended | result |
| --- | --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Row:
    """One fault's outcome; `number` is that of the list, with a letter where it has several parts."""

    number: str
    fault: str
    invariant: str
    orders: int
    struck: int
    ended: str
    result: str

    def line(self) -> str:
        """As the table shows it."""
        return f"| {self.number} | {self.fault} | {self.invariant} | {self.orders} | {self.struck} | {self.ended} | {self.result} |"


def written(rows: list[Row], readme: Path = README, *, whole: bool = False) -> None:
    """Put these rows into the table, in the place of older ones of the same number; after a `whole` run no older ones stay."""
    older = readme.read_text() if readme.exists() and not whole else ""
    known = {found[1] + found[2]: found[0] for found in _ROW.finditer(older)}
    known |= {row.number: row.line() for row in rows}
    ordered = sorted(known, key=lambda number: (int(re.sub(r"\D", "", number)), number))
    readme.write_text(HEAD + "".join(f"{known[number]}\n" for number in ordered))
