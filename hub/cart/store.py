"""The only reader and writer of carts and quotes."""

import msgspec
from sqlalchemy import delete, func, insert, select, update
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


async def open_cart(tx: Tx, customer_id: str, currency: str, days: int) -> str:
    """A new cart that is kept for `days`; its id."""
    cart_id = tx.ids.new("cart")
    expires = func.now() + func.make_interval(0, 0, 0, days)
    await tx.execute(insert(carts).values(id=cart_id, customer_id=customer_id, currency=currency, expires_at=expires))
    return cart_id


async def load_cart(tx: Tx, cart_id: str, customer_id: str, *, lock: bool = False) -> Cart:
    """A customer's cart. Raises `NotFound` (``unknown_cart``), also for another customer's or an expired one."""
    c = carts.c
    query = select(c.id, c.currency, c.state, c.version).where(c.id == cart_id, c.customer_id == customer_id, c.expires_at > func.now())
    row = await tx.row(query.with_for_update() if lock else query)
    if row is None:
        raise NotFound("unknown_cart", f"no cart {cart_id}")
    return msgspec.convert(row, Cart, from_attributes=True)


async def lines_of(tx: Tx, cart_id: str) -> dict[str, int]:
    """Quantity by offer, in the order in which they were put in."""
    line = cart_lines.c
    found = await tx.rows(select(line.offer_id, line.quantity).where(line.cart_id == cart_id).order_by(line.added_at, line.offer_id))
    return {row.offer_id: row.quantity for row in found}


async def put_line(tx: Tx, cart_id: str, offer_id: str, quantity: int) -> None:
    """So many of an offer; the cart is a version further."""
    fresh = pg_insert(cart_lines).values(cart_id=cart_id, offer_id=offer_id, quantity=quantity)
    await tx.execute(fresh.on_conflict_do_update(index_elements=["cart_id", "offer_id"], set_={"quantity": quantity}))
    await _touch(tx, cart_id)


async def remove_line(tx: Tx, cart_id: str, offer_id: str) -> bool:
    """None of an offer; False if there was none."""
    line = cart_lines.c
    gone = await tx.execute(delete(cart_lines).where(line.cart_id == cart_id, line.offer_id == offer_id))
    if gone:
        await _touch(tx, cart_id)
    return bool(gone)


async def mark_ordered(tx: Tx, cart_id: str) -> None:
    """The cart became an order. Raises `Conflict` (``cart_ordered``) if it did already: of two twins one waits, then fails here."""
    c = carts.c
    mine = update(carts).where(c.id == cart_id, c.state == "open")
    if not await tx.execute(mine.values(state="ordered", version=c.version + 1)):
        raise Conflict("cart_ordered", "this cart has been ordered")


async def save_quote(tx: Tx, quote: Quote) -> None:
    """Keep a quote as it was given."""
    await tx.execute(
        insert(quotes).values(
            id=quote.id,
            cart_id=quote.cart_id,
            customer_id=quote.customer_id,
            currency=quote.currency,
            body=msgspec.to_builtins(quote),
            expires_at=quote.expires_at,
        )
    )


async def load_quote(tx: Tx, quote_id: str, customer_id: str) -> Quote:
    """A customer's quote, expired or not. Raises `NotFound` (``unknown_quote``), also for another customer's."""
    q = quotes.c
    body = await tx.scalar(select(q.body).where(q.id == quote_id, q.customer_id == customer_id))
    if body is None:
        raise NotFound("unknown_quote", f"no quote {quote_id}")
    return msgspec.convert(body, Quote)


async def _touch(tx: Tx, cart_id: str) -> None:
    await tx.execute(update(carts).where(carts.c.id == cart_id).values(version=carts.c.version + 1))
