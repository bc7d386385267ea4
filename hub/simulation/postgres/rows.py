"""The classes of the rows that statements give."""

from collections.abc import Sequence
from typing import Any


def names_of(columns: Sequence[Any]) -> list[str]:
    """What a row calls its columns."""
    found: list[str] = []
    for number, column in enumerate(columns):
        name = str(getattr(column, "name", "") or "")
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
