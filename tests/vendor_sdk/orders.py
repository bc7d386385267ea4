"""Commands to arrange tests with: only what matters is named."""

from datetime import UTC, datetime, timedelta

from vendor_sdk.messages import Address, Item, PricedItem, Recall, Release, Reserve, Ship, Submit, Track

HOME = Address(name="Ada Buyer", line1="1 Way", city="Lisbon", postal_code="1000-001", country="PT")


def later(seconds: float = 600) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)  # noqa: TID251 - the dummy lives by the real clock


def reserve(sub: str, sku: str = "mug", quantity: int = 2) -> Reserve:
    return Reserve(sub_order_id=sub, items=[Item(sku=sku, quantity=quantity)], expires_at=later())


def release(sub: str, reserve_id: str) -> Release:
    return Release(sub_order_id=sub, reserve_command_id=reserve_id)


def submit(sub: str, sku: str = "mug", quantity: int = 2) -> Submit:
    item = PricedItem(sku=sku, quantity=quantity, title="Mug", unit_price=1250)
    return Submit(
        sub_order_id=sub,
        order_id=f"o-{sub}",
        items=[item],
        ship_to=HOME,
        shipping_option="standard",
        shipping_price=499,
        total=1250 * quantity + 499,
        currency="EUR",
        answer_by=later(),
    )


def recall(sub: str, submit_id: str) -> Recall:
    return Recall(sub_order_id=sub, submit_command_id=submit_id, reason="buyer_canceled")


def ship(sub: str, sku: str = "mug", quantity: int = 2) -> Ship:
    return Ship(sub_order_id=sub, items=[Item(sku=sku, quantity=quantity)], ship_to=HOME, shipping_option="standard")


def track(sub: str) -> Track:
    return Track(sub_order_id=sub, parcels=[])
