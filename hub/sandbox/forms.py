"""Form bodies as Stripe reads them: nested brackets become mappings and lists, then a typed struct or a refusal."""

import re
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl

import msgspec

from hub.sandbox.answers import Problem, invalid

BRACKETS = re.compile(r"\[([^\]]*)\]")
FIELD = re.compile(r"`\$\.([^`]*)`")
NAMED = re.compile(r"field `([^`]*)`")


class Params(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What an endpoint takes. Values arrive as text and are read as the annotated types."""

    expand: list[str] = msgspec.field(default_factory=list[str])


P = TypeVar("P", bound=Params)


def decode(text: str) -> dict[str, Any]:
    """``a[b]=1&c[]=2&c[]=3&d[0]=4`` as nested mappings and lists of text."""
    tree: dict[str, Any] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        head = key.split("[", 1)[0]
        path = [head, *BRACKETS.findall(key)]
        here = tree
        for part in path[:-1]:
            branch: Any = here.setdefault(part or str(len(here)), {})
            if not isinstance(branch, dict):
                raise invalid(f"Invalid parameter: {key}", param=head)
            here = cast("dict[str, Any]", branch)
        here[path[-1] or str(len(here))] = value
    return {key: _lists(value) for key, value in tree.items()}


def read(tree: dict[str, Any], shape: type[P]) -> P:
    """The decoded form as `shape`. Raises `Problem` in Stripe's words where it does not fit."""
    try:
        return msgspec.convert(tree, shape, strict=False)
    except msgspec.ValidationError as error:
        raise _explain(str(error)) from None


def _explain(complaint: str) -> Problem:
    param = (NAMED.search(complaint) or FIELD.search(complaint) or (None, ""))[1]
    if "unknown field" in complaint:
        return invalid(f"Received unknown parameter: {param}", param=param, code="parameter_unknown")
    if "missing required" in complaint:
        return invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")
    if "`int`" in complaint:
        return invalid(f"Invalid integer: {param}", param=param, code="parameter_invalid_integer")
    return invalid(f"Invalid {param}: {complaint}", param=param)


def _lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    branch = {key: _lists(value) for key, value in cast("dict[str, Any]", node).items()}
    if branch and all(key.isdigit() for key in branch):
        return list(branch.values())
    return branch
