"""What a statement gave: rows, and how many it touched; PostgreSQL and the simulated one give the same."""

from collections.abc import Sequence
from typing import Any


class Result:
    """Under SQLAlchemy's names, for which of the two made it is nobody's business."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: Sequence[Any], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def all(self) -> Sequence[Any]:
        """Every row."""
        return self._rows

    def one_or_none(self) -> Any:
        """The one row there is, or None. Raises `LookupError` if there are more."""
        if len(self._rows) > 1:
            raise LookupError(f"{len(self._rows)} rows where one was expected")
        return self._rows[0] if self._rows else None

    def scalar(self) -> Any:
        """The first column of the first row, or None."""
        return self._rows[0][0] if self._rows else None

    def mappings(self) -> "Result":
        """The same with rows by column name."""
        return Result([row._asdict() for row in self._rows], self.rowcount)


def names_of(columns: Sequence[Any]) -> list[str]:
    """What a row calls its columns."""
    return listed([str(getattr(column, "name", "") or "") for column in columns])


def listed(names: Sequence[str]) -> list[str]:
    """Names that can be attributes; what has none, or stands twice, is called by its place."""
    found: list[str] = []
    for number, name in enumerate(names):
        found.append(name if name.isidentifier() and name not in found else f"c{number}")
    return found


def row_class(names: Sequence[str]) -> type[Any]:
    """Rows with these attributes, which can be unpacked too."""
    listed = ", ".join(names)
    sets = "\n".join(f"        self.{name} = {name}" for name in names)
    back = "(" + "".join(f"self.{name}, " for name in names) + ")"
    source = (
        f"class R:\n    __slots__ = {tuple(names)!r}\n    def __init__(self, {listed}):\n{sets}\n"
        f"    def __iter__(self):\n        return iter({back})\n    def __getitem__(self, at):\n        return {back}[at]\n"
        f"    def __len__(self):\n        return {len(names)}\n    def __repr__(self):\n        return repr({back})\n"
        f"    def _asdict(self):\n        return dict(zip(R.__slots__, {back}))\n"
    )
    made: dict[str, Any] = {}
    exec(source, made)  # noqa: S102  # names of our own columns
    return made["R"]
