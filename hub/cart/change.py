"""A customer's cart: filled, looked at. The customer is the transaction's actor."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.cart import store
from hub.cart.rules import CartRules, check_line, check_quantity
from hub.cart.view import CartView, show_cart
from hub.catalog import store as catalog
from hub.catalog.model import Sellable
from hub.kernel.errors import Conflict, NotFound
from hub.runtime.database import Tx
from hub.runtime.http import check_version

Quantity = Annotated[int, Meta(ge=1, le=1_000_000)]
OfferId = Annotated[str, Meta(min_length=1, max_length=64)]


class PutLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many of an offer, whatever there was before."""

    quantity: Quantity


async def look(tx: Tx, cart_id: str) -> CartView:
    """A cart at today's prices. Raises `NotFound` (``unknown_cart``)."""
    cart = await store.load_cart(tx, cart_id, tx.actor.id)
    lines = await store.lines_of(tx, cart_id)
    return show_cart(cart, lines, await catalog.offers_by_id(tx, lines))


async def put_line(tx: Tx, rules: CartRules, at: tuple[str, str], quantity: int, if_match: str | None) -> CartView:
    """So many of an offer; `at` is (cart id, offer id).

    Raises `NotFound` (``unknown_cart``, ``unknown_offer``), `Invalid` as `check_quantity` does, `Conflict` as `check_line` does and
    ``cart_ordered``, ``offer_unavailable``, ``version_mismatch``.
    """
    cart_id, offer_id = at
    cart = await _edit(tx, cart_id, if_match)
    check_quantity(rules, quantity, "/quantity")
    others = len((await store.lines_of(tx, cart_id)).keys() - {offer_id})
    await _put(tx, rules, cart, others, offer_id, quantity)
    return await look(tx, cart_id)


async def _put(tx: Tx, rules: CartRules, cart: store.Cart, others: int, offer_id: str, quantity: int) -> None:
    check(rules, cart.currency, others, known(await catalog.with_vendors(tx, [offer_id]), offer_id))
    await store.put_line(tx, cart.id, offer_id, quantity)


def known(offers: Mapping[str, Sellable], offer_id: str) -> Sellable:
    """The offer. Raises `NotFound` (``unknown_offer``)."""
    offer = offers.get(offer_id)
    if offer is None:
        raise NotFound("unknown_offer", f"no offer {offer_id}")
    return offer


def check(rules: CartRules, currency: str, others: int, offer: Sellable) -> None:
    """Raises `Conflict` as `check_line` does and ``offer_unavailable``."""
    if not offer.sold:
        raise Conflict("offer_unavailable", f"{offer.title} is not for sale now", offer_id=offer.id)
    check_line(rules, currency, offer, others)


async def remove_line(tx: Tx, at: tuple[str, str], if_match: str | None) -> CartView:
    """None of an offer. Raises `NotFound` (``unknown_cart``, ``unknown_line``), `Conflict` (``cart_ordered``, ``version_mismatch``)."""
    cart_id, offer_id = at
    await _edit(tx, cart_id, if_match)
    if not await store.remove_line(tx, cart_id, offer_id):
        raise NotFound("unknown_line", f"the cart has nothing of {offer_id}")
    return await look(tx, cart_id)


async def _edit(tx: Tx, cart_id: str, if_match: str | None) -> store.Cart:
    cart = await store.load_cart(tx, cart_id, tx.actor.id, lock=True)
    cart.require_open()
    check_version(if_match, cart.version)
    return cart
