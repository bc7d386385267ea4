"""One sub-order as the vendor has it: its states, its row, and what the hub is told of it."""

import sqlite3
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from vendor_sdk.messages import Accepted, Declined, Item, Parcel, Pending, PricedItem, Shipped, Shortfall


class State(StrEnum):
    """Asked → accepted or declined → ordered (the file is out) → shipped → delivered; recalled from each before shipped."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    RECALLED = "recalled"
    ORDERED = "ordered"
    SHIPPED = "shipped"
    DELIVERED = "delivered"


LEFT = frozenset({State.SHIPPED, State.DELIVERED})
OVER = frozenset({State.DECLINED, State.RECALLED})


class Purchase(msgspec.Struct, frozen=True, kw_only=True):
    """A sub-order; `short` is what of it was not accepted."""

    sub_order_id: str
    state: State
    submit_command_id: str
    ship_command_id: str = ""
    items: Sequence[PricedItem] = ()
    short: Sequence[Shortfall] = ()
    reason: str = ""
    parcels: Sequence[Parcel] = ()


ITEMS = msgspec.json.Decoder(list[PricedItem])
SHORT = msgspec.json.Decoder(list[Shortfall])
PARCELS = msgspec.json.Decoder(list[Parcel])
COLUMNS = "sub_order_id, state, submit_command_id, ship_command_id, items, short, reason, parcels"


def find(db: sqlite3.Connection, vendor: str, sub_order_id: str) -> Purchase | None:
    """A vendor's sub-order; another vendor's is none."""
    row = db.execute(f"SELECT {COLUMNS} FROM purchase WHERE vendor = ? AND sub_order_id = ?", (vendor, sub_order_id)).fetchone()
    if row is None:
        return None
    return Purchase(
        sub_order_id=row[0],
        state=State(row[1]),
        submit_command_id=row[2],
        ship_command_id=row[3],
        items=ITEMS.decode(row[4]),
        short=SHORT.decode(row[5]),
        reason=row[6],
        parcels=PARCELS.decode(row[7]),
    )


def save(db: sqlite3.Connection, vendor: str, its: Purchase) -> Purchase:
    """Write it as it now is."""
    ids = (vendor, its.sub_order_id, its.state, its.submit_command_id, its.ship_command_id)
    more = (msgspec.json.encode(its.items), msgspec.json.encode(its.short), its.reason, msgspec.json.encode(its.parcels))
    db.execute(f"INSERT OR REPLACE INTO purchase (vendor, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*ids, *more))
    return its


def decision(its: Purchase) -> Accepted | Declined | Pending:
    """What is known of the answer to its submit."""
    match its.state:
        case State.ASKED:
            return Pending(sub_order_id=its.sub_order_id)
        case State.DECLINED | State.RECALLED:
            return Declined(sub_order_id=its.sub_order_id, reason=its.reason or its.state)
        case _:
            return Accepted(sub_order_id=its.sub_order_id, reference=its.submit_command_id, short=list(its.short))


def dispatch(its: Purchase) -> Shipped | Pending:
    """What is known of its parcels."""
    if its.state in LEFT:
        return Shipped(sub_order_id=its.sub_order_id, parcels=list(its.parcels))
    return Pending(sub_order_id=its.sub_order_id)


def taken_on(items: Sequence[PricedItem], short: Sequence[Shortfall]) -> list[Item]:
    """The items without what is short."""
    missing: dict[str, int] = {}
    for each in short:
        missing[each.sku] = missing.get(each.sku, 0) + each.quantity
    left: list[Item] = []
    for item in items:
        off = min(item.quantity, missing.get(item.sku, 0))
        missing[item.sku] = missing.get(item.sku, 0) - off
        if item.quantity > off:
            left.append(Item(sku=item.sku, quantity=item.quantity - off))
    return left
