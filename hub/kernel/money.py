"""Money as integer minor units with a currency, and the ways to split it without losing a cent."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

AMOUNT_MAX = 10**12

Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$", min_length=3, max_length=3, description="ISO 4217 code")]
Amount = Annotated[int, Meta(ge=0, le=AMOUNT_MAX, description="integer minor units (cents for EUR)")]

DECIMALS_DEFAULT = 2
DECIMALS: dict[str, int] = {
    **dict.fromkeys("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(), 0),  # noqa: SIM905  # reads better
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),  # noqa: SIM905  # reads better
}
"""Digits after the point where they are not two (ISO 4217)."""


class Money(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An amount of one currency, as it stands on the wire."""

    amount: Amount
    currency: Currency


def decimals(currency: str) -> int:
    """Digits after the point in `currency`."""
    return DECIMALS.get(currency, DECIMALS_DEFAULT)


def parse(text: str, currency: str) -> int:
    """Minor units of a decimal text such as ``12.90``. Raises `ValueError` if it is finer than the currency."""
    scaled = Decimal(text).scaleb(decimals(currency))
    if scaled != scaled.to_integral_value():
        message = f"{text} is finer than the smallest unit of {currency}"
        raise ValueError(message)
    return int(scaled)


def plain(amount: int, currency: str) -> str:
    """An amount as decimal text: ``12.90``."""
    places = decimals(currency)
    return f"{Decimal(amount).scaleb(-places):.{places}f}"


def show(amount: int, currency: str) -> str:
    """An amount for people: ``12.90 EUR``."""
    return f"{plain(amount, currency)} {currency}"


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` in proportion to `weights` by largest remainder; the parts add up exactly, ties go to the first."""
    if total < 0:
        return [-part for part in allocate(-total, weights)]
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        message = "weights must be non-negative and not all zero"
        raise ValueError(message)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts


def basis_points(amount: int, bps: int) -> int:
    """`bps` hundredths of a percent of a non-negative `amount`, rounded half up."""
    return (amount * bps + 5000) // 10000
