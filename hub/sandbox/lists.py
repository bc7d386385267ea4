"""Lists as Stripe pages them: newest first, `limit`, `starting_after`, `ending_before`, `created` ranges."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.sandbox.answers import Json, public
from hub.sandbox.call import Call
from hub.sandbox.forms import Params
from hub.sandbox.store import Condition


class Range(msgspec.Struct, forbid_unknown_fields=True):
    """Bounds on a moment, unix seconds."""

    gt: int | None = None
    gte: int | None = None
    lt: int | None = None
    lte: int | None = None


class PageParams(Params, kw_only=True):
    """What every list takes."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 10
    starting_after: str | None = None
    ending_before: str | None = None


class ListParams(PageParams, kw_only=True):
    """What lists by date take."""

    created: int | Range | None = None


def page(call: Call, kind: str, url: str, params: PageParams, conditions: Sequence[Condition] = ()) -> Json:
    """One page of the caller's objects of a kind; conditions whose value is None do not apply."""
    dates = _created(params.created) if isinstance(params, ListParams) else []
    wanted = [condition for condition in (*conditions, *dates) if condition[2] is not None]
    cursor = None
    if params.starting_after is not None:
        cursor = ("<", call.need(kind, params.starting_after, "starting_after")["id"])
    elif params.ending_before is not None:
        cursor = (">", call.need(kind, params.ending_before, "ending_before")["id"])
    found, more = call.store.page(kind, call.account, wanted, params.limit, cursor)
    return listed([public(obj) for obj in found], url, more=more)


def listed(found: list[Json], url: str, *, more: bool = False) -> Json:
    """A list object."""
    return {"object": "list", "data": found, "has_more": more, "url": url}


def _created(created: int | Range | None) -> list[Condition]:
    if created is None:
        return []
    if isinstance(created, int):
        return [("$.created", "=", created)]
    return [
        ("$.created", ">", created.gt),
        ("$.created", ">=", created.gte),
        ("$.created", "<", created.lt),
        ("$.created", "<=", created.lte),
    ]
