"""The rows of one page as they are read: what is wrong with which."""

from collections.abc import Sequence
from typing import Any

import msgspec

from hub.kernel.errors import Refusal
from hub.runtime.problems import STATUS, Problem, problem
from vendor_sdk.messages import Sku


class Sheet:
    """Takes what is refused; `place` is where its rows stand in the message, `first` the number of the first."""

    def __init__(self, rows: Sequence[Any], place: str = "/rows", first: int = 0) -> None:
        self._rows = rows
        self._place = place
        self._first = first
        self.problems: dict[int, Problem] = {}

    def refuse(self, index: int, error: Refusal, status: int | None = None) -> None:
        """The row at `index` is not taken."""
        facts: dict[str, Any] = dict(error.facts)
        field = f"{self._place}/{index}{error.field or ''}"
        self.problems[index] = problem(status or STATUS[type(error)], error.slug, error.detail, field=field, **facts)

    def skus(self) -> list[str]:
        """All SKUs that its rows name, also those that are wrong in another way."""
        return sorted({sku for row in self._rows if (sku := sku_of(row)) is not None})

    def unnamed(self) -> int:
        """How many of its rows name none."""
        return sum(sku_of(row) is None for row in self._rows)

    def told(self) -> list[tuple[int, str | None, Problem]]:
        """What is wrong, as it is kept: the row's number, its SKU, the problem."""
        return [(self._first + index, sku_of(self._rows[index]), found) for index, found in sorted(self.problems.items())]


def sku_of(row: Any) -> str | None:
    """What a row is about, if that can be read."""
    try:
        return msgspec.convert(row.get("sku") if isinstance(row, dict) else row, Sku)
    except msgspec.ValidationError:
        return None
