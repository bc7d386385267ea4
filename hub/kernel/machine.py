"""A life as a table of (state, event) → state, checked when it is written down and printable as a picture."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from hub.kernel.errors import Conflict

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class Machine(Generic[S, E]):
    """One life. Raises `ValueError` at import if a state is unreachable, cannot reach an end, or an end has a way out."""

    def __init__(self, name: str, *, initial: S, ends: frozenset[S], table: Mapping[tuple[S, E], S]) -> None:
        self.name = name
        self.initial = initial
        self.ends = ends
        self.table = dict(table)
        self._check()

    def next(self, state: S, event: E) -> S:
        """The state after `event`. Raises `Conflict` where the table has no such edge."""
        try:
            return self.table[state, event]
        except KeyError:
            raise Conflict("illegal_transition", f"{self.name} is {state}: {event} is not possible", state=str(state)) from None

    def allows(self, state: S, event: E) -> bool:
        """Whether the table has an edge for `event` at `state`."""
        return (state, event) in self.table

    def is_end(self, state: S) -> bool:
        """Whether the life is over."""
        return state in self.ends

    def mermaid(self) -> str:
        """The table as a Mermaid state diagram."""
        edges = [f"    {source} --> {target}: {event}" for (source, event), target in self.table.items()]
        ends = [f"    {end} --> [*]" for end in sorted(self.ends)]
        return "\n".join(["stateDiagram-v2", f"    [*] --> {self.initial}", *edges, *ends])

    def _check(self) -> None:
        states = set(type(self.initial))
        leaving = {source for source, _ in self.table}
        if self.ends & leaving:
            raise ValueError(f"{self.name}: ends with a way out: {sorted(self.ends & leaving)}")
        if lost := states - self._closure({self.initial}, {}):
            raise ValueError(f"{self.name}: unreachable: {sorted(lost)}")
        back: dict[S, set[S]] = {}
        for (source, _), target in self.table.items():
            back.setdefault(target, set()).add(source)
        if stuck := states - self._closure(set(self.ends), back):
            raise ValueError(f"{self.name}: no way to an end from: {sorted(stuck)}")

    def _closure(self, start: set[S], edges: dict[S, set[S]]) -> set[S]:
        if not edges:
            for (source, _), target in self.table.items():
                edges.setdefault(source, set()).add(target)
        seen, front = set(start), set(start)
        while front:
            front = {target for state in front for target in edges.get(state, set())} - seen
            seen |= front
        return seen
