"""Owns what a check of the end says, and how it is shown."""

from collections.abc import Collection, Sequence

import msgspec
from rich.table import Table

from hub.kernel import money
from hub.replay.files import CURRENCY

SHOWN_MAX = 3
NONE = "none"


class Verdict(msgspec.Struct, frozen=True):
    """A law, what it demands, what was found; it holds if the two are the same."""

    law: str
    expected: str
    found: str

    @property
    def holds(self) -> bool:
        """Whether the law holds."""
        return self.expected == self.found


def amount(law: str, expected: int, found: int) -> Verdict:
    """Two amounts of money, in minor units."""
    return Verdict(law, money.show(expected, CURRENCY), money.show(found, CURRENCY))


def count(law: str, expected: int, found: int) -> Verdict:
    """Two numbers."""
    return Verdict(law, str(expected), str(found))


def no_exceptions(law: str, exceptions: Collection[object]) -> Verdict:
    """There must be no exception to the law; the first ones are named."""
    named = "; ".join(str(exception) for exception in list(exceptions)[:SHOWN_MAX])
    return Verdict(law, NONE, f"{len(exceptions)}: {named}" if exceptions else NONE)


def table(verdicts: Sequence[Verdict]) -> Table:
    """All of them, for people."""
    shown = Table("law", "must be", "is", "", title="What must hold", title_justify="left")
    for verdict in verdicts:
        shown.add_row(verdict.law, verdict.expected, verdict.found, "[green]holds[/]" if verdict.holds else "[bold red]BROKEN[/]")
    return shown
