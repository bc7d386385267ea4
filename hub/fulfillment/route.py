"""Put a sub-order before its vendor, who accepts or declines it; undone by `recall`."""

import re
from datetime import datetime

import msgspec

from hub.kernel.alarm import Wait
from hub.orders.model import Order, SubOrder
from hub.runtime.steps import NewStep
from vendor_sdk.messages import Address, PricedItem, Recall, Submit

SUBMIT = "orders.submit"
RECALL = "orders.recall"
CAPABILITY = "orders"


def submit_step(order: Order, sub: SubOrder, *, wait: Wait, answer_by: datetime, has_spoke: bool) -> NewStep:
    """Ask for acceptance; a vendor without a spoke answers through the vendor API."""
    command = Submit(
        sub_order_id=sub.id,
        order_id=order.id,
        items=[PricedItem(sku=line.sku, quantity=line.quantity, title=line.title, unit_price=line.unit_price) for line in sub.lines],
        ship_to=msgspec.convert(order.address, Address),
        shipping_option=sub.shipping_option,
        shipping_price=sub.shipping_price,
        total=sub.total,
        currency=order.currency,
        answer_by=answer_by,
    )
    return NewStep(
        kind=SUBMIT,
        target=sub.vendor,
        saga_id=order.id,
        subject_id=sub.id,
        payload=command,
        deadline=wait.seconds,
        alarms=wait.alarms,
        waiting=not has_spoke,
    )


def recall_step(sub: SubOrder, *, undoes: str, reason: str) -> NewStep:
    """Tell the vendor to stop, whether or not the submit `undoes` arrived."""
    word = reason if re.fullmatch(r"[a-z][a-z0-9_]{0,63}", reason) else "canceled"  # an adapter's own error code may be no such word
    command = Recall(sub_order_id=sub.id, submit_command_id=undoes, reason=word)
    return NewStep(kind=RECALL, target=sub.vendor, saga_id=sub.order_id, subject_id=sub.id, payload=command, undoes=undoes)
