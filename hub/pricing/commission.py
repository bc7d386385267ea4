"""The rules of our commission as data (`config/commission.toml`): read, and refused where they make no sense.

Rules with the same `group` are alternatives: the first in the operator's order that matches a piece (a line, or a part's
shipping) wins. Groups stack: commission, payment fee, listing fee. What a rule takes is worked out in `charge`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hub.kernel.errors import Invalid
from hub.kernel.money import AMOUNT_MAX, Currency
from hub.pricing.tax import TaxRates

Bps = Annotated[int, Meta(ge=0, le=10_000, description="hundredths of a percent")]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Amounts = Annotated[dict[Currency, Annotated[int, Meta(ge=0, le=AMOUNT_MAX)]], Meta(max_length=200, description="minor units by currency")]
OneOf = Annotated[list[Annotated[str, Meta(min_length=1, max_length=128)]], Meta(max_length=1000)]

COMMISSION = "commission"
"""The group before which a vendor's own terms stand."""
OWN = "vendor:"
"""How the rules are called that stand for a vendor's own terms."""


_NAMES = {"starts": "from", "ends": "until", "floor": "min", "cap": "max"}
"""What Python cannot call so."""


class CommissionRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=_NAMES):
    """One fee: `bps` of the base plus `fixed`, at least `min`, at most `max`, once `per` unit, line or part.

    What stands empty is not asked for. `price_from` up to but not including `price_until` is the band of the unit price;
    `from` up to but not including `until` are days in UTC. `tax_bps` is the tax on the fee, where the table by country
    does not hold. On a refund the fee goes back in proportion (`return`) or stays with us (`keep`).
    """

    name: Name
    group: Name = COMMISSION
    bps: Bps = 0
    fixed: Amounts = {}
    floor: Amounts = {}
    cap: Amounts = {}
    per: Literal["unit", "line", "part"] = "part"
    of: Literal["goods", "shipping", "both"] = "goods"
    vendors: OneOf = []
    categories: OneOf = []
    offers: OneOf = []
    skus: OneOf = []
    price_from: Amounts = {}
    price_until: Amounts = {}
    starts: date | None = None
    ends: date | None = None
    tax_bps: Bps | None = None
    on_refund: Literal["return", "keep"] = "return"

    @property
    def amounts(self) -> Iterator[tuple[str, Mapping[str, int]]]:
        """The tables of amounts that are filled in, by name: a currency that one of them does not name is none of this rule's."""
        tables = {"fixed": self.fixed, "min": self.floor, "max": self.cap, "price_from": self.price_from, "price_until": self.price_until}
        return ((name, table) for name, table in tables.items() if table)

    def is_of(self, *, shipping: bool) -> bool:
        """Whether it is a fee of shipping, or of goods."""
        return self.of in {"shipping" if shipping else "goods", "both"}

    @property
    def takes_everything(self) -> bool:
        """Whether it matches whatever it is a fee of."""
        asked = (self.vendors, self.categories, self.offers, self.skus, self.starts, self.ends)
        return not any(asked) and not any(self.amounts)


Rules = Annotated[list[CommissionRule], Meta(max_length=500)]


class Commission(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All rules in the operator's order; `tax` on the fees is by the vendor's country, where a rule does not say."""

    rules: Rules
    tax: TaxRates = TaxRates()

    def for_vendor(self, own_bps: int | None) -> Sequence[CommissionRule]:
        """The rules in order, a vendor's own terms before the first of group "commission"."""
        if own_bps is None:
            return self.rules
        at = next((i for i, rule in enumerate(self.rules) if rule.group == COMMISSION), 0)
        return [*self.rules[:at], CommissionRule(name=f"{OWN}{own_bps}", bps=own_bps), *self.rules[at:]]


def commission_from(data: Mapping[str, object]) -> Commission:
    """The rules from the data of the file. Raises `ValueError` naming the field."""
    try:
        commission = msgspec.convert(data, Commission)
        check(commission.rules)
    except msgspec.ValidationError as wrong:
        raise ValueError(f"commission: {wrong}") from wrong
    except Invalid as wrong:
        raise ValueError(f"commission: {wrong.field}: {wrong.detail}") from wrong
    return commission


def check(rules: Sequence[CommissionRule]) -> None:
    """Raises `Invalid` (``invalid_rule``) with the offending field, as in ``/rules/2/max/EUR``."""
    names: set[str] = set()
    for i, rule in enumerate(rules):
        if rule.name in names or rule.name.startswith(OWN):
            raise _no(i, "name", f"{rule.name} is taken")
        names.add(rule.name)
        _check_sense(i, rule)
        _check_amounts(i, rule)
        for earlier in rules[:i]:
            if earlier.group == rule.group and earlier.takes_everything and earlier.of in {rule.of, "both"}:
                raise _no(i, "group", f"never reached: in group {rule.group}, {earlier.name} before it takes everything")


def _check_sense(i: int, rule: CommissionRule) -> None:
    if rule.starts is not None and rule.ends is not None and rule.starts >= rule.ends:
        raise _no(i, "until", f"{rule.ends} is not after {rule.starts}")
    if rule.of != "goods":
        asked = {"categories": rule.categories, "offers": rule.offers, "skus": rule.skus}
        asked |= {"price_from": [*rule.price_from], "price_until": [*rule.price_until]}
        for name, values in asked.items():
            if values:
                raise _no(i, name, "only goods have it: it cannot be asked of shipping")


def _check_amounts(i: int, rule: CommissionRule) -> None:
    pairs = (("max", rule.floor, rule.cap, 0), ("price_until", rule.price_from, rule.price_until, 1))
    for name, least, most, apart in pairs:
        for currency in least.keys() & most.keys():
            if most[currency] < least[currency] + apart:
                raise _no(i, f"{name}/{currency}", f"{most[currency]} is too small: the least is {least[currency] + apart}")
    tables = dict(rule.amounts)
    if tables and not set[str].intersection(*(set(table) for table in tables.values())):
        raise _no(i, [*tables][-1], "no currency stands in all tables of amounts, so the rule can never match")


def _no(i: int, field: str, why: str) -> Invalid:
    return Invalid("invalid_rule", why, field=f"/rules/{i}/{field}")
