"""Owns how orders are placed: all that wait in one transaction."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from hub.cart import store as carts
from hub.checkout import look
from hub.checkout.begin import PlaceOrder, begin
from hub.checkout.known import Known, look_up
from hub.checkout.timing import Timing
from hub.inventory import promise
from hub.orders.view import OrderView
from hub.runtime.database import Tx
from hub.runtime.together import Duty, Locked, Together


class Wish(msgspec.Struct, frozen=True):
    """An order to be placed, asked for at `now`."""

    order: PlaceOrder
    now: datetime


class Place(Duty[Wish, Known]):
    """To place an order; what is answered is the order as its buyer sees it."""

    locks = True

    def __init__(self, timing: Timing) -> None:
        self._timing = timing

    async def look_up(self, tx: Tx, wanted: Sequence[Wish], locked: Locked) -> Known:
        return await look_up(tx, self._timing, [wish.order.quote_id for wish in wanted], locked)

    async def one(self, tx: Tx, known: Known, wanted: Wish) -> OrderView:
        order = await begin(tx, self._timing, known, wanted.order, now=wanted.now)
        cart_id = known.quoted[order.quote_id].body.cart_id
        carts.put_ordered(tx, cart_id)
        known.ordered.add(cart_id)
        return await look.view(tx, order)

    async def keep(self, tx: Tx, known: Known) -> None:
        await promise.keep(tx, known.shelf)


Placing = Together[Wish, Known]
