"""Commands as a hub sends them, with only what matters in a trial named."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from vendor_sdk.messages import (
    COMMANDS,
    Address,
    Authorize,
    Cancel,
    Inspect,
    Item,
    Parcel,
    PricedItem,
    Recall,
    Release,
    Reserve,
    ReturnItem,
    Ship,
    Submit,
    Track,
)
from vendor_sdk.ports import CommandBody

HOME = Address(name="Ada Lovelace", line1="12 St James's Square", city="London", postal_code="SW1Y 4JH", country="GB")
LINE_SECONDS = 900
ANSWER_SECONDS = 3600

Items = Sequence[tuple[str, int]]
"""SKUs, and units of each."""


def kind_of(command: CommandBody) -> str:
    """``<area>.<verb>`` of a command."""
    return next(kind for kind, struct in COMMANDS.items() if type(command) is struct)


def later(seconds: float) -> datetime:
    """So many seconds from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)  # noqa: TID251 - a vendor's system lives by the real clock


def reserve(sub_order_id: str, *items: tuple[str, int], seconds: float = LINE_SECONDS) -> Reserve:
    """Set aside for `seconds`."""
    return Reserve(sub_order_id=sub_order_id, items=[Item(sku=sku, quantity=units) for sku, units in items], expires_at=later(seconds))


def release(sub_order_id: str, reserve_command_id: str) -> Release:
    """Give back."""
    return Release(sub_order_id=sub_order_id, reserve_command_id=reserve_command_id)


def submit(
    sub_order_id: str,
    *items: tuple[str, int],
    price: int = 1250,
    currency: str = "EUR",
    title: str = "Mug",
    ship_to: Address = HOME,
    seconds: float = ANSWER_SECONDS,
) -> Submit:
    """An order at `price` minor units each, to be answered in `seconds`."""
    shipping = price // 4 + 1
    return Submit(
        sub_order_id=sub_order_id,
        order_id=f"order-{sub_order_id}"[:64],
        items=[PricedItem(sku=sku, quantity=units, title=title, unit_price=price) for sku, units in items],
        ship_to=ship_to,
        shipping_option="standard",
        shipping_price=shipping,
        total=price * sum(units for _, units in items) + shipping,
        currency=currency,
        answer_by=later(seconds),
    )


def recall(sub_order_id: str, submit_command_id: str) -> Recall:
    """Stop an order."""
    return Recall(sub_order_id=sub_order_id, submit_command_id=submit_command_id, reason="buyer_canceled")


def ship(sub_order_id: str, *items: tuple[str, int], ship_to: Address = HOME) -> Ship:
    """Send an order."""
    goods = [Item(sku=sku, quantity=units) for sku, units in items]
    return Ship(sub_order_id=sub_order_id, items=goods, ship_to=ship_to, shipping_option="standard")


def track(sub_order_id: str, parcels: Sequence[Parcel] = ()) -> Track:
    """Ask whether they have arrived."""
    return Track(sub_order_id=sub_order_id, parcels=list(parcels))


def authorize(sub_order_id: str, return_id: str, *items: tuple[str, int], seconds: float = ANSWER_SECONDS) -> Authorize:
    """Ask whether a buyer may send these back, to be answered in `seconds`."""
    goods = [ReturnItem(sku=sku, quantity=units, reason="changed_mind") for sku, units in items]
    return Authorize(sub_order_id=sub_order_id, return_id=return_id, items=goods, pays_shipping="buyer", answer_by=later(seconds))


def inspect(authorized: Authorize) -> Inspect:
    """Ask what of a return has arrived."""
    until = later(ANSWER_SECONDS)
    return Inspect(sub_order_id=authorized.sub_order_id, return_id=authorized.return_id, items=authorized.items, answer_by=until)


def cancel_return(authorized: Authorize, command_id: str) -> Cancel:
    """Nothing will come of a return that was asked for by `command_id`."""
    asked, why = authorized, "buyer_keeps_it"
    return Cancel(sub_order_id=asked.sub_order_id, return_id=asked.return_id, authorize_command_id=command_id, reason=why)
