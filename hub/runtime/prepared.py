"""A statement as asyncpg takes it, made once: SQLAlchemy writes it, and is not asked again when it runs.

SQLAlchemy's way to run a statement costs as much again as the statement itself. A constant of a module runs again and
again, so what was made of it is kept; what is built for one use is left to SQLAlchemy.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import REAL, BindParameter, Column, Float, Insert, Numeric, SelectBase
from sqlalchemy.dialects.postgresql import ARRAY, asyncpg

from hub.runtime.rows import listed, row_class

Values = Mapping[str, Any]

_PARAMETER = re.compile(r"%\((\w+)\)s(?:::([A-Z]+(?: WITH(?:OUT)? TIME ZONE)?(?:\[\])?))?|%%")
_LIST = re.compile(r"(NOT )?IN \(__\[POSTCOMPILE_(\w+)\]\)")
_GIVEN = re.compile(r"\$(\d+)")
_ACTS = re.compile(
    r"\b(?:FOR (?:NO KEY |KEY )?(?:UPDATE|SHARE)|INSERT INTO|DELETE FROM|UPDATE \w+ SET|MERGE INTO)\b"
    r"|\b(?:pg_\w+|txid_\w+|nextval|setval|set_config)\(",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"[A-Za-z0-9_.@-]*\Z")
_NOTHING: Values = {}
_DIALECT = asyncpg.dialect(paramstyle="pyformat")  # by name, so that places can be given here


class Unfit(Exception):
    """A statement that is left to SQLAlchemy."""


class Prepared:
    """SQL with ``$1`` and so on, what to pass for each, and the class of its rows.

    `returns` where SQLAlchemy knows that it has any; `only_reads` where it leaves nothing behind, no lock either.
    """

    def __init__(self, statement: Any, names: frozenset[str], dialect: Any) -> None:
        """`names` are those that it is executed with. `dialect` is the engine's. Raises `Unfit`."""
        compiled = statement.compile(dialect=_DIALECT, column_keys=sorted(names))
        self._binds: Mapping[str, BindParameter[Any]] = compiled.binds
        columns = getattr(compiled, "_result_columns", ())
        if any(bind.callable is not None for bind in self._binds.values()) or any(_is_decoded(column, dialect) for column in columns):
            raise Unfit
        self._said: Values = {name: value for name, value in compiled.params.items() if not self._binds[name].required}
        self._names = names
        self._encode: dict[str, Callable[[Any], Any] | None] = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in self._binds.items()
        }
        self._text = _LIST.sub(self._list, compiled.string)
        self._places: list[str] = []
        self.sql = _PARAMETER.sub(self._place, self._text)
        self.returns = bool(columns)
        self.is_insert = isinstance(statement, Insert)
        self.only_reads = isinstance(statement, SelectBase) and not _ACTS.search(self.sql)
        self._row: type[Any] | None = None

    def arguments(self, values: Values) -> list[Any]:
        """What to pass for one execution."""
        return [self.argument(name, values) for name in self._places]

    def argument(self, name: str, values: Values) -> Any:
        """One parameter's value, as asyncpg takes it. Raises `KeyError` for one that neither the caller nor the statement says."""
        value = values[name] if name in values else self._said[name]
        encode = self._encode.get(name)
        return value if encode is None else encode(value)

    def rows(self, records: Sequence[Any]) -> list[Any]:
        """Records of asyncpg as rows."""
        if not records:
            return []
        made = self._row = self._row or row_class(listed(list(records[0].keys())))
        return [made(*record) for record in records]

    @cached_property
    def together(self) -> "Together | None":
        """The INSERT or UPDATE of many rows at once; None where it cannot be written so."""
        try:
            return Together(self, self._text, self._binds, self.constant)
        except Unfit:
            return None

    def _list(self, found: re.Match[str]) -> str:
        name = found[2]
        element = str(self._binds[name].type.compile(_DIALECT)).partition(" COLLATE")[0]
        if not re.fullmatch(r"[A-Z]+", element):
            raise Unfit
        self._encode[name] = list
        return f"{'<> ALL' if found[1] else '= ANY'} (%({name})s::{element}[])"

    def _place(self, found: re.Match[str]) -> str:
        name, kind = found[1], found[2]
        if name is None:
            return "%"
        if (said := self.constant(name, kind)) is not None:
            return said
        if name not in self._places:
            self._places.append(name)
        return f"${self._places.index(name) + 1}" + (f"::{kind}" if kind else "")

    def constant(self, name: str, kind: str | None) -> str | None:
        """What the statement itself says, written out: PostgreSQL plans by it, as for a partial index."""
        bind = self._binds.get(name)
        value = None if bind is None or not bind.unique or name in self._names else bind.effective_value
        if type(value) is int:
            return f"{value}::{kind}" if kind else str(value)
        if isinstance(value, str) and kind == "VARCHAR" and _PLAIN.match(value):
            return f"'{value}'"
        return None


