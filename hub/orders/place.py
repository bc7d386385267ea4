"""Split a quote by vendor into an order; undone by `withdraw`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from hub.cart import coupons
from hub.inventory import promise
from hub.inventory.promise import Demand
from hub.kernel.errors import Invalid
from hub.kernel.saga import Saga
from hub.orders import store
from hub.orders.advance import SUB_ORDER_LIFE, advance
from hub.orders.model import Line, Order, SubOrder
from hub.orders.set_aside import was_set_aside
from hub.orders.states import FALLEN, OrderState, SubOrderEvent, SubOrderState
from hub.pricing.charge import SHIPPING, Fees, Goods, Item, Sale, charge
from hub.pricing.commission import Commission
from hub.pricing.quote import Part, Quote, ShippingOption
from hub.runtime import life
from hub.runtime.database import Tx
from hub.runtime.life import Move
from hub.vendors.model import Terms


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What the buyer decides when placing. `shipping` maps vendor to option; the cheapest where nothing is said."""

    payment_method: str
    shipping: Mapping[str, str]
    on_shortage: str
    price_limit: int | None = None
    arrive_by: date | None = None


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """What our commission is worked out with: the rules, and the vendors' own terms by code."""

    commission: Commission
    vendors: Mapping[str, Terms]


async def place(tx: Tx, quote: Quote, choice: Choice, saga: Saga, tariff: Tariff, now: datetime) -> Order:
    """Write order, sub-orders and lines, and use the coupons, in the caller's transaction; its stock is promised beside it.

    Raises `Invalid` for a shipping choice that was not offered, `Invalid` (``price_limit_too_low``) and `Conflict`
    (``sold_out``, ``coupon_used_up``).
    """
    order_id = tx.ids.new("ord")
    _check_choices(quote, choice.shipping)
    subs: list[SubOrder] = []
    items: dict[str, list[Item]] = {}
    for number, part in enumerate(quote.parts, 1):
        bare = _split(tx, order_id, number, part, _choose(part, choice.shipping.get(part.vendor)))
        sub, items[bare.id] = charged(of_vendor(bare, tariff.vendors[part.vendor]), tariff.commission, quote.currency, _day(now))
        subs.append(sub)
    order = Order(
        id=order_id,
        customer_id=quote.customer_id,
        quote_id=quote.id,
        kind=saga.kind,
        stage=saga.stages[0].name,
        course="forward",
        state=str(OrderState.PLACED),
        currency=quote.currency,
        total=sum(sub.total for sub in subs),
        address=msgspec.to_builtins(quote.address),
        payment_method=choice.payment_method,
        on_shortage=choice.on_shortage,
        price_limit=choice.price_limit,
        arrive_by=choice.arrive_by,
        tax_bps=quote.tax_bps,
        cancel_reason=None,
        created_at=now,
        sub_orders=subs,
    )
    if order.price_limit is not None and order.price_limit < order.total:
        raise Invalid("price_limit_too_low", f"the order comes to {order.total} already", field="/reroute/price_limit/amount")
    if quote.coupons:
        await coupons.use(tx, order_id, quote.customer_id, quote.coupons)
    store.write(tx, order, items)
    money = {"total": order.total, "currency": order.currency}
    life.record(tx, Move(life="order", subject_id=order_id, saga_id=order_id, event="born", before=None, after=order.state, data=money))
    for sub in subs:
        SUB_ORDER_LIFE.born(tx, sub.id, order_id, data={"vendor": sub.vendor, "total": sub.total})
    return order


async def withdraw(  # what, why, and since when
    tx: Tx, sub: SubOrder, event: SubOrderEvent, reason: str, data: Mapping[str, Any] | None = None, *, let_go_at: datetime | None = None
) -> None:
    """A part falls out: its stock is for sale again and its life ends by `event`; with the last part the coupons may be used again.

    `let_go_at` is when its vendor told that it holds nothing for it any more, if it was the vendor who ended it.
    """
    demands = [demand(line) for line in sub.lines]
    await promise.withdraw(tx, demands, counted=await _counted_again(tx, sub, demands, let_go_at))
    await advance(tx, sub.id, event, reason=reason, data=dict(data or {}))
    if all(part.state in FALLEN for part in (await store.load(tx, sub.order_id)).sub_orders):
        await coupons.give_back(tx, sub.order_id)


