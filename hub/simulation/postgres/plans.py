"""A statement, compiled once: what it reads, writes and returns, as one Python function, and where it is kept."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Delete, Insert, Select, TextClause, Update
from sqlalchemy.sql.selectable import CompoundSelect

from hub.runtime.rows import names_of, row_class
from hub.simulation.postgres import values
from hub.simulation.postgres.by_hand import BY_HAND
from hub.simulation.postgres.indexes import Hash, Sorted
from hub.simulation.postgres.scope import Unknown, columns_of, is_a
from hub.simulation.postgres.tables import Table
from hub.simulation.postgres.writes import Writes

Run = Callable[[Any, Any, Any, Sequence[Any]], tuple[list[Any], int]]
"""Of the server, a transaction's view, what is given by name and the statement's own values: the rows, and how many were touched."""
FUNCTIONS = {name: getattr(values, name) for name in vars(values) if not name.startswith("_")} | {"first": itemgetter(0)}
NO_NAMES: tuple[str, ...] = ()


class Source:
    """A statement as Python, for any world: `things` are the objects that it names."""

    def __init__(self, text: str, things: Mapping[str, Any], binds: Sequence[BindParameter[Any]]) -> None:
        self.text = text
        self.binds = binds
        self._things = {name: _named(thing) for name, thing in things.items()}
        """What is a world's own by name alone, so that no world is kept for it."""
        self._code = compile(text, "<statement>", "exec")

    def run_on(self, tables: Mapping[str, Table]) -> Run:
        """Its function over these tables."""
        a_world_s = TheTable | TheIndex | TheOrder
        own = {name: thing.of(tables) if isinstance(thing, a_world_s) else thing for name, thing in self._things.items()}
        scope: dict[str, Any] = FUNCTIONS | own
        exec(self._code, scope)  # noqa: S102  # our own statements
        return scope["run"]


class TheTable(NamedTuple):
    """A table of whichever world."""

    name: str

    def of(self, tables: Mapping[str, Table]) -> Table:
        """It."""
        return tables[self.name]


class TheIndex(NamedTuple):
    """An index of one of its tables."""

    table: str
    positions: tuple[int, ...]

    def of(self, tables: Mapping[str, Table]) -> Hash:
        """It."""
        return tables[self.table].index(self.positions)


class TheOrder(NamedTuple):
    """An index in the order of a column."""

    table: str
    place: int
    only: tuple[int, Any] | None

    def of(self, tables: Mapping[str, Table]) -> Sorted:
        """It."""
        return tables[self.table].sort(self.place, self.only)


def _named(thing: Any) -> Any:
    if isinstance(thing, Table):
        return TheTable(thing.name)
    if isinstance(thing, Sorted):
        return TheOrder(thing.owner, thing.place, thing.only)
    return TheIndex(thing.owner, thing.positions) if isinstance(thing, Hash) else thing


class Plan:
    """What to run, and the values that the statement itself has. `source` is for who wants to see what became of a statement."""

    __slots__ = ("own", "run", "source")

    def __init__(self, run: Run, own: Sequence[Any], source: str) -> None:
        self.run = run
        self.own = own
        self.source = source


class Kept:
    """The plans of a statement that is a constant, by the names of what it is executed with, in one server."""

    __slots__ = ("plans", "server", "statement")

    def __init__(self, statement: Any, server: "Plans") -> None:
        self.statement = statement
        self.server = server
        self.plans: dict[tuple[str, ...], Plan] = {}


class Plans:
    """All plans of one server. A statement keeps its plans with it; those of one shape share what they run."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._tables = tables
        self._by_shape: dict[Any, tuple[Run, Source, list[int | None]]] = {}

    def of(self, statement: Any, given: Mapping[str, Any] | None) -> Plan:
        """A statement's plan. Raises `Unknown`."""
        names = tuple(given) if given else NO_NAMES
        kept: Kept | None = statement.__dict__.get("_simulated")
        if kept is None or kept.statement is not statement or kept.server is not self:  # new, a copy, or of another world
            kept = statement.__dict__["_simulated"] = Kept(statement, self)
        plan = kept.plans.get(names)
        if plan is None:
            plan = kept.plans[names] = self._made(statement, frozenset(names))
        return plan

    def _made(self, statement: Any, names: frozenset[str]) -> Plan:
        """A plan by the statement's shape, from what an earlier world has compiled if one has."""
        if is_a(statement, TextClause):
            return _by_hand(statement, names)
        key = statement._generate_cache_key()
        if key is None:
            source = source_of(statement, self._tables, names)
            return Plan(source.run_on(self._tables), list(map(_own, source.binds)), source.text)
        found = self._by_shape.get((key.key, names))
        if found is None:
            known = _SOURCES.get((key.key, names))
            if known is None:
                source = source_of(statement, self._tables, names)
                places = {id(bind): number for number, bind in enumerate(key.bindparams)}
                known = _SOURCES[key.key, names] = (source, [places.get(id(bind)) for bind in source.binds])
            found = self._by_shape[key.key, names] = (known[0].run_on(self._tables), *known)
        run, source, places_of = found
        binds = key.bindparams
        own = [_own(bind) if place is None else binds[place].effective_value for place, bind in zip(places_of, source.binds, strict=True)]
        return Plan(run, own, source.text)


_SOURCES: dict[Any, tuple[Source, list[int | None]]] = {}
"""By shape and names of parameters, for all worlds of this process: tables are declared once. With each, which of the shape's
parameters are the statement's own."""


def _own(bind: BindParameter[Any]) -> Any:
    return bind.value if bind.callable is None else bind.callable()


def _by_hand(statement: Any, names: frozenset[str]) -> Plan:
    by_hand = BY_HAND.get(statement.text)
    if by_hand is None:
        raise Unknown(statement.text)
    own = {name: bind.value for name, bind in statement._bindparams.items() if name not in names}
    if own:
        return Plan(lambda m, v, p, _: by_hand(m, v, own | dict(p or {})), (), statement.text)
    return Plan(lambda m, v, p, _: by_hand(m, v, p or {}), (), statement.text)


def source_of(statement: Any, tables: Mapping[str, Table], names: frozenset[str]) -> Source:
    """A statement that is executed with parameters of these names, as source. Raises `Unknown`."""
    made = Writes(tables, names)
    if is_a(statement, Select, CompoundSelect):
        first = statement if is_a(statement, Select) else statement.selects[0]
        made.globals["R"] = row_class(names_of(list(columns_of(first._raw_columns))))
        made.query(statement, "rows", None, "rows", "R")
        made.inline("rows")
    elif is_a(statement, Insert):
        made.insert(statement)
    elif is_a(statement, Update):
        made.update(statement)
    elif is_a(statement, Delete):
        made.delete(statement)
    else:
        raise Unknown(f"{type(statement).__name__}: {statement}")
    inner = [line for function in made.functions for line in function.split("\n")]
    text = "\n".join(["def run(m, v, p, b):", *("    " + line for line in (*made.once, *inner, *made.main))])
    return Source(text, made.globals, made.binds)
