"""Events: what happened, listed newest first for whoever missed it."""

from hub.sandbox.answers import Json
from hub.sandbox.call import Call
from hub.sandbox.forms import Params
from hub.sandbox.lists import ListParams, page


class EventList(ListParams, kw_only=True):
    type: str | None = None


def get(call: Call, params: Params) -> Json:
    """One event."""
    del params
    return call.need("event", call.ids[0])


def find(call: Call, params: EventList) -> Json:
    """The caller's events, newest first."""
    return page(call, "event", "/v1/events", params, [("$.type", "=", params.type)])
