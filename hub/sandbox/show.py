"""How a stored object leaves the sandbox: its own memory removed, what depends on the hour filled in, ids expanded."""

from typing import Any, cast

from hub.sandbox import balance, transfers
from hub.sandbox.answers import Json, invalid, public
from hub.sandbox.call import Call

DEPTH_MAX = 4
"""Stripe expands four levels deep."""


def show(call: Call, obj: Json, expand: list[str]) -> Json:
    """The object as the caller sees it, with the ids at the `expand` paths replaced by their objects."""
    shown = _as_of_now(call, obj)
    for path in expand:
        parts = path.split(".")
        if len(parts) > DEPTH_MAX:
            raise invalid(f"You cannot expand more than {DEPTH_MAX} levels of a property.", param="expand")
        _expand(call, shown, parts)
    return shown


def _as_of_now(call: Call, obj: Json) -> Json:
    shown = public(obj)
    match obj.get("object"):
        case "list" | "search_result":
            shown["data"] = [_as_of_now(call, one) for one in obj["data"]]
        case "balance_transaction":
            shown = balance.settled(shown, call.now)
        case "transfer":
            shown = transfers.with_reversals(call, shown)
        case _:
            pass
    return shown


def _expand(call: Call, node: Json, parts: list[str]) -> None:
    field, rest = parts[0], parts[1:]
    value: Any = node.get(field)
    if isinstance(value, str):
        found = call.store.get(value)
        if found is None:
            raise invalid(f"This property cannot be expanded ({field}).", param="expand")
        value = node[field] = _as_of_now(call, found)
    elif value is None and field not in node:
        raise invalid(f"This property cannot be expanded ({field}).", param="expand")
    if not rest or value is None:
        return
    branches = cast("list[Json]", value if isinstance(value, list) else [value])
    for branch in branches:
        _expand(call, branch, rest)
