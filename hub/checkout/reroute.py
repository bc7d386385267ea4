"""Has other vendors take over what one does not deliver: within the buyer's consent, in the transaction in which that falls out."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from sqlalchemy import func, select

from hub.adjustments.adjust import post
from hub.adjustments.store import NewAdjustment
from hub.catalog import store as catalog
from hub.catalog.model import Offer
from hub.checkout.timing import Timing
from hub.inventory import promise
from hub.inventory.promise import Demand
from hub.kernel.money import allocate
from hub.ledger.recipes import Adjustment
from hub.liveness.presence import shippers
from hub.orders import store
from hub.orders.advance import SUB_ORDER_LIFE
from hub.orders.model import Line, Order, SubOrder
from hub.orders.place import charged, of_vendor
from hub.orders.states import FALLEN, SubOrderState
from hub.payments import store as payments
from hub.pricing.charge import Item
from hub.pricing.replacement import Candidate, Limits, Replacement, Ship, Wanted, most_borne
from hub.pricing.replacement import replace as replaced_by
from hub.runtime.database import Tx
from hub.vendors import store as vendors

CANDIDATES_MAX = 100
SILENT = frozenset({"no_answer", "deadline", "attempts", "max_deliveries", "vendor_down", "vendor_leaving", "given_up"})
"""Why parts fall whose vendor has not said a word: it is not asked for anything else of the order either."""
DIFFERENCE = "reroute_difference"
"""Why a vendor is fined: another was dearer, and the rule is that it bears that."""

_NOW = select(func.now())


async def find(tx: Tx, timing: Timing, order: Order, sub: SubOrder) -> list[Replacement]:
    """Who could take over a part, within the buyer's consent and our rules; the stock rows of all concerned are locked."""
    if order.on_shortage != "reroute":
        return []
    fallen = [sub, *(part for part in order.sub_orders if part.state in FALLEN)]
    known = await catalog.offers_by_id(tx, [line.offer_id for part in fallen for line in part.lines])
    variant_of = {offer.id: offer.variant_id for offer in known.values()}
    silent = {sub.vendor, *(part.vendor for part in fallen if part.reason in SILENT)}
    said_no = {(part.vendor, variant_of[line.offer_id]) for part in fallen for line in part.lines}
    variants = {variant_of[line.offer_id] for line in sub.lines}
    found = await catalog.offers_of_variants(tx, variants, order.currency, but_of=silent, limit=CANDIDATES_MAX)
    offers = [offer for offer in found if (offer.vendor, offer.variant_id) not in said_no]
    now: datetime = await tx.scalar(_NOW)
    ships = await _ships(tx, timing, order, {offer.vendor for offer in offers})
    limits = await _limits(tx, timing, order, sub, now)
    if not ships or limits is None:
        return []
    standing = [line.offer_id for part in order.sub_orders if part.state not in FALLEN for line in part.lines]
    stock = await promise.lock(tx, [*standing, *(offer.id for offer in offers if offer.vendor in ships)])
    wanted = [_wanted(line, variant_of[line.offer_id], paid) for line, paid in zip(sub.lines, _paid(sub)[:-1], strict=True)]
    candidates = [_candidate(offer, stock.get(offer.id, 0)) for offer in offers if offer.vendor in ships]
    return replaced_by(wanted, candidates, ships, limits)


async def take_over(tx: Tx, timing: Timing, order: Order, sub: SubOrder, by: Sequence[Replacement]) -> list[SubOrder]:
    """The new parts, written and their stock promised; `sub` is to fall out right after."""
    codes = [each.vendor for each in by]
    terms = await vendors.terms_of(tx, codes)
    today: date = (await tx.scalar(_NOW)).astimezone(UTC).date()
    parts: list[SubOrder] = []
    items: dict[str, list[Item]] = {}
    for number, each in enumerate(by, len(order.sub_orders) + 1):
        bare = of_vendor(_part(tx, order, sub, number, each), terms[each.vendor])
        part, items[bare.id] = charged(bare, timing.commission, order.currency, today)
        parts.append(part)
    await store.add_parts(tx, order.id, parts, items)
    await promise.promise(tx, [Demand(line.offer_id, line.quantity) for part in parts for line in part.lines])
    for part in parts:
        data = {"vendor": part.vendor, "total": part.total, "replaces": sub.id, "was": part.was, "we_bear": part.platform_discount}
        SUB_ORDER_LIFE.born(tx, part.id, order.id, data=data)
        if part.platform_discount and timing.reroute.difference == "vendor":
            await _fine(tx, order, sub, part)
    return parts


