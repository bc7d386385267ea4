"""Events: what happened, listed newest first for whoever missed it."""

import msgspec

from hub.sandbox.answers import Json
from hub.sandbox.call import Call
from hub.sandbox.forms import Params
from hub.sandbox.lists import ListParams, page


class EventList(ListParams, kw_only=True):
    type: str | None = None
    types: list[str] | None = None


def get(call: Call, params: Params) -> Json:
    """One event."""
    del params
    return call.need("event", call.ids[0])


def find(call: Call, params: EventList) -> Json:
    """The caller's events, newest first."""
    several = None if params.types is None else msgspec.json.encode(params.types).decode()
    conditions = [("$.type", "=", params.type), ("$.type", "IN (SELECT value FROM json_each(?))", several)]
    return page(call, "event", "/v1/events", params, conditions)
