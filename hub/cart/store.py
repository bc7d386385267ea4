"""The only reader and writer of carts and quotes."""

from collections.abc import Collection, Mapping

import msgspec
from sqlalchemy import Integer, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub.cart.tables import cart_lines, carts, quotes
from hub.catalog.model import Offer
from hub.catalog.store import OFFER
from hub.catalog.tables import offers, products, variants
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


_PUT_NEW = insert(cart_lines)
_OPEN = insert(carts).values(expires_at=func.now() + func.make_interval(0, 0, 0, bindparam("days", type_=Integer)))


def put_cart(tx: Tx, customer_id: str, currency: str, days: int, lines: Mapping[str, int]) -> Cart:
    """A new cart that is kept for `days`, with quantities by offer."""
    cart = Cart(id=tx.ids.new("cart"), currency=currency, state="open", version=1)
    tx.put(_OPEN, {"id": cart.id, "customer_id": customer_id, "currency": currency, "days": days})
    for offer_id, quantity in lines.items():
        tx.put(_PUT_NEW, {"cart_id": cart.id, "offer_id": offer_id, "quantity": quantity})
    return cart


_c = carts.c
_ONE = select(_c.id, _c.currency, _c.state, _c.version, func.now().label("began")).where(
    _c.id == bindparam("cart"), _c.customer_id == bindparam("customer"), _c.expires_at > func.now()
)
_ONE_LOCKED = _ONE.with_for_update()


async def load_cart(tx: Tx, cart_id: str, customer_id: str, *, lock: bool = False) -> Cart:
    """A customer's cart. Raises `NotFound` (``unknown_cart``), also for another customer's or an expired one."""
    row = await tx.row(_ONE_LOCKED if lock else _ONE, {"cart": cart_id, "customer": customer_id})
    if row is None:
        raise NotFound("unknown_cart", f"no cart {cart_id}")
    tx.began = row.began
    return msgspec.convert(row, Cart, from_attributes=True)


_line = cart_lines.c
_LINES = select(_line.offer_id, _line.quantity).where(_line.cart_id == bindparam("cart")).order_by(_line.added_at, _line.offer_id)


async def lines_of(tx: Tx, cart_id: str) -> dict[str, int]:
    """Quantity by offer, in the order in which they were put in."""
    return {row.offer_id: row.quantity for row in await tx.rows(_LINES, {"cart": cart_id})}


class Gathered(msgspec.Struct, frozen=True):
    """A cart, whose it is, and how many of which offers are in it, in the order in which they were put in."""

    cart: Cart
    customer_id: str
    lines: list[tuple[Offer, int]]


_GATHERED = (
    select(
        _c.id.label("cart"),
        _c.customer_id,
        _c.currency.label("cart_currency"),
        _c.state.label("cart_state"),
        _c.version.label("cart_version"),
        func.now().label("began"),
        _line.quantity,
        *OFFER,
    )
    .select_from(
        carts.outerjoin(cart_lines, _line.cart_id == _c.id)
        .outerjoin(offers, offers.c.id == _line.offer_id)
        .outerjoin(variants, variants.c.id == offers.c.variant_id)
        .outerjoin(products, products.c.id == variants.c.product_id)
    )
    .where(_c.id.in_(bindparam("carts", expanding=True)), _c.expires_at > func.now())
    .order_by(_line.added_at, _line.offer_id)
)


async def gathered(tx: Tx, cart_ids: Collection[str]) -> dict[str, Gathered]:
    """These carts; unknown and expired ones are left out."""
    found: dict[str, Gathered] = {}
    for row in await tx.rows(_GATHERED, {"carts": sorted(set(cart_ids))}):
        tx.began = row.began
        one = found.get(row.cart)
        if one is None:
            cart = Cart(id=row.cart, currency=row.cart_currency, state=row.cart_state, version=row.cart_version)
            one = found[row.cart] = Gathered(cart, row.customer_id, [])
        if row.id is not None:
            one.lines.append((msgspec.convert(row, Offer, from_attributes=True), row.quantity))
    return found


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


def put_ordered(tx: Tx, cart_id: str) -> None:
    """The cart, which is locked, became an order."""
    tx.later(_TOUCH, cart_id, {"cart": cart_id, "state": "ordered"})


_q = quotes.c
_SAVE_QUOTE = insert(quotes)
_QUOTE = select(_q.body).where(_q.id == bindparam("quote"), _q.customer_id == bindparam("customer"))


def put_quote(tx: Tx, quote: Quote) -> None:
    """Keep a quote as it was given."""
    tx.put(
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


class Quoted(msgspec.Struct, frozen=True):
    """A quote, whose it is, and how its cart stands: ``open``, ``ordered``, or None where it is kept no more."""

    id: str
    customer_id: str
    body: Quote
    state: str | None


_QUOTED = (
    select(_q.id, _q.customer_id, _q.body, _c.state)
    .join_from(quotes, carts, _c.id == _q.cart_id)
    .where(_q.id.in_(bindparam("quotes", expanding=True)))
    .order_by(_c.id)
    .with_for_update(of=carts)
)


async def quotes_locked(tx: Tx, quote_ids: Collection[str]) -> list[Quoted]:
    """These quotes, with their carts locked in the one order; unknown ones are left out, and those whose cart is kept no more."""
    return await tx.all(_QUOTED, Quoted, {"quotes": sorted(set(quote_ids))})


async def _touch(tx: Tx, cart_id: str) -> None:
    await tx.execute(_TOUCH, {"cart": cart_id})
