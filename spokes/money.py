"""Money as vendors' systems write it: decimals of a currency, and minor units as a decimal text; pure."""

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
