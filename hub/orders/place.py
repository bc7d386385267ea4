"""Split a quote by vendor into an order; undone by `withdraw`."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from hub.inventory import promise
from hub.inventory.promise import Demand
from hub.kernel.errors import Invalid
from hub.kernel.saga import Saga
from hub.orders import store
from hub.orders.advance import SUB_ORDER_LIFE, advance
from hub.orders.states import OrderState, SubOrderEvent, SubOrderState
from hub.orders.store import Line, Order, SubOrder
from hub.pricing.commission import CommissionRule, commission
from hub.pricing.quote import Part, Quote, ShippingOption
from hub.runtime import life
from hub.runtime.database import Tx
from hub.runtime.life import Move


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What the buyer decides when placing. `shipping` maps vendor to option; the cheapest where nothing is said."""

    payment_method: str
    shipping: Mapping[str, str]
    on_shortage: str


async def place(tx: Tx, quote: Quote, choice: Choice, saga: Saga, rules: Mapping[str, CommissionRule], now: datetime) -> Order:
    """Write order, sub-orders and lines, and promise the stock, in the caller's transaction.

    Raises `Invalid` for a shipping choice that was not offered and `Conflict` (``sold_out``).
    """
    order_id = tx.ids.new("ord")
    _check_choices(quote, choice.shipping)
    subs = [
        _split(tx, order_id, number, part, (_choose(part, choice.shipping.get(part.vendor)), rules[part.vendor]))
        for number, part in enumerate(quote.parts, 1)
    ]
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
        cancel_reason=None,
        created_at=now,
        sub_orders=subs,
    )
    await store.write(tx, order)
    await promise.promise(tx, [_demand(line) for sub in subs for line in sub.lines])
    money = {"total": order.total, "currency": order.currency}
    life.record(tx, Move(life="order", subject_id=order_id, saga_id=order_id, event="born", before=None, after=order.state, data=money))
    for sub in subs:
        SUB_ORDER_LIFE.born(tx, sub.id, order_id, data={"vendor": sub.vendor, "total": sub.total})
    return order


async def withdraw(tx: Tx, sub: SubOrder, event: SubOrderEvent, reason: str) -> None:
    """A part falls out: its stock is for sale again and its life ends by `event`."""
    await promise.withdraw(tx, [_demand(line) for line in sub.lines])
    await advance(tx, sub.id, event, reason=reason)


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


def _split(tx: Tx, order_id: str, number: int, part: Part, chosen: tuple[ShippingOption, CommissionRule]) -> SubOrder:
    option, rule = chosen
    return SubOrder(
        id=tx.ids.new("sub"),
        order_id=order_id,
        number=number,
        vendor=part.vendor,
        state=SubOrderState.PLACED,
        shipping_option=option.code,
        shipping_price=option.price,
        goods_total=part.goods_total,
        total=part.goods_total + option.price,
        commission=commission(part.goods_total, rule),
        commission_rule=rule.name,
        reason=None,
        lines=[
            Line(id=tx.ids.new("line"), offer_id=q.offer_id, sku=q.sku, title=q.title, quantity=q.quantity, unit_price=q.unit_price)
            for q in part.lines
        ],
    )


def _demand(line: Line) -> Demand:
    return Demand(line.offer_id, line.quantity)
