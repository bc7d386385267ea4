"""Owns the arithmetic of items that every shop shares: units by SKU, and what there is too little of; pure."""

from collections.abc import Mapping, Sequence

from vendor_sdk.messages import Item, Shortfall


def units(items: Sequence[Item]) -> dict[str, int]:
    """Units by SKU: lines of one SKU add up."""
    found: dict[str, int] = {}
    for item in items:
        found[item.sku] = found.get(item.sku, 0) + item.quantity
    return found


def shortfalls(items: Sequence[Item], there: Mapping[str, int | None]) -> list[Shortfall]:
    """What of these units is not `there`: None is a SKU that nobody counts, one that is missing is unknown."""
    short: list[Shortfall] = []
    for sku, quantity in units(items).items():
        if sku not in there:
            short.append(Shortfall(sku=sku, quantity=quantity, reason="unknown_sku"))
            continue
        left = there[sku]
        if left is not None and left < quantity:
            short.append(Shortfall(sku=sku, quantity=quantity - max(0, left)))
    return short
