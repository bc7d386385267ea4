"""Whether an amount went to a vendor's system as it is: in minor units, or in major units of the right currency."""

import re
from collections.abc import Iterable
from decimal import Decimal

DECIMALS = {"JPY": 0, "EUR": 2, "KWD": 3}
"""ISO 4217: how many digits of a currency's minor unit."""

NUMBER = re.compile(r"(?<![\w.-])\d{1,18}(?:\.\d{1,20})?(?![\w-]|\.\d)")
NEAR = Decimal("0.002")
"""Closer than this to an amount, in whatever unit, and not equal to it: rounded, or in the wrong unit."""


def wrong_amounts(texts: Iterable[str], amount: int, currency: str) -> list[str]:
    """Numbers in these texts that mean `amount` (minor units of `currency`) and do not say it."""
    right = {Decimal(amount), Decimal(amount).scaleb(-DECIMALS[currency])}
    return [found for text in texts for found in NUMBER.findall(text) if Decimal(found) not in right and _is_near(Decimal(found), amount)]


def _is_near(number: Decimal, amount: int) -> bool:
    """Whether a number has the amount's size in some unit: minor, or with one to three decimals."""
    scales = (Decimal(amount).scaleb(-digits) for digits in range(4))
    return any(abs(number - scale) <= scale * NEAR for scale in scales)
