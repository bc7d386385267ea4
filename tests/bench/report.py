"""What a part has found, and where it goes: the terminal, bench.json, pictures in `bench/`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from tests.bench.figures import Goal
from tests.bench.picture import Bars, show

JSON = Path("bench.json")
PICTURES = Path("bench")
WIDTH = 150
AT_BEST = """at best: if the hub's own Python took nothing of the cores, and all others what they took: PostgreSQL for our statements,
the load generator, and for each request a handler that does nothing; of lives and confirmations PostgreSQL, spokes, broker, sandbox"""


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A table: `columns` above `rows` of text and numbers; `notes` below."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | float]]
    notes: Sequence[str] = ()


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """All of a part. `figures` stand in bench.json as they are."""

    figures: Any
    sheets: Sequence[Sheet]
    pictures: Sequence[Bars] = ()
    goals: Sequence[Goal] = ()


class Report:
    """Keeps what parts have found; those that were not measured this time stay as they were."""

    def __init__(self, folder: Path, console: Console) -> None:
        self._json = folder / JSON
        self._pictures = folder / PICTURES
        self._console = console
        self._parts: dict[str, Any] = msgspec.json.decode(self._json.read_bytes()) if self._json.exists() else {}
        self._goals: list[Goal] = []

    def keep(self, name: str, found: Found, facts: Mapping[str, Any]) -> None:
        """Write and print it; `facts` say how it was measured."""
        self._goals += found.goals
        goals = [{**msgspec.to_builtins(goal), "met": goal.met, "can_be_met": goal.can_be_met} for goal in found.goals]
        self._parts[name] = {**facts, "goals": goals, "figures": msgspec.to_builtins(found.figures)}
        self._json.write_bytes(msgspec.json.format(msgspec.json.encode(self._parts)) + b"\n")
        self._pictures.mkdir(exist_ok=True)
        for picture in found.pictures:
            (self._pictures / f"{picture.name}.svg").write_text(picture.svg())
        for sheet in found.sheets:
            self._console.print(table(sheet), *sheet.notes, sep="\n", markup=False, highlight=False)

    def machine(self, facts: Mapping[str, Any]) -> None:
        """Note what it was measured on."""
        self._parts["machine"] = facts

    def goals(self) -> None:
        """Print all that was set as a target beside what was reached."""
        if self._goals:
            sheet = goals_sheet(self._goals)
            self._console.print(table(sheet), *sheet.notes, sep="\n", markup=False, highlight=False)


def goals_sheet(goals: Sequence[Goal]) -> Sheet:
    """Targets as a table."""
    return Sheet(
        title="targets", columns=("", "reached", "target", "at best", ""), rows=[_goal_row(goal) for goal in goals], notes=[AT_BEST]
    )


def _goal_row(goal: Goal) -> list[str | float]:
    verdict = "met" if goal.met else "NOT MET" if goal.can_be_met else "not met: beyond this machine"
    best = "" if goal.at_best is None else goal.at_best
    return [goal.says, goal.reached, f"{'≤' if goal.at_most else '≥'} {show(goal.target)}", best, verdict]


def table(sheet: Sheet) -> Table:
    """For the terminal: words to the left, numbers to the right."""
    made = Table(title=sheet.title, title_justify="left")
    for number, name in enumerate(sheet.columns):
        words = all(isinstance(row[number], str) for row in sheet.rows)
        made.add_column(name, justify="left" if words else "right")
    for row in sheet.rows:
        made.add_row(*(cell if isinstance(cell, str) else show(cell) for cell in row))
    return made


def console() -> Console:
    """Wide enough for the tables where nobody looks."""
    found = Console()
    return found if found.is_terminal else Console(width=WIDTH)