async def _ships(tx: Tx, timing: Timing, order: Order, codes: set[str]) -> dict[str, list[Ship]]:
    """How each of these vendors that sells now ships in the order's currency."""
    found = {
        code: [
            Ship(code=option.code, price=option.price.amount, days=option.days + vendor.presence.prospect.extra_days)
            for option in vendor.options
            if option.price.currency == order.currency
        ]
        for code, vendor in sorted((await shippers(tx, timing.watch, codes)).items())
        if vendor.presence.sells
    }
    return {code: ships for code, ships in found.items() if ships}


async def _limits(tx: Tx, timing: Timing, order: Order, sub: SubOrder, now: datetime) -> Limits | None:
    """What may be spent; None where no time is left for another vendor to answer."""
    payment = await payments.of_order(tx, order.id)
    if payment.capture_before is not None:
        left = (payment.capture_before - now).total_seconds() - timing.capture_margin
        if left < timing.reroute.answer_min:
            return None
    asked = order.stage not in {"screen", "reserve"}
    others = sum(part.total for part in order.sub_orders if part.state not in FALLEN and part.id != sub.id)
    *goods, shipping = _paid(sub)
    return Limits(
        shipping=shipping,
        extra=_extra(order, sub),
        room=payment.amount - others if asked else None,
        ours=most_borne(timing.reroute, sum(goods) + shipping),
        today=now.astimezone(UTC).date(),
        arrive_by=order.arrive_by,
    )


def _extra(order: Order, sub: SubOrder) -> int:
    """How much more than before the buyer agreed to pay and does not yet."""
    agreed = max(0, (order.price_limit or order.total) - order.total)
    used = sum(
        max(0, part.total - part.was)
        for part in order.sub_orders
        if part.was is not None and part.state not in FALLEN and part.id != sub.id
    )
    return max(0, agreed - used)


def _paid(sub: SubOrder) -> list[int]:
    """What the buyer was to pay at first for each line, and last for shipping."""
    paid = [*(line.piece.paid for line in sub.lines), sub.shipping_piece.paid]
    return allocate(sub.was, paid) if sub.was is not None and any(paid) else paid


def _wanted(line: Line, variant_id: str, paid: int) -> Wanted:
    return Wanted(line_id=line.id, variant_id=variant_id, quantity=line.quantity, paid=paid)


def _candidate(offer: Offer, stock: int) -> Candidate:
    return Candidate(
        offer_id=offer.id,
        variant_id=offer.variant_id,
        vendor=offer.vendor,
        sku=offer.sku,
        title=offer.title,
        category=offer.category,
        price=offer.price,
        shipping_price=offer.shipping_price,
        stock=stock,
    )


def _part(tx: Tx, order: Order, sub: SubOrder, number: int, by: Replacement) -> SubOrder:
    lines = [
        Line(
            id=tx.ids.new("line"),
            offer_id=each.offer.offer_id,
            sku=each.offer.sku,
            title=each.offer.title,
            category=each.offer.category,
            quantity=each.quantity,
            unit_price=each.offer.price,
            shipping_price=each.offer.shipping_price,
            platform_discount=each.discount,
        )
        for each in by.taken
    ]
    return SubOrder(
        id=tx.ids.new("sub"),
        order_id=order.id,
        number=number,
        vendor=by.vendor,
        state=SubOrderState.PLACED,
        shipping_option=by.option,
        shipping_price=by.shipping,
        goods_total=sum(each.price for each in by.taken),
        total=by.cost - by.discount,
        commission=0,
        reason=None,
        discount=by.discount,
        platform_discount=by.discount,
        shipping_platform_discount=by.shipping_discount,
        replaces=sub.id,
        was=by.was,
        lines=lines,
    )


async def _fine(tx: Tx, order: Order, sub: SubOrder, part: SubOrder) -> None:
    """The vendor that has fallen short bears what another costs more."""
    fine = NewAdjustment(
        vendor=sub.vendor,
        kind=Adjustment.FINE,
        amount=part.platform_discount,
        currency=order.currency,
        reason=DIFFERENCE,
        rule=f"{DIFFERENCE}:{part.id}",
        order_id=order.id,
        sub_order_id=sub.id,
    )
    await post(tx, fine)
