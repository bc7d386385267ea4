"""Attempts at what is not the caller's, over HTTP, for operators."""

from datetime import date
from typing import Annotated

from litestar import Controller, Response, get
from litestar.params import QueryParameter

from hub.runtime import trespass
from hub.runtime.callers import OPERATORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, refuses
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of
from hub.runtime.trespass import Trespass

Who = Annotated[str | None, QueryParameter(name="who", max_length=100, description="as in the audit log: vendor:acme")]


class TrespassController(Controller):
    """Who tries what is not theirs."""

    path = "/v1/admin/trespasses"
    tags = ["operations"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def browse(self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None, who: Who = None) -> Response[Page[Trespass]]:
        """Who tried what, how often on which day, the newest days first."""
        after = position_of(cursor, tuple[date, str, str])

        async def found(tx: Tx) -> Page[Trespass]:
            kept = await trespass.browse(tx, who=who, after=after, limit=limit + 1)
            return page(kept, limit, lambda each: (each.day, each.who, each.what))

        return await read(found)
