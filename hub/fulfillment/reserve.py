"""Ask a vendor to set stock aside for its sub-order; undone by `release`."""

from datetime import datetime

from hub.orders.model import SubOrder
from hub.runtime.steps import NewStep
from vendor_sdk.messages import Item, Release, Reserve

RESERVE = "stock.reserve"
RELEASE = "stock.release"
CAPABILITY = "stock"


def items(sub: SubOrder) -> list[Item]:
    """A sub-order's lines in the vendor's words."""
    return [Item(sku=line.sku, quantity=line.quantity) for line in sub.lines]


def reserve_step(sub: SubOrder, *, within: float, expires_at: datetime) -> NewStep:
    """Reserve all of it or nothing, answered within so many seconds."""
    command = Reserve(sub_order_id=sub.id, items=items(sub), expires_at=expires_at)
    return NewStep(kind=RESERVE, target=sub.vendor, saga_id=sub.order_id, subject_id=sub.id, payload=command, deadline=within)


def release_step(sub: SubOrder, *, undoes: str) -> NewStep:
    """Give back what the step `undoes` set aside, whether or not it arrived."""
    command = Release(sub_order_id=sub.id, reserve_command_id=undoes)
    return NewStep(kind=RELEASE, target=sub.vendor, saga_id=sub.order_id, subject_id=sub.id, payload=command, undoes=undoes)
