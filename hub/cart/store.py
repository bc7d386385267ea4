"""The only reader and writer of carts and quotes."""

import msgspec
from sqlalchemy import Integer, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub.cart.tables import cart_lines, carts, quotes
from hub.kernel.errors import Conflict, NotFound
from hub.pricing.quote import Quote
from hub.runtime.database import Tx


class Cart(msgspec.Struct, frozen=True, kw_only=True):
    """A cart without its lines."""

    id: str
    currency: str
    state: str
    version: int

    def require_open(self) -> None:
        """Raises `Conflict` (``cart_ordered``)."""
        if self.state != "open":
            raise Conflict("cart_ordered", "this cart has been ordered")


_OPEN = insert(carts).values(expires_at=func.now() + func.make_interval(0, 0, 0, bindparam("days", type_=Integer)))


async def open_cart(tx: Tx, customer_id: str, currency: str, days: int) -> str:
    """A new cart that is kept for `days`; its id."""
    cart_id = tx.ids.new("cart")
    await tx.execute(_OPEN, {"id": cart_id, "customer_id": customer_id, "currency": currency, "days": days})
    return cart_id


_c = carts.c
_ONE = select(_c.id, _c.currency, _c.state, _c.version).where(
    _c.id == bindparam("cart"), _c.customer_id == bindparam("customer"), _c.expires_at > func.now()
)
_ONE_LOCKED = _ONE.with_for_update()


async def load_cart(tx: Tx, cart_id: str, customer_id: str, *, lock: bool = False) -> Cart:
    """A customer's cart. Raises `NotFound` (``unknown_cart``), also for another customer's or an expired one."""
    row = await tx.row(_ONE_LOCKED if lock else _ONE, {"cart": cart_id, "customer": customer_id})
    if row is None:
        raise NotFound("unknown_cart", f"no cart {cart_id}")
    return msgspec.convert(row, Cart, from_attributes=True)


_line = cart_lines.c
_LINES = select(_line.offer_id, _line.quantity).where(_line.cart_id == bindparam("cart")).order_by(_line.added_at, _line.offer_id)


async def lines_of(tx: Tx, cart_id: str) -> dict[str, int]:
    """Quantity by offer, in the order in which they were put in."""
    return {row.offer_id: row.quantity for row in await tx.rows(_LINES, {"cart": cart_id})}


_fresh = pg_insert(cart_lines)
_PUT = _fresh.on_conflict_do_update(index_elements=["cart_id", "offer_id"], set_={"quantity": _fresh.excluded.quantity})
_REMOVE = delete(cart_lines).where(_line.cart_id == bindparam("cart"), _line.offer_id == bindparam("offer"))


async def put_line(tx: Tx, cart_id: str, offer_id: str, quantity: int) -> None:
    """So many of an offer; the cart is a version further."""
    await tx.execute(_PUT, {"cart_id": cart_id, "offer_id": offer_id, "quantity": quantity})
    await _touch(tx, cart_id)


async def remove_line(tx: Tx, cart_id: str, offer_id: str) -> bool:
    """None of an offer; False if there was none."""
    gone = await tx.execute(_REMOVE, {"cart": cart_id, "offer": offer_id})
    if gone:
        await _touch(tx, cart_id)
    return bool(gone)


_TOUCH = update(carts).where(_c.id == bindparam("cart")).values(version=_c.version + 1)
_MARK_ORDERED = _TOUCH.where(_c.state == "open").values(state="ordered")


async def mark_ordered(tx: Tx, cart_id: str) -> None:
    """The cart became an order. Raises `Conflict` (``cart_ordered``) if it did already: of two twins one waits, then fails here."""
    if not await tx.execute(_MARK_ORDERED, {"cart": cart_id}):
        raise Conflict("cart_ordered", "this cart has been ordered")


_q = quotes.c
_SAVE_QUOTE = insert(quotes)
_QUOTE = select(_q.body).where(_q.id == bindparam("quote"), _q.customer_id == bindparam("customer"))


async def save_quote(tx: Tx, quote: Quote) -> None:
    """Keep a quote as it was given."""
    await tx.execute(
        _SAVE_QUOTE,
        {
            "id": quote.id,
            "cart_id": quote.cart_id,
            "customer_id": quote.customer_id,
            "currency": quote.currency,
            "body": msgspec.to_builtins(quote),
            "expires_at": quote.expires_at,
        },
    )


async def load_quote(tx: Tx, quote_id: str, customer_id: str) -> Quote:
    """A customer's quote, expired or not. Raises `NotFound` (``unknown_quote``), also for another customer's."""
    body = await tx.scalar(_QUOTE, {"quote": quote_id, "customer": customer_id})
    if body is None:
        raise NotFound("unknown_quote", f"no quote {quote_id}")
    return msgspec.convert(body, Quote)


async def _touch(tx: Tx, cart_id: str) -> None:
    await tx.execute(_TOUCH, {"cart": cart_id})