async def _counted_again(tx: Tx, sub: SubOrder, demands: Sequence[Demand], let_go_at: datetime | None) -> set[str]:
    """Offers whose newest count left these units out while they were set aside, and holds them again since they are not."""
    if let_go_at is None:
        return set()
    counted = await promise.counted_since(tx, [each.offer_id for each in demands], let_go_at)
    return counted if counted and await was_set_aside(tx, sub) else set()


def _check_choices(quote: Quote, wanted: Mapping[str, str]) -> None:
    vendors = {part.vendor for part in quote.parts}
    for vendor in wanted:
        if vendor not in vendors:
            raise Invalid("unknown_vendor", f"the quote has nothing from {vendor}", field=f"/shipping/{vendor}")


def _choose(part: Part, code: str | None) -> ShippingOption:
    for option in part.shipping_options:  # cheapest first
        if code in {None, option.code}:
            return option
    raise Invalid("unknown_shipping_option", f"{part.vendor} does not offer {code}", field=f"/shipping/{part.vendor}")


def _split(tx: Tx, order_id: str, number: int, part: Part, option: ShippingOption) -> SubOrder:
    """One vendor's part as it was quoted, without what we take of it."""
    lines = [
        Line(
            id=tx.ids.new("line"),
            offer_id=q.offer_id,
            sku=q.sku,
            title=q.title,
            category=q.category,
            quantity=q.quantity,
            unit_price=q.unit_price,
            shipping_price=q.shipping_price,
            vendor_discount=q.vendor_discount,
            platform_discount=q.platform_discount,
        )
        for q in part.lines
    ]
    return SubOrder(
        id=tx.ids.new("sub"),
        order_id=order_id,
        number=number,
        vendor=part.vendor,
        state=SubOrderState.PLACED,
        shipping_option=option.code,
        shipping_price=option.price,
        goods_total=part.goods_total,
        discount=part.discount,
        platform_discount=sum(line.platform_discount for line in lines) + part.shipping_platform_discount,
        total=part.goods_total + option.price - part.discount,
        shipping_vendor_discount=part.shipping_vendor_discount,
        shipping_platform_discount=part.shipping_platform_discount,
        commission=0,
        reason=None,
        lines=lines,
    )


def of_vendor(sub: SubOrder, terms: Terms) -> SubOrder:
    """A part with the facts of its vendor that commission rules ask for, and what its spoke can do."""
    return replace(sub, vendor_country=terms.country, vendor_bps=terms.commission_bps, capabilities=terms.capabilities)


def charged(sub: SubOrder, commission: Commission, currency: str, on: date) -> tuple[SubOrder, list[Item]]:
    """A part with what our rules of that day take of it, and why."""
    found = charge(commission, sale_of(sub, currency, on))
    fees = found.fees[SHIPPING]
    whole = replace(
        sub,
        commission=found.commission,
        commission_tax=found.tax,
        shipping_commission=fees.commission,
        shipping_commission_tax=fees.tax,
        shipping_kept=fees.kept,
        shipping_kept_tax=fees.kept_tax,
        lines=[_line_with(line, found.fees[line.id]) for line in sub.lines],
    )
    return whole, found.items


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _line_with(line: Line, fees: Fees) -> Line:
    return replace(line, commission=fees.commission, commission_tax=fees.tax, kept=fees.kept, kept_tax=fees.kept_tax)


def sale_of(sub: SubOrder, currency: str, on: date) -> Sale:
    """A sub-order as commission rules see it."""
    return Sale(
        vendor=sub.vendor,
        country=sub.vendor_country,
        own_bps=sub.vendor_bps,
        currency=currency,
        on=on,
        goods=[
            Goods(
                id=line.id,
                offer_id=line.offer_id,
                sku=line.sku,
                category=line.category,
                quantity=line.quantity,
                unit_price=line.unit_price,
                gross=line.unit_price * line.quantity - line.vendor_discount,
            )
            for line in sub.lines
        ],
        shipping=sub.shipping_price - sub.shipping_vendor_discount,
    )


def demand(line: Line) -> Demand:
    """A line as stock sees it."""
    return Demand(line.offer_id, line.quantity)
