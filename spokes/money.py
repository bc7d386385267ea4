"""Money as vendors' systems write it: decimals of a currency, minor units as a decimal text, and back; pure."""

from decimal import Decimal

NO_DECIMALS = frozenset({"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"})
THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
"""The exponents of ISO 4217 that are not 2."""


def decimals(currency: str) -> int:
    """How many decimals a currency has."""
    return 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2


def amount_text(amount: int, currency: str) -> str:
    """Minor units as people write them: ``12.50``."""
    exponent = decimals(currency)
    return str(Decimal(amount).scaleb(-exponent)) if exponent else str(amount)


def minor_units(amount: Decimal, currency: str) -> int | None:
    """Major units as minor units; None where that is no whole number of them, or less than nothing."""
    scaled = amount.scaleb(decimals(currency))
    return int(scaled) if amount.is_finite() and scaled >= 0 and scaled == scaled.to_integral_value() else None