class Together:
    """One INSERT or UPDATE for as many rows as there are, from arrays: one plan and one round trip."""

    def __init__(
        self,
        one: Prepared,
        text: str,
        binds: Mapping[str, BindParameter[Any]],
        constant: Callable[[str, str | None], str | None],
    ) -> None:
        """Raises `Unfit` for a statement that cannot be written so."""
        if any(isinstance(bind.type, ARRAY) for bind in binds.values()):
            raise Unfit
        self._one = one
        self._constant = constant
        self._types: dict[str, str] = {}
        self.keys: list[str] = []
        """Of an UPDATE: what tells its rows apart. It changes each row once, so no two executions may mean the same."""
        self.sql = self._insert(text) if one.is_insert else self._update(text)

    @property
    def given(self) -> int:
        """How many parameters it has."""
        return len(self._types)

    def arguments(self, rows: Sequence[Values]) -> list[list[Any]]:
        """A list for each parameter."""
        return [[self._one.argument(name, row) for row in rows] for name in self._types]

    def _insert(self, text: str) -> str:
        head, rest = _parted(text, "VALUES (")
        inner, tail = _parted(rest, ")")
        if _PARAMETER.search(tail) or " DO UPDATE " in tail:  # which one statement does to each row once
            raise Unfit
        inner = _PARAMETER.sub(self._column, inner)
        return f"{head}SELECT {inner} FROM {self._given()}{tail}"

    def _update(self, text: str) -> str:
        head, tail = _parted(text, " WHERE ")
        if not head.startswith("UPDATE ") or " FROM " in head or "(SELECT " in text:
            raise Unfit
        said = {name for name, _ in _PARAMETER.findall(head)}
        where = [name for name, _ in _PARAMETER.findall(tail) if name not in said]
        head, tail = _PARAMETER.sub(self._column, head), _PARAMETER.sub(self._column, tail)
        self.keys = [name for name in where if name in self._types]
        if not self.keys:
            raise Unfit
        return f"{head} FROM {self._given()} WHERE {tail}"

    def _given(self) -> str:
        if not self._types:
            raise Unfit
        arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(self._types.values(), 1))
        return f"unnest({arrays}) AS given({', '.join(map(_quoted, self._types))})"

    def _column(self, found: re.Match[str]) -> str:
        name, kind = found[1], found[2]
        if name is None:
            return "%"
        if (said := self._constant(name, kind)) is not None:
            return said
        if kind is None or kind.endswith("[]"):
            raise Unfit
        self._types[name] = "TEXT" if kind == "JSONB" else kind
        return f"given.{_quoted(name)}::{kind}"


@lru_cache(maxsize=1000)
def united(parts: tuple[Together, ...]) -> str:
    """Several as one statement, of which none sees what the others write; its parameters are theirs, one after the other.

    Their foreign keys are checked when it has ended, so that a row may refer to another's.
    """
    texts: list[str] = []
    given = 0
    for part in parts:
        texts.append(_GIVEN.sub(lambda found, before=given: f"${int(found[1]) + before}", part.sql))
        given += part.given
    named = ", ".join(f"w{number} AS ({sql})" for number, sql in enumerate(texts[:-1]))
    return f"WITH {named} {texts[-1]}"


def _quoted(name: str) -> str:
    """As what it is even where PostgreSQL has a meaning for it, such as ``order``."""
    return f'"{name}"'


def _parted(text: str, mark: str) -> tuple[str, str]:
    """What stands before and after the first `mark` outside of parentheses. Raises `Unfit` if there is none."""
    depth = 0
    for place, letter in enumerate(text):
        if depth == 0 and text.startswith(mark, place):
            return text[:place], text[place + len(mark) :]
        depth += (letter == "(") - (letter == ")")
    raise Unfit


def _is_decoded(column: Any, dialect: Any) -> bool:
    """Whether SQLAlchemy makes something else of what asyncpg gives."""
    kind = column.type
    if isinstance(column.type, REAL):
        return False
    if isinstance(column.type, Float | Numeric):  # of an expression only PostgreSQL knows whether it is a float or a decimal
        return not (isinstance(column.type, Float) and any(isinstance(each, Column) for each in column.objects))
    if isinstance(column.type, ARRAY):
        kind = kind.item_type
    return kind.dialect_impl(dialect).result_processor(dialect, None) is not None


KEPT = "_prepared"


def prepared(statement: Any, names: frozenset[str], dialect: Any) -> Prepared | None:
    """What is kept of a statement that is executed with these names; None where SQLAlchemy is to run it, as the first time."""
    kept: tuple[Any, dict[frozenset[str], Prepared | None]] | None = statement.__dict__.get(KEPT)
    if kept is None or kept[0] is not statement:  # the second: a copy of one
        statement.__dict__[KEPT] = (statement, {})
        return None
    if names not in kept[1]:
        try:
            kept[1][names] = Prepared(statement, names, dialect)
        except Unfit:
            kept[1][names] = None
    return kept[1][names]
