"""Orders over HTTP, for buyers: place, look, follow, cancel."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, cast

import msgspec
from litestar import Controller, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, JSONBody, PathParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from hub.checkout import look
from hub.checkout.begin import PlaceOrder
from hub.checkout.cancel import cancel
from hub.checkout.pay_another_way import PayAnotherWay, pay_another_way
from hub.checkout.placing import Placing, Wish
from hub.checkout.timing import Timing
from hub.orders import store
from hub.orders.view import OrderView
from hub.runtime import story
from hub.runtime.callers import BUYERS
from hub.runtime.changes import Changes
from hub.runtime.database import Database, Tx
from hub.runtime.http import BEARER, Reading, Writing, refuses, refuses_write
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of
from hub.runtime.story import Moment

OrderId = Annotated[str, PathParameter(max_length=64)]
Prefer = Annotated[
    str | None, HeaderParameter(name="Prefer", description="`wait=N`: answer when checkout has ended, at most N seconds later (RFC 7240)")
]
LastEventId = Annotated[int, HeaderParameter(name="Last-Event-ID", ge=0, le=2**62, description="go on after this event")]


class Waiting(msgspec.Struct, frozen=True):
    """How a handler waits for an order to get on; `seconds_max` is the longest a buyer may ask for."""

    database: Database
    changes: Changes
    seconds_max: int

    async def answer(self, prefer: str | None, response: Response[OrderView]) -> Response[OrderView]:
        """The response, or with ``Prefer: wait=N`` the order as it stands when checkout has ended or the time is up."""
        wanted = re.search(r"\bwait\s*=\s*(\d{1,6})\b", prefer or "")
        if wanted is None:
            return response
        seconds = min(int(wanted[1]), self.seconds_max)
        order_id = msgspec.json.decode(cast("bytes", response.content), type=_Named).id
        order = await look.wait_for_checkout(self.database, self.changes, order_id, seconds)
        headers = {**response.headers, "Preference-Applied": f"wait={seconds}"}
        return Response(order, status_code=response.status_code, headers=headers)


class _Named(msgspec.Struct):
    id: str


class OrderController(Controller):
    """What a buyer has ordered."""

    path = "/v1/orders"
    tags = ["orders"]  # noqa: RUF012  # litestar's shape
    guards = [BUYERS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @post("", responses=refuses_write(404))
    async def place(
        self,
        data: JSONBody[PlaceOrder],
        write: Writing,
        waiting: NamedDependency[Waiting],
        placing: NamedDependency[Placing],
        prefer: Prefer = None,
    ) -> Response[OrderView]:
        """Place an order from a quote. It is durable when this answers; vendors and the payment provider follow."""
        now = datetime.now(UTC)  # noqa: TID251  # the edge is where time enters
        return await waiting.answer(prefer, await write.together(lambda asker: placing(asker, Wish(data, now))))

    @get("", responses=refuses())
    async def browse(self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None) -> Response[Page[OrderView]]:
        """The buyer's orders, newest first."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[OrderView]:
            orders = await store.of_customer(tx, tx.actor.id, after=after, limit=limit + 1)
            return page([await look.view(tx, order) for order in orders], limit, lambda order: order.id)

        return await read(found)

    @get("/{order_id:str}", responses=refuses(404))
    async def one(self, order_id: OrderId, read: Reading, waiting: NamedDependency[Waiting], prefer: Prefer = None) -> Response[OrderView]:
        """One order."""

        async def found(tx: Tx) -> OrderView:
            return await look.view(tx, await look.own(tx, order_id))

        return await waiting.answer(prefer, await read(found))

    @get("/{order_id:str}/timeline", responses=refuses(404))
    async def timeline(self, order_id: OrderId, read: Reading) -> Response[list[Moment]]:
        """Every transition: who, what, when, why."""

        async def found(tx: Tx) -> list[Moment]:
            await look.own(tx, order_id)
            return await story.of_saga(tx, order_id)

        return await read(found)

    @get("/{order_id:str}/events", responses=refuses(404), media_type="text/event-stream")
    async def events(
        self, order_id: OrderId, read: Reading, waiting: NamedDependency[Waiting], last_event_id: LastEventId = 0
    ) -> ServerSentEvent:
        """The timeline as it happens (server-sent events); ends when the order has ended."""

        async def owned(tx: Tx) -> str:
            return (await look.own(tx, order_id)).id

        await read(owned)

        async def stream() -> AsyncIterator[ServerSentEventMessage]:
            async for moments in look.follow(waiting.database, waiting.changes, order_id, last_event_id):
                for moment in moments:
                    text = msgspec.json.encode(moment).decode()
                    yield ServerSentEventMessage(id=moment.seq, event=f"{moment.life}.{moment.event}", data=text)
                if not moments:
                    yield ServerSentEventMessage(comment="still here")

        return ServerSentEvent(stream())

    @put("/{order_id:str}/payment", responses=refuses_write(404))
    async def pay(
        self, order_id: OrderId, data: JSONBody[PayAnotherWay], write: Writing, timing: NamedDependency[Timing]
    ) -> Response[OrderView]:
        """Pay an order that still waits for its payment in another way; the first is closed before the other is asked."""

        async def use_case(tx: Tx) -> OrderView:
            await look.own(tx, order_id)
            now = datetime.now(UTC)  # noqa: TID251  # the edge is where time enters
            return await look.view(tx, await pay_another_way(tx, timing, order_id, data, now=now))

        return await write(use_case)

    @post("/{order_id:str}/cancel", status_code=200, responses=refuses_write(404))
    async def cancel(self, order_id: OrderId, write: Writing) -> Response[OrderView]:
        """Cancel what has not shipped. Money already taken comes back as a refund."""

        async def use_case(tx: Tx) -> OrderView:
            await look.own(tx, order_id)
            return await look.view(tx, await cancel(tx, order_id))

        return await write(use_case)
