"""CHECK constraints and the conditions of partial indexes, which are SQL text, as Python over a row."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from hub.simulation.postgres.values import split_part
from hub.simulation.postgres.views import Row

Condition = Callable[[Row], Any]

_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|\d+|[A-Za-z_][\w.]*|<>|<=|>=|[-+*=<>(),])")
_WORDS = {
    "=": "==",
    "<>": "!=",
    "AND": "and",
    "OR": "or",
    "NOT": "not",
    "NULL": "None",
    "IS": "is",
    "IN": "in",
    "TRUE": "True",
    "FALSE": "False",
}
FUNCTIONS: dict[str, Any] = {"__builtins__": {}, "least": min, "greatest": max, "split_part": split_part}
FOREIGN = ("~", "<@", "CASE")
"""What is not read here; such a check is kept by PostgreSQL alone (a test gives it whole worlds to look at)."""


def condition(sql: str, position: Mapping[str, int]) -> Condition | None:
    """The condition over a row's columns, or None where it says something `FOREIGN`. NULL is neither true nor false: None."""
    if any(word in sql for word in FOREIGN):
        return None
    known, source = expression(sql, position)
    meant: Condition = eval(f"lambda r: {source}", dict(FUNCTIONS))  # noqa: S307  # our own tables' conditions
    if known:
        return meant

    def holds(row: Row) -> Any:
        try:
            return meant(row)
        except TypeError:  # arithmetic with a None
            return None

    return holds


def expression(sql: str, position: Mapping[str, int]) -> tuple[bool, str]:
    """A condition as Python over a row ``r``, and whether it minds NULL by itself: else it may raise `TypeError`."""
    between = re.sub(r"(\w+) BETWEEN (\w+) AND (\w+)", r"(\2 <= \1 AND \1 <= \3)", sql)
    source = " ".join(_python(token, position) for token in _tokens(between))
    source = re.sub(r"in \( ((?:'[^']*'(?: , )?)+) \)", r"in ( \1, )", source)
    places = sorted({position[token] for token in _tokens(between) if token in position})
    if " IS " not in between:  # then NULL in any of its columns makes it NULL, and nothing has to be caught
        unknown = " or ".join(f"r[{place}] is None" for place in places)
        return True, f"(None if {unknown} else ({source}))"
    return False, source


def _tokens(sql: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(sql.rstrip()):
        match = _TOKEN.match(sql, at)
        if match is None:
            raise ValueError(sql)
        found.append(match[1])
        at = match.end()
    return found


def _python(token: str, position: Mapping[str, int]) -> str:
    name = token.rpartition(".")[2]
    if name in position:
        return f"r[{position[name]}]"
    return _WORDS.get(token.upper(), token)
