"""SQLAlchemy's expressions as Python source over rows: a column is a place in a tuple, NULL is None."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

from sqlalchemy import (
    BindParameter,
    BooleanClauseList,
    Case,
    Cast,
    Column,
    Exists,
    False_,
    FunctionFilter,
    Null,
    ScalarSelect,
    Select,
    TextClause,
    True_,
    Tuple,
    UnaryExpression,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression, ColumnClause, ExpressionClauseList
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import SelectStatementGrouping

from hub.simulation.postgres.scope import Scope, Unknown, bare, is_a, select_in

AGGREGATES = {"sum": "total", "count": "count", "min": "least_of", "max": "greatest_of", "json_agg": "list"}
COMPARE: dict[Any, tuple[str, str]] = {
    operators.eq: ("==", "eq"),
    operators.ne: ("!=", "ne"),
    operators.lt: ("<", "lt"),
    operators.le: ("<=", "le"),
    operators.gt: (">", "gt"),
    operators.ge: (">=", "ge"),
    operators.add: ("+", "add"),
    operators.sub: ("-", "sub"),
    operators.mul: ("*", "mul"),
    operators.concat_op: ("+", "add"),
}
"""How two values that cannot be NULL are compared, and the function for those that can."""
FOLDS: dict[Any, str] = {operators.and_: "both", operators.or_: "either"} | {operator: name for operator, (_, name) in COMPARE.items()}
"""The functions of expressions of more than two."""
PLAIN = {"coalesce", "greatest", "least", "nullif", "make_interval", "to_timestamp", "split_part"}
"""SQL functions that `values` has by the same name."""
OTHER = {"now": "v.now", "clock_timestamp": "m.now()", "random": "m.random()"}
SAYS = {"hashtextextended": "{0}", "pg_advisory_xact_lock": "v.hold(m.advisory, {0})", "jsonb_array_length": "cast(len, {0})"}
"""SQL functions and what stands for them; {0} is the first argument."""


class Expressions:
    """Turns expressions into source; parameters are collected on the way."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        """What the statement is executed with."""
        self.given: set[str] = set()
        """Which of them it has a use for."""
        self.binds: list[BindParameter[Any]] = []
        """Parameters that the statement itself has a value for."""
        self.once: list[str] = []
        """What is the same for every row, reckoned before all others."""

    def subquery(self, select: Any, scope: Scope, mode: str) -> str:
        """Make a function of a subquery that stands here, for a purpose (exists, scalar, set); the call of it."""
        raise NotImplementedError

    def bind(self, parameter: BindParameter[Any]) -> str:
        """Where a parameter's value is: among those that are given by name, or among the statement's own."""
        if parameter.key in self.names:
            self.given.add(parameter.key)
            return f"p[{parameter.key!r}]"
        for number, known in enumerate(self.binds):
            if known is parameter or known.key == parameter.key:
                return f"b[{number}]"
        self.binds.append(parameter)
        return f"b[{len(self.binds) - 1}]"

    def condition(self, node: Any, scope: Scope) -> str:
        """Where only truth counts: NULL and false are the same."""
        node = bare(node)
        if _joins(node):
            word = " and " if node.operator is operators.and_ else " or "
            return "(" + word.join(self.condition(part, scope) for part in node.clauses) + ")"
        if is_a(node, BinaryExpression) and node.operator is operators.eq:
            sides = (node.left, node.right)
            if any(self.never_null(side, scope) for side in sides):  # then NULL equals nothing
                return "(" + " == ".join(self.value(side, scope) for side in sides) + ")"
        if is_a(node, BinaryExpression) and node.operator is operators.in_op and self.never_null(node.left, scope):
            return f"({self.value(node.left, scope)} in {self.members(node.right, scope)})"
        return self.value(node, scope)

    def value(self, node: Any, scope: Scope) -> str:  # noqa: C901, PLR0911, PLR0912  # one branch per kind of expression
        """The value, NULL as None."""
        node = bare(node)
        if is_a(node, BindParameter):
            return self.bind(node)
        if is_a(node, Column, ColumnClause) and node.table is not None:
            return self._column(node, scope)
        if is_a(node, Null):
            return "None"
        if is_a(node, True_, False_):
            return str(is_a(node, True_))
        if is_a(node, BinaryExpression):
            return self._binary(node, scope)
        if is_a(node, Exists):
            return self.subquery(select_in(node.element), scope, "exists")
        if is_a(node, UnaryExpression):
            return self._unary(node, scope)
        if is_a(node, ExpressionClauseList) and node.operator in FOLDS:
            function = FOLDS[node.operator]
            return reduce(lambda one, other: f"{function}({one}, {other})", [self.value(part, scope) for part in node.clauses])
        if is_a(node, FunctionFilter, FunctionElement):
            return self._function(node, scope)
        if is_a(node, Cast):
            return self._cast(node, scope)
        if is_a(node, Case):
            return self._case(node, scope)
        if is_a(node, ScalarSelect, SelectStatementGrouping, Select):
            return self.subquery(select_in(node), scope, "scalar")
        if is_a(node, Tuple):
            return "(" + "".join(self.value(part, scope) + ", " for part in node.clauses) + ")"
        if is_a(node, ColumnClause, TextClause):
            return _literal(str(node))
        raise Unknown(f"{type(node).__name__}: {node}")

    def never_null(self, node: Any, scope: Scope) -> bool:
        """Whether it cannot be NULL, as far as can be told from the tables."""
        node = bare(node)
        if is_a(node, Column):
            found = scope.find(node.table)
            return not node.nullable and found is not None and not found.optional
        return is_a(node, FunctionElement) and node.name in {"now", "clock_timestamp"}

    def _once(self, source: str) -> str:
        """The name of what is reckoned once."""
        known = [line.partition(" = ")[2] for line in self.once]
        if source not in known:
            known.append(source)
            self.once.append(f"h{len(known) - 1} = {source}")
        return f"h{known.index(source)}"

    def sorting(self, node: Any, scope: Scope) -> str:
        """What to sort upwards by, NULL last."""
        value = self.value(node, scope)
        return value if self.never_null(node, scope) else f"key({value})"

    def _column(self, node: Any, scope: Scope) -> str:
        found = scope.find(node.table)
        if found is None:
            raise Unknown(f"{node} of {type(node.table).__name__} is not in scope")
        place = found.places.get(node.key, found.places.get(node.name))
        source = f"{found.variable}[{place}]"
        return f"(None if {found.variable} is None else {source})" if found.optional else source

    def _binary(self, node: Any, scope: Scope) -> str:  # noqa: PLR0911  # one branch per operator
        operator: Any = node.operator
        if operator in {operators.in_op, operators.not_in_op}:
            found = f"within({self.value(node.left, scope)}, {self.members(node.right, scope)})"
            return found if operator is operators.in_op else f"inv({found})"
        if operator is operators.between_op:
            least, most = (self.value(part, scope) for part in node.right.clauses)
            value = self.value(node.left, scope)
            return f"both(ge({value}, {least}), le({value}, {most}))"
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        if operator in {operators.is_, operators.is_not}:
            return f"({left} {'is' if operator is operators.is_ else 'is not'} {right})"
        if operator in {operators.is_distinct_from, operators.is_not_distinct_from}:
            return f"({left} {'!=' if operator is operators.is_distinct_from else '=='} {right})"
        if operator in COMPARE:
            sign, function = COMPARE[operator]
            if operator in {operators.add, operators.sub} and not any(is_a(each, ColumnClause, Select) for each in visitors.iterate(node)):
                return self._once(f"{function}({left}, {right})")
            if all(self.never_null(side, scope) for side in (node.left, node.right)):
                return f"({left} {sign} {right})"
            return f"{function}({left}, {right})"
        sign = getattr(operator, "opstring", "")
        if operator in {operators.json_getitem_op, operators.getitem} or sign in {"->", "->>"}:
            return f"as_text(item({left}, {right}))" if sign == "->>" else f"item({left}, {right})"
        raise Unknown(f"{operator} in {node}")

    def members(self, node: Any, scope: Scope) -> str:
        """What an IN looks in."""
        node = bare(node)
        if is_a(node, BindParameter):
            return self.bind(node)
        if is_a(node, Select, ScalarSelect, SelectStatementGrouping):
            return self.subquery(select_in(node), scope, "set")
        return "(" + "".join(self.value(part, scope) + ", " for part in node.clauses) + ")"

    def _unary(self, node: Any, scope: Scope) -> str:
        inner = self.value(node.element, scope)
        if node.operator in {operators.inv, operators.is_false}:
            return f"(not {inner})" if self.never_null(node.element, scope) else f"inv({inner})"
        if node.operator is operators.neg:
            return f"neg({inner})"
        raise Unknown(f"{node.operator} in {node}")

    def _function(self, node: Any, scope: Scope) -> str:
        only = None
        if is_a(node, FunctionFilter):
            only, node = self.condition(node.criterion, scope), node.func
        name = node.name
        arguments = list(node.clauses)
        if name in AGGREGATES and scope.grouped is not None:
            return self._aggregate(name, arguments, only, scope)
        if name in OTHER:
            return OTHER[name]
        values = [self.value(argument, scope) for argument in arguments]
        if name in PLAIN:
            return f"{name}({', '.join(values)})"
        if name in SAYS:
            return SAYS[name].format(*values)
        if name == "json_build_object":
            return "{" + ", ".join(f"{key}: {value}" for key, value in zip(values[::2], values[1::2], strict=True)) + "}"
        raise Unknown(f"function {name}")

    def _aggregate(self, name: str, arguments: Sequence[Any], only: str | None, scope: Scope) -> str:
        pattern, scope.grouped = scope.grouped, None
        where = f" if {only}" if only is not None else ""
        argument: Any = bare(arguments[0] if arguments else None)
        order = ""
        if is_a(argument, aggregate_order_by):
            by = getattr(argument.order_by, "clauses", [argument.order_by])
            order = "(" + "".join(f"{self.sorting(each, scope)}, " for each in by) + ")"
            argument = argument.target
        if is_a(argument, UnaryExpression) and argument.operator is operators.distinct_op:
            inner = f"set({self.value(argument.element, scope)} for {pattern} in g{where})"
        elif argument is None or str(argument) == "*":
            inner = f"(1 for {pattern} in g{where})"
        elif order and pattern is not None and pattern.isidentifier():
            inner = f"({self.value(argument, scope)} for {pattern} in sorted(g, key=lambda {pattern}: {order}){where})"
        elif order:
            inner = f"(x for _, x in sorted((({order}, {self.value(argument, scope)}) for {pattern} in g{where}), key=first))"
        else:
            inner = f"({self.value(argument, scope)} for {pattern} in g{where})"
        scope.grouped = pattern
        made = f"{AGGREGATES[name]}({inner})"
        return f"({made} or None)" if name == "json_agg" else made

    def _cast(self, node: Any, scope: Scope) -> str:
        inner = self.value(node.clause, scope)
        kind = node.type.__visit_name__.lower()
        if kind in {"integer", "biginteger", "big_integer", "bigint"}:
            return f"cast(int, {inner})"
        if kind in {"text", "string"}:
            return f"cast(str, {inner})"
        return inner

    def _case(self, node: Any, scope: Scope) -> str:
        source = "None" if node.else_ is None else self.value(node.else_, scope)
        for when, then in reversed(node.whens):
            source = f"({self.value(then, scope)} if {self.condition(when, scope)} else {source})"
        return source


def _joins(node: Any) -> bool:
    """Whether it is an AND or an OR of several."""
    return is_a(node, BooleanClauseList) and node.operator in {operators.and_, operators.or_}


def _literal(text: str) -> str:
    if text.startswith("'") or text.lstrip("-").isdigit():
        inner = text.strip("'")
        return {"[]": "[]", "{}": "{}"}.get(inner, repr(inner) if text.startswith("'") else text)
    if text.lower() in {"true", "false", "null"}:
        return {"true": "True", "false": "False", "null": "None"}[text.lower()]
    raise Unknown(f"text {text}")
