"""Dead letters, the books and the laws over HTTP, for operators."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get
from litestar.params import PathParameter
from sqlalchemy import select

from hub.checkout import look
from hub.kernel.errors import NotFound
from hub.ledger import store as ledger
from hub.ledger.store import Entry
from hub.ops import invariants
from hub.ops.invariants import Breach
from hub.orders import store as orders
from hub.orders.view import OrderView
from hub.runtime import story
from hub.runtime.callers import OPERATORS
from hub.runtime.database import Tx
from hub.runtime.dead_letters import dead_letters
from hub.runtime.http import BEARER, Reading, refuses
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of
from hub.runtime.story import Moment

Id = Annotated[str, PathParameter(max_length=64)]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """Something given up on, as it was."""

    id: str
    source: str
    target: str
    kind: str
    step_id: str | None
    saga_id: str | None
    reason: str
    detail: str
    headers: dict[str, Any]
    payload: str
    attempts: int
    fingerprint: str
    state: str
    created_at: datetime


_COLUMNS = [dead_letters.c[name] for name in DeadLetter.__struct_fields__]


class OperationsController(Controller):
    """What went wrong, and where the money is."""

    path = "/v1/admin"
    tags = ["operations"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("/dead-letters", responses=refuses())
    async def dead_letters(self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None) -> Response[Page[DeadLetter]]:
        """What was given up on, newest first."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[DeadLetter]:
            query = select(*_COLUMNS).order_by(dead_letters.c.id.desc()).limit(limit + 1)
            letters = await tx.all(query if after is None else query.where(dead_letters.c.id < after), DeadLetter)
            return page(letters, limit, lambda letter: letter.id)

        return await read(found)

    @get("/dead-letters/{letter_id:str}", responses=refuses(404))
    async def dead_letter(self, letter_id: Id, read: Reading) -> Response[DeadLetter]:
        """One of them."""

        async def found(tx: Tx) -> DeadLetter:
            letter = await tx.one(select(*_COLUMNS).where(dead_letters.c.id == letter_id), DeadLetter)
            if letter is None:
                raise NotFound("unknown_dead_letter", f"no dead letter {letter_id}")
            return letter

        return await read(found)

    @get("/orders/{order_id:str}", responses=refuses(404))
    async def order(self, order_id: Id, read: Reading) -> Response[OrderView]:
        """Any order."""

        async def found(tx: Tx) -> OrderView:
            return await look.view(tx, await orders.load(tx, order_id))

        return await read(found)

    @get("/orders/{order_id:str}/timeline", responses=refuses(404))
    async def timeline(self, order_id: Id, read: Reading) -> Response[list[Moment]]:
        """Any order's story."""

        async def found(tx: Tx) -> list[Moment]:
            await orders.load(tx, order_id)
            return await story.of_saga(tx, order_id)

        return await read(found)

    @get("/orders/{order_id:str}/ledger", responses=refuses(404))
    async def postings(self, order_id: Id, read: Reading) -> Response[list[Entry]]:
        """An order's money, posting by posting."""

        async def found(tx: Tx) -> list[Entry]:
            await orders.load(tx, order_id)
            return await ledger.of_order(tx, order_id)

        return await read(found)

    @get("/invariants", responses=refuses())
    async def laws(self, read: Reading) -> Response[list[Breach]]:
        """Check the laws now; an empty list is good."""
        return await read(invariants.check)
