"""Place an order from a quote: check that the quote still holds, write the order, start its saga, all in one transaction."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hub.cart import store as carts
from hub.catalog import store as catalog
from hub.catalog.model import OfferState
from hub.checkout import course
from hub.checkout.saga import PHYSICAL
from hub.checkout.timing import Timing
from hub.kernel.errors import Conflict
from hub.kernel.text import END
from hub.liveness import look
from hub.orders import store
from hub.orders.model import Order
from hub.orders.place import Choice, Tariff, place
from hub.payments import store as payments
from hub.pricing.commission import Commission
from hub.pricing.quote import Quote
from hub.runtime.database import Tx
from hub.vendors import store as vendors


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a buyer sends. `shipping` maps vendor to the chosen option; the cheapest where nothing is said.

    `payment_method` is one of the provider's (``pm_…``), or ``bank_transfer`` to pay by invoice. With `save_payment_method`
    the buyer agrees that it is used again later.
    """

    quote_id: Annotated[str, Meta(min_length=1, max_length=64)]
    payment_method: Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^(pm_[A-Za-z0-9_]+|bank_transfer)" + END)]
    save_payment_method: bool = False
    shipping: Annotated[dict[str, Annotated[str, Meta(max_length=64)]], Meta(max_length=100)] = {}
    on_shortage: Literal["partial", "cancel"] = "partial"


async def begin(tx: Tx, timing: Timing, commission: Commission, wanted: PlaceOrder, *, now: datetime) -> Order:
    """The new order.

    Raises `NotFound` for another customer's quote and `Conflict`: ``quote_expired``, ``quote_used``, ``stale_price``,
    ``offer_unavailable``, ``sold_out``, ``coupon_used_up``.
    """
    quote = await carts.load_quote(tx, wanted.quote_id, tx.actor.id)
    if quote.expires_at <= now:
        raise Conflict("quote_expired", "the quote has expired; ask for a new one", field="/quote_id")
    await carts.mark_ordered(tx, quote.cart_id)
    await _check_prices(tx, quote)
    codes = [part.vendor for part in quote.parts]
    terms = await vendors.terms_of(tx, codes)
    prospects = await look.prospects(tx, timing.watch, codes)
    for part in quote.parts:
        if not (terms[part.vendor].sells and prospects[part.vendor].sold):
            raise Conflict("offer_unavailable", f"{part.vendor_name} does not sell now", vendor=part.vendor)
    choice = Choice(payment_method=wanted.payment_method, shipping=wanted.shipping, on_shortage=wanted.on_shortage)
    order = await place(tx, quote, choice, PHYSICAL, Tariff(commission=commission, vendors=terms), now)
    await payments.open_payment(
        tx,
        order_id=order.id,
        method=wanted.payment_method,
        amount=order.total,
        currency=order.currency,
        customer_id=order.customer_id,
        save=wanted.save_payment_method,
    )
    await course.proceed(tx, timing, order.id)
    return await store.load(tx, order.id)


async def _check_prices(tx: Tx, quote: Quote) -> None:
    quoted = [line for part in quote.parts for line in part.lines]
    offers = await catalog.offers_by_id(tx, [line.offer_id for line in quoted])
    for line in quoted:
        now = offers.get(line.offer_id)
        if now is None or now.state is not OfferState.ACTIVE:
            raise Conflict("offer_unavailable", f"{line.title} is no longer offered", offer_id=line.offer_id)
        if (now.price, now.shipping_price) != (line.unit_price, line.shipping_price):
            raise Conflict(
                "stale_price", f"the price of {line.title} has changed; ask for a new quote", field="/quote_id", offer_id=line.offer_id
            )
