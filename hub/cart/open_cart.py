"""Opens carts: all that wait in one transaction. The customer is the transaction's actor."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.cart import store
from hub.cart.change import OfferId, Quantity, check, known
from hub.cart.rules import CART_DAYS, CartRules, check_quantity
from hub.cart.view import CartView, show_cart
from hub.catalog import store as catalog
from hub.catalog.model import Sellable
from hub.runtime.database import Tx
from hub.runtime.together import Duty, Locked, Together


class OpenCart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cart to be opened, with quantities by offer to begin with; its currency is the marketplace's where nothing is said."""

    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$", min_length=3, max_length=3)] | None = None
    lines: Annotated[dict[OfferId, Quantity], Meta(max_length=100)] = {}


Shelves = Mapping[str, Sellable]
"""What there is to put into carts, by id."""


class Open(Duty[OpenCart, Shelves]):
    """To open a cart."""

    def __init__(self, rules: CartRules) -> None:
        self._rules = rules

    async def look_up(self, tx: Tx, wanted: Sequence[OpenCart], _: Locked = "first") -> Shelves:
        ids = {offer_id for cart in wanted for offer_id in cart.lines}
        return await catalog.with_vendors(tx, ids) if ids else {}

    async def one(self, tx: Tx, known: Shelves, wanted: OpenCart) -> CartView:
        return make(tx, self._rules, known, wanted)


Opening = Together[OpenCart, Shelves]


async def open_cart(tx: Tx, rules: CartRules, wanted: OpenCart) -> CartView:
    """A new cart, alone. Raises as `make` does."""
    return make(tx, rules, await Open(rules).look_up(tx, [wanted]), wanted)


def make(tx: Tx, rules: CartRules, shelves: Shelves, wanted: OpenCart) -> CartView:
    """A new cart with `wanted.lines` in it. Raises as `put_line` does."""
    currency = wanted.currency or rules.currency
    for others, (offer_id, quantity) in enumerate(wanted.lines.items()):
        check_quantity(rules, quantity, f"/lines/{offer_id}")
        check(rules, currency, others, known(shelves, offer_id))
    cart = store.put_cart(tx, tx.actor.id, currency, CART_DAYS, wanted.lines)
    return show_cart(cart, dict(sorted(wanted.lines.items())), shelves)
