"""A statement, compiled once: what it reads, writes and returns, as one Python function, and where it is kept."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import BindParameter, Delete, Insert, Select, Update
from sqlalchemy.sql.selectable import CompoundSelect

from hub.simulation.postgres import values
from hub.simulation.postgres.indexes import Hash
from hub.simulation.postgres.rows import names_of, row_class
from hub.simulation.postgres.scope import Unknown, columns_of, is_a
from hub.simulation.postgres.tables import Table
from hub.simulation.postgres.writes import Writes

Run = Callable[[Any, Any, Sequence[Any]], tuple[list[Any], int]]
"""Of the server, a transaction's view and the parameters: the rows, and how many were touched."""
FUNCTIONS = {name: getattr(values, name) for name in vars(values) if not name.startswith("_")} | {"first": itemgetter(0)}
NO_NAMES: frozenset[str] = frozenset()


class Source:
    """A statement as Python, for any world: `things` are the objects that it names."""

    def __init__(self, text: str, things: Mapping[str, Any], binds: Sequence[BindParameter[Any]]) -> None:
        self.text = text
        self.binds = binds
        self._things = things
        self._code = compile(text, "<statement>", "exec")

    def run_on(self, tables: Mapping[str, Table]) -> Run:
        """Its function over these tables."""
        scope: dict[str, Any] = {**FUNCTIONS, **{name: _here(thing, tables) for name, thing in self._things.items()}}
        exec(self._code, scope)  # noqa: S102  # our own statements
        return scope["run"]


def _here(thing: Any, tables: Mapping[str, Table]) -> Any:
    if isinstance(thing, Table):
        return tables[thing.name]
    return tables[thing.owner].index(thing.positions) if isinstance(thing, Hash) else thing


class Plan:
    """What to run, and which parameters it takes. `source` is for who wants to see what became of a statement."""

    def __init__(self, run: Run, binds: Sequence[BindParameter[Any]], source: str) -> None:
        self.run = run
        self.binds = binds
        self.source = source
        self.defaults = [bind.value if bind.callable is None else bind.callable() for bind in binds]
        self.keys = [bind.key for bind in binds]

    def parameters(self, given: Mapping[str, Any] | None, known: Sequence[Any] | None = None) -> Sequence[Any]:
        """The values in order: what is given by name, else what the statement itself says."""
        said = self.defaults if known is None else known
        if not given:
            return said
        return list(map(given.get, self.keys, said))

    def with_defaults(self, defaults: list[Any]) -> "Plan":
        """The same of another statement of the same shape."""
        other = Plan(self.run, self.binds, self.source)
        other.defaults = defaults
        return other


class Plans:
    """All plans of one server. A statement that is a constant keeps its plans with it; others share them by shape."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._tables = tables
        self._by_shape: dict[Any, tuple[Plan, list[int | None]]] = {}

    def of(self, statement: Any, given: Mapping[str, Any] | None) -> tuple[Plan, Sequence[Any]]:
        """A statement's plan and its parameters. Raises `Unknown`."""
        names = frozenset(given) if given else NO_NAMES
        kept: tuple[Any, Plans, dict[frozenset[str], Plan]] | None = statement.__dict__.get("_simulated")
        if kept is not None and (kept[0] is not statement or kept[1] is not self):  # a copy of the statement, or another world
            kept = None
        if kept is not None and names in kept[2]:
            plan = kept[2][names]
            return plan, plan.parameters(given)
        key = statement._generate_cache_key()
        if key is None:
            plan = compiled(statement, self._tables, names)
            return plan, plan.parameters(given)
        found = self._by_shape.get((key.key, names))
        if found is None:
            found = self._by_shape[key.key, names] = self._shared(statement, key, names)
        plan, places_of = found
        binds = key.bindparams
        known = [
            default if place is None else binds[place].effective_value for place, default in zip(places_of, plan.defaults, strict=True)
        ]
        if names:  # only what is executed with values can be a constant
            others = kept[2] if kept is not None else {}
            statement.__dict__["_simulated"] = (statement, self, others | {names: plan.with_defaults(known)})
        return plan, plan.parameters(given, known)

    def _shared(self, statement: Any, key: Any, names: frozenset[str]) -> tuple[Plan, list[int | None]]:
        """A plan for a shape, from what an earlier world has compiled if one has; and which parameters are the statement's own."""
        known = _SOURCES.get((key.key, names))
        if known is None:
            source = source_of(statement, self._tables, names)
            places = {id(bind): number for number, bind in enumerate(key.bindparams)}
            known = _SOURCES[key.key, names] = (source, [places.get(id(bind)) for bind in source.binds])
        source, places_of = known
        return Plan(source.run_on(self._tables), source.binds, source.text), places_of


_SOURCES: dict[Any, tuple[Source, list[int | None]]] = {}
"""By shape and names of parameters, for all worlds of this process: tables are declared once."""


def compiled(statement: Any, tables: Mapping[str, Table], names: frozenset[str]) -> Plan:
    """The plan of a statement that is executed with parameters of these names. Raises `Unknown`."""
    source = source_of(statement, tables, names)
    return Plan(source.run_on(tables), source.binds, source.text)


def source_of(statement: Any, tables: Mapping[str, Table], names: frozenset[str]) -> Source:
    """The same as source. Raises `Unknown`."""
    made = Writes(tables)
    if is_a(statement, Select, CompoundSelect):
        first = statement if is_a(statement, Select) else statement.selects[0]
        made.globals["R"] = row_class(names_of(list(columns_of(first._raw_columns))))
        made.query(statement, "rows", None, "rows", "R")
        made.main += ["found = rows()", "return found, len(found)"]
    elif is_a(statement, Insert):
        made.insert(statement, names)
    elif is_a(statement, Update):
        made.update(statement, names)
    elif is_a(statement, Delete):
        made.delete(statement)
    else:
        raise Unknown(f"{type(statement).__name__}: {statement}")
    inner = "\n".join("    " + line for function in made.functions for line in function.split("\n"))
    return Source("def run(m, v, b):\n" + inner + "\n" + "\n".join("    " + line for line in made.main), made.globals, made.binds)
