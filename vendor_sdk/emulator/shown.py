"""The book as the vendor API shows it, in the structs of its client (pure)."""

from datetime import datetime

import msgspec

from vendor_sdk.client.answers import Money
from vendor_sdk.client.answers.books import Balance, Entry, Payout
from vendor_sdk.client.answers.documents import Document
from vendor_sdk.client.answers.offers import Offer
from vendor_sdk.client.answers.orders import Awaited, Line, Order, Refund, RefundItem
from vendor_sdk.client.answers.webhooks import Attempt, Delivery, Endpoint, Key
from vendor_sdk.emulator import model
from vendor_sdk.emulator.model import Book, Part
from vendor_sdk.emulator.states import State
from vendor_sdk.emulator.turn import moment

POTS: tuple[str, ...] = ("held", "due", "transferred")


def order(book: Book, part: Part) -> Order:
    """A sub-order. Nothing is discounted here, and commission is not taxed."""

    def money(amount: int) -> Money:
        return Money(amount=amount, currency=book.currency)

    return Order(
        id=part.id,
        order_id=part.order_id,
        state=str(part.state),
        reason=part.reason,
        accept_by=_when(part.accept_by),
        ship_by=_when(part.ship_by),
        deliver_by=_when(part.deliver_by),
        awaits=_awaits(part),
        split_from=part.split_from,
        shipping_option="standard",
        shipping_price=money(part.shipping_price),
        shipping_discount=money(0),
        shipping_vendor_discount=money(0),
        goods_total=money(part.goods),
        discount=money(0),
        vendor_discount=money(0),
        total=money(part.total),
        commission=money(part.commission),
        commission_tax=money(0),
        share=money(part.total - part.commission),
        ship_to=dict(book.orders[part.order_id].ship_to),
        lines=[_line(line, book.currency) for line in part.lines],
        documents=msgspec.convert(part.documents, list[Document]),
    )


def offer(one: model.Offer) -> Offer:
    """An offer."""
    return Offer(
        id=one.id,
        product_id=one.product_id,
        variant_id=one.variant_id,
        sku=one.sku,
        title=one.title,
        price=Money(amount=one.price, currency=one.currency),
        shipping_price=Money(amount=one.shipping_price, currency=one.currency),
        state=one.state,
        stock=one.stock,
        version=one.version,
    )


def refund(book: Book, one: model.Refund) -> Refund:
    """Money that went back."""

    def money(amount: int) -> Money:
        return Money(amount=amount, currency=book.currency)

    return Refund(
        id=one.id,
        order_id=one.order_id,
        sub_order_id=one.part_id,
        state="succeeded",
        amount=money(one.paid),
        items=[RefundItem(line_id=line_id, amount=money(paid)) for line_id, paid in one.items],
        reason=one.reason,
        created_at=moment(one.at),
        kind="refund",
        vendor=book.vendor,
        discount=money(0),
        share=money(one.paid - one.commission),
        commission=money(one.commission),
        tax=money(0),
        from_held=money(one.sources.get("held", 0)),
        from_reserve=money(0),
        from_reversal=money(one.sources.get("transferred", 0)),
        from_debt=money(one.sources.get("due", 0)),
        requested_by=one.by,
        reference=one.id.replace("ref_", "re_", 1),
    )


def asked_refund(book: Book, one: model.Refund) -> Refund:
    """The same as it is answered to who asks for it: on its way."""
    return msgspec.structs.replace(refund(book, one), state="sending", reference=None)


def balances(book: Book) -> list[Balance]:
    """What the vendor has: the sums of its entries."""
    if not book.entries:
        return []
    lies = {pot: sum(entry.amount for entry in book.entries if entry.pot == pot) for pot in POTS}
    sent = [entry.amount for entry in book.entries if entry.pot == "transferred"]
    return [
        Balance(
            currency=book.currency,
            held=lies["held"],
            reserved=0,
            due=lies["due"],
            on_its_way=0,
            transferred=sum(amount for amount in sent if amount > 0),
            reversed=-sum(amount for amount in sent if amount < 0),
        )
    ]


def entry(book: Book, one: model.Entry) -> Entry:
    """One change of one pot."""
    return Entry(
        posting=one.number,
        side=0,
        transaction_id=one.id,
        at=moment(one.at),
        kind=one.kind,
        pot=one.pot,
        amount=one.amount,
        currency=book.currency,
        order_id=one.order_id,
        sub_order_id=one.part_id,
        reference=one.reference,
        why=one.why,
    )


def payout(book: Book, one: model.Payout) -> Payout:
    """What went to the bank."""
    return Payout(
        id=one.id,
        vendor=book.vendor,
        state=one.state,
        amount=Money(amount=one.amount, currency=book.currency),
        requested_by=one.by,
        reason="",
        reference=one.id.replace("pyt_", "po_", 1),
        arrives_at=moment(one.due_at),
        created_at=moment(one.created_at),
        failed_at=None,
        version=one.version,
    )


def endpoint(book: Book, one: model.Endpoint) -> Endpoint:
    """Where webhooks go."""
    created = moment(one.created_at)
    return Endpoint(
        id=one.id,
        vendor=book.vendor,
        url=one.url,
        description=one.description,
        types=one.types,
        payload=one.payload,
        state=one.state,
        reason=one.reason,
        version=one.version,
        failing_since=None,
        quiet_until=None,
        created_at=created,
        keys=[Key(id=one.key_id, scheme="v1", public=None, created_at=created, expires_at=None)],
    )


def delivery(book: Book, one: model.Delivery) -> Delivery:
    """One event for one endpoint."""
    return Delivery(
        id=one.id,
        event_id=one.event_id,
        endpoint_id=one.endpoint_id,
        vendor=book.vendor,
        type=one.type,
        key=one.key,
        position=one.position,
        state=one.state,
        reason=one.reason,
        attempts=len(one.attempts),
        due_at=moment(one.due_at),
        created_at=moment(one.created_at),
        ended_at=None if one.ended_at is None else moment(one.ended_at),
    )


def attempts(one: model.Delivery) -> list[Attempt]:
    """Each attempt at a delivery."""
    return [
        Attempt(
            number=each.number,
            at=moment(each.at),
            milliseconds=each.milliseconds,
            status=each.status,
            error=each.error,
            response=each.response,
        )
        for each in one.attempts
    ]


def _awaits(part: Part) -> Awaited | None:
    match part.state:
        case State.ROUTED:
            return Awaited(answer="acceptance", by=_when(part.accept_by))
        case State.ACCEPTED if part.ship_by is not None:
            return Awaited(answer="shipment", by=_when(part.ship_by))
        case State.RECALLING:
            return Awaited(answer="recall", by=None)
        case State.SHIPPED:
            return Awaited(answer="delivery", by=_when(part.deliver_by))
        case _:
            return None


def _line(line: model.Line, currency: str) -> Line:
    def money(amount: int) -> Money:
        return Money(amount=amount, currency=currency)

    return Line(
        id=line.id,
        offer_id=line.offer_id,
        sku=line.sku,
        title=line.title,
        quantity=line.quantity,
        unit_price=money(line.unit_price),
        discount=money(0),
        total=money(line.gross),
        vendor_discount=money(0),
        commission=money(line.commission),
        commission_tax=money(0),
    )


def _when(at: float | None) -> datetime | None:
    return None if at is None else moment(at)
