"""Place an order from a quote: check that the quote still holds, write the order, start its saga, all in one transaction."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hub.catalog.model import Offer, OfferState
from hub.checkout import course
from hub.checkout.known import Known
from hub.checkout.saga import PHYSICAL
from hub.checkout.timing import Timing
from hub.kernel.errors import Conflict, Invalid
from hub.kernel.money import Money
from hub.kernel.text import END
from hub.orders import store
from hub.orders.model import Order
from hub.orders.place import Choice, Tariff, demand, place
from hub.payments import store as payments
from hub.pricing.quote import Quote
from hub.runtime.database import Tx


class Consent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far the buyer lets others deliver what a vendor does not.

    `price_limit` is the most that the whole order may come to then; without it, no more than it costs now. What others
    deliver must have arrived by `arrive_by` (a day, in UTC).
    """

    price_limit: Money | None = None
    arrive_by: date | None = None


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a buyer sends. `shipping` maps vendor to the chosen option; the cheapest where nothing is said.

    `on_shortage` says what becomes of what a vendor does not deliver: another vendor's offer of the same thing takes its
    place (``reroute``, within `reroute`) or, where there is none, as for ``partial``: it is not charged and the rest goes
    on; ``cancel``: all or nothing.

    `payment_method` is one of the provider's (``pm_…``), or ``bank_transfer`` to pay by invoice. With `save_payment_method`
    the buyer agrees that it is used again later.
    """

    quote_id: Annotated[str, Meta(min_length=1, max_length=64)]
    payment_method: Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^(pm_[A-Za-z0-9_]+|bank_transfer)" + END)]
    save_payment_method: bool = False
    shipping: Annotated[dict[str, Annotated[str, Meta(max_length=64)]], Meta(max_length=100)] = {}
    on_shortage: Literal["reroute", "partial", "cancel"] = "partial"
    reroute: Consent | None = None


async def begin(tx: Tx, timing: Timing, known: Known, wanted: PlaceOrder, *, now: datetime) -> Order:
    """The new order, written with the transaction of which `tx` is a member.

    Raises `NotFound` for another customer's quote, `Invalid` for a consent that makes no sense, and `Conflict`:
    ``quote_expired``, ``cart_ordered``, ``stale_price``, ``offer_unavailable``, ``sold_out``, ``coupon_used_up``.
    """
    quote = known.quote(wanted.quote_id, tx.actor.id)
    if quote.expires_at <= now:
        raise Conflict("quote_expired", "the quote has expired; ask for a new one", field="/quote_id")
    known.require_open(quote.cart_id)
    _check_prices(quote, known.shelf.offers)
    for part in quote.parts:
        if not known.vendors[part.vendor].sells:
            raise Conflict("offer_unavailable", f"{part.vendor_name} does not sell now", vendor=part.vendor)
    _check_consent(wanted, quote, now)
    limit = wanted.reroute.price_limit if wanted.reroute else None
    choice = Choice(
        payment_method=wanted.payment_method,
        shipping=wanted.shipping,
        on_shortage=wanted.on_shortage,
        price_limit=limit.amount if limit else None,
        arrive_by=wanted.reroute.arrive_by if wanted.reroute else None,
    )
    order = await place(tx, quote, choice, PHYSICAL, Tariff(commission=timing.commission, vendors=known.vendors), now)
    known.shelf.take([demand(line) for sub in order.sub_orders for line in sub.lines])
    tx.wrote = True  # what is taken is remembered: whatever refuses from here on takes the whole transaction with it
    payments.open_payment(
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


def _check_consent(wanted: PlaceOrder, quote: Quote, now: datetime) -> None:
    consent = wanted.reroute
    if consent is None:
        return
    if wanted.on_shortage != "reroute":
        raise Invalid("no_reroute", "limits make sense with on_shortage reroute alone", field="/reroute")
    if consent.price_limit is not None and consent.price_limit.currency != quote.currency:
        raise Invalid("wrong_currency", f"the quote is in {quote.currency}", field="/reroute/price_limit/currency")
    if consent.arrive_by is not None and consent.arrive_by <= now.astimezone(UTC).date():
        raise Invalid("arrive_by_past", "nothing can arrive by then", field="/reroute/arrive_by")


def _check_prices(quote: Quote, offers: Mapping[str, Offer]) -> None:
    quoted = [line for part in quote.parts for line in part.lines]
    for line in quoted:
        now = offers.get(line.offer_id)
        if now is None or now.state is not OfferState.ACTIVE:
            raise Conflict("offer_unavailable", f"{line.title} is no longer offered", offer_id=line.offer_id)
        if (now.price, now.shipping_price) != (line.unit_price, line.shipping_price):
            raise Conflict(
                "stale_price", f"the price of {line.title} has changed; ask for a new quote", field="/quote_id", offer_id=line.offer_id
            )
