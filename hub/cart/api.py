"""Carts and quotes over HTTP, for customers."""

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from hub.cart import change
from hub.cart.ask_price import Asked, Asking, AskPrice
from hub.cart.change import PutLine
from hub.cart.open_cart import OpenCart, Opening
from hub.cart.rules import CartRules
from hub.cart.store import load_quote
from hub.cart.view import CartView, QuoteView, show_quote
from hub.runtime.callers import BUYERS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, IfMatch, Reading, Writing, refuses, refuses_act, refuses_write


class CartController(Controller):
    """What a customer gathers; another customer's cart is not there."""

    path = "/v1/carts"
    tags = ["carts"]  # noqa: RUF012  # litestar's shape
    guards = [BUYERS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @post("", responses=refuses_write(404))
    async def open(self, data: JSONBody[OpenCart], write: Writing, opening: NamedDependency[Opening]) -> Response[CartView]:
        """Open a cart."""
        return await write.together(lambda asker: opening(asker, data))

    @get("/{cart_id:str}", responses=refuses(404))
    async def one(self, cart_id: FromPath[str], read: Reading) -> Response[CartView]:
        """A cart at today's prices."""
        return await read(lambda tx: change.look(tx, cart_id))

    @put("/{cart_id:str}/lines/{offer_id:str}", responses=refuses_write(404, 412))
    async def put_line(  # litestar passes each by name
        self,
        cart_id: FromPath[str],
        offer_id: FromPath[str],
        data: JSONBody[PutLine],
        write: Writing,
        cart_rules: NamedDependency[CartRules],
        if_match: IfMatch = None,
    ) -> Response[CartView]:
        """Put so many of an offer into the cart, whatever there was before."""
        return await write(lambda tx: change.put_line(tx, cart_rules, (cart_id, offer_id), data.quantity, if_match))

    @delete("/{cart_id:str}/lines/{offer_id:str}", status_code=200, responses=refuses_act(404, 412))
    async def remove_line(
        self, cart_id: FromPath[str], offer_id: FromPath[str], write: Writing, if_match: IfMatch = None
    ) -> Response[CartView]:
        """Take an offer out of the cart."""
        return await write(lambda tx: change.remove_line(tx, (cart_id, offer_id), if_match))

    @post("/{cart_id:str}/quotes", responses=refuses_write(404))
    async def quote(
        self, cart_id: FromPath[str], data: JSONBody[AskPrice], write: Writing, asking: NamedDependency[Asking]
    ) -> Response[QuoteView]:
        """Ask what the cart costs, delivered to an address."""
        return await write.together(lambda asker: asking(asker, Asked(cart_id, data)))


class QuoteController(Controller):
    """What carts cost."""

    path = "/v1/quotes"
    tags = ["carts"]  # noqa: RUF012  # litestar's shape
    guards = [BUYERS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("/{quote_id:str}", responses=refuses(404))
    async def one(self, quote_id: FromPath[str], read: Reading) -> Response[QuoteView]:
        """A quote as it was given."""

        async def found(tx: Tx) -> QuoteView:
            return show_quote(await load_quote(tx, quote_id, tx.actor.id))

        return await read(found)
