"""What a cart may hold."""

import msgspec

from hub.catalog.model import Offer
from hub.kernel.errors import Conflict, Invalid
from hub.liveness.rules import Watch
from hub.pricing.promotions import Promotions
from hub.pricing.tax import TaxRates

CART_DAYS = 30


class CartRules(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of carts and the terms of quotes; `quote_seconds` is how long a quote is good."""

    currency: str
    lines_max: int
    quantity_max: int
    quote_seconds: float
    rates: TaxRates
    promotions: Promotions = Promotions()
    watch: Watch = Watch()


def check_quantity(rules: CartRules, quantity: int, field: str) -> None:
    """Raises `Invalid` (``quantity_too_large``) for what stands at `field` of the body."""
    if quantity > rules.quantity_max:
        raise Invalid("quantity_too_large", f"at most {rules.quantity_max} of one offer", field=field, quantity_max=rules.quantity_max)


def check_line(rules: CartRules, currency: str, offer: Offer, others: int) -> None:
    """Raises `Conflict` (``wrong_currency``, ``too_many_lines``); `others` are the other lines."""
    if offer.currency != currency:
        raise Conflict("wrong_currency", f"the cart is in {currency}, the offer in {offer.currency}", offer_id=offer.id)
    if others >= rules.lines_max:
        raise Conflict("too_many_lines", f"at most {rules.lines_max} lines in one cart", lines_max=rules.lines_max)
