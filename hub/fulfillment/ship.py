"""Have a paid sub-order sent, and ask after it until it has arrived."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from hub.fulfillment.reserve import items
from hub.inventory import promise
from hub.inventory.promise import Demand
from hub.kernel.alarm import Wait
from hub.orders import documents, store
from hub.orders.advance import advance
from hub.orders.model import Order, SubOrder
from hub.orders.states import SubOrderEvent
from hub.runtime.database import Tx
from hub.runtime.steps import NewStep
from vendor_sdk.messages import Address, Document, Parcel, Ship, Track

SHIP = "shipping.ship"
TRACK = "shipping.track"
CAPABILITY = "shipping"


def ship_step(order: Order, sub: SubOrder, *, has_spoke: bool, wait: Wait) -> NewStep:
    """Send it; a vendor without a spoke tells of the shipment through the vendor API."""
    command = Ship(
        sub_order_id=sub.id, items=items(sub), ship_to=msgspec.convert(order.address, Address), shipping_option=sub.shipping_option
    )
    return NewStep(
        kind=SHIP,
        target=sub.vendor,
        saga_id=order.id,
        subject_id=sub.id,
        payload=command,
        deadline=wait.seconds,
        alarms=wait.alarms,
        waiting=not has_spoke,
    )


def track_step(sub: SubOrder, parcels: Sequence[Parcel], *, has_spoke: bool, wait: Wait) -> NewStep:
    """Ask whether it has arrived."""
    command = Track(sub_order_id=sub.id, parcels=list(parcels))
    return NewStep(
        kind=TRACK,
        target=sub.vendor,
        saga_id=sub.order_id,
        subject_id=sub.id,
        payload=command,
        deadline=wait.seconds,
        alarms=wait.alarms,
        waiting=not has_spoke,
    )


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor tells of goods that have left."""

    parcels: list[Parcel]
    documents: list[Document] = []


async def shipped(tx: Tx, sub: SubOrder, left: Left, *, at: datetime, deliver_by: datetime) -> None:
    """The goods have left: stock, shipment, papers and state say so together, and by when they are promised to arrive."""
    await promise.ship(tx, [Demand(line.offer_id, line.quantity) for line in sub.lines])
    await store.add_shipment(tx, sub, left.parcels, at)
    await documents.add(tx, sub.id, left.documents)
    told = {"parcels": [msgspec.to_builtins(parcel) for parcel in left.parcels]}
    await advance(tx, sub.id, SubOrderEvent.SHIP, data=told, values={"deliver_by": deliver_by})


async def delivered(tx: Tx, sub: SubOrder, *, at: datetime) -> None:
    """The goods have arrived."""
    await store.note_delivery(tx, sub.id, at)
    await advance(tx, sub.id, SubOrderEvent.DELIVER)
