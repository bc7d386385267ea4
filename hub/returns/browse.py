"""Pages of returns."""

from typing import Annotated

from litestar.params import QueryParameter
from sqlalchemy import ColumnElement

from hub.returns import store
from hub.returns.states import ReturnState
from hub.returns.tables import returns
from hub.returns.view import ReturnView, return_view
from hub.runtime.database import Tx
from hub.runtime.pages import Page, page

InState = Annotated[ReturnState | None, QueryParameter(name="state")]


async def browse_returns(
    tx: Tx, *conditions: ColumnElement[bool], after: str | None, state: ReturnState | None, limit: int
) -> Page[ReturnView]:
    """Returns by conditions on `tables.returns`, newest first, those before the id `after`."""
    more = [] if after is None else [returns.c.id < after]
    more += [] if state is None else [returns.c.state == state]
    found = await store.where(tx, *conditions, *more, limit=limit + 1)
    return page([return_view(it) for it in found], limit, lambda it: it.id)
