"""The tax that stands in gross prices, by destination; data in `config/tax.toml`."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

Bps = Annotated[int, Meta(ge=0, le=10_000)]
CountryCode = Annotated[str, Meta(pattern=r"^[A-Z]{2}$", min_length=2, max_length=2)]


class TaxRates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rates in basis points of the net price; `default_bps` for countries not named."""

    default_bps: Bps = 0
    countries: dict[CountryCode, Bps] = {}

    def of(self, country: str) -> int:
        """The rate at a destination."""
        return self.countries.get(country, self.default_bps)


def rates_from(data: Mapping[str, object]) -> TaxRates:
    """Rates from the data of the file. Raises `msgspec.ValidationError`."""
    return msgspec.convert(data, TaxRates)


def included(gross: int, bps: int) -> int:
    """The tax in a gross amount: ``gross x rate / (1 + rate)``, rounded half up."""
    whole = 10_000 + bps
    return (2 * gross * bps + whole) // (2 * whole)
