"""The rules of fines and bonuses as data (`config/adjustments.toml`): read, refused where they make no sense, and applied."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from hub.kernel.errors import Invalid
from hub.kernel.money import AMOUNT_MAX, Currency, basis_points
from hub.ledger.recipes import Adjustment

Occasion = Literal["declined", "no_answer", "canceled_by_vendor", "shipped_late", "delivered_late", "shipped_early"]
OCCASIONS: tuple[Occasion, ...] = get_args(Occasion)
Amounts = Annotated[dict[Currency, Annotated[int, Meta(ge=0, le=AMOUNT_MAX)]], Meta(description="minor units by currency")]


class AdjustmentRule(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"occasion": "on", "floor": "min", "cap": "max", "starts": "from", "ends": "until"},
):
    """A fine or bonus `on` an occasion: `fixed` plus `bps` of what the buyer paid for the sub-order, at least `min`, at most `max`.

    Lateness (or earliness) up to `grace_seconds` is forgiven. No `vendors`: all of them. `from` up to but not including
    `until` are moments with a zone. A rule with tables of amounts knows only the currencies that stand in all of them.
    """

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    occasion: Occasion
    kind: Adjustment
    fixed: Amounts = {}
    bps: Annotated[int, Meta(ge=0, le=10_000, description="hundredths of a percent")] = 0
    floor: Amounts = {}
    cap: Amounts = {}
    grace_seconds: Annotated[int, Meta(ge=0)] = 0
    vendors: list[str] = []
    starts: Annotated[datetime, Meta(tz=True)] | None = None
    ends: Annotated[datetime, Meta(tz=True)] | None = None

    def matches(self, case: "Case") -> bool:
        """Whether it is about this."""
        by = -case.lateness_seconds if self.occasion == "shipped_early" else case.lateness_seconds
        timed = self.occasion in {"shipped_late", "delivered_late", "shipped_early"}
        return (
            self.occasion == case.occasion
            and (not self.vendors or case.vendor in self.vendors)
            and (self.starts is None or self.starts <= case.at)
            and (self.ends is None or case.at < self.ends)
            and (not timed or by > self.grace_seconds)
        )

    def amount(self, currency: str, total: int) -> int:
        """What it comes to, minor units; 0 for a currency it does not know."""
        if any(currency not in table for table in (self.fixed, self.floor, self.cap) if table):
            return 0
        amount = max(self.fixed.get(currency, 0) + basis_points(total, self.bps), self.floor.get(currency, 0))
        return min(amount, self.cap.get(currency, amount))


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a sub-order, for which the buyer paid `total`; lateness is positive where it came late, negative where early."""

    occasion: str
    vendor: str
    at: datetime
    currency: str
    total: int
    lateness_seconds: float = 0.0


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule makes of an occasion."""

    rule: AdjustmentRule
    amount: int


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rules: Annotated[list[AdjustmentRule], Meta(max_length=500)] = []


def adjustment_rules_from(data: Mapping[str, object]) -> Sequence[AdjustmentRule]:
    """The rules from the data of the file. Raises `ValueError` naming the field."""
    try:
        rules = msgspec.convert(data, _File).rules
        check(rules)
    except msgspec.ValidationError as wrong:
        raise ValueError(f"adjustments: {wrong}") from wrong
    except Invalid as wrong:
        raise ValueError(f"adjustments: {wrong.field}: {wrong.detail}") from wrong
    return rules


def check(rules: Sequence[AdjustmentRule]) -> None:
    """Raises `Invalid` (``invalid_rule``) with the offending field, as in ``/rules/2/max/EUR``."""
    names: set[str] = set()
    for i, rule in enumerate(rules):
        if rule.name in names:
            raise _no(i, "name", f"{rule.name} is taken")
        names.add(rule.name)
        if not rule.fixed and not rule.bps and not rule.floor:
            raise _no(i, "bps", "it comes to nothing: give fixed, bps or min")
        if rule.starts is not None and rule.ends is not None and rule.starts >= rule.ends:
            raise _no(i, "until", f"{rule.ends} is not after {rule.starts}")
        for currency in rule.floor.keys() & rule.cap.keys():
            if rule.cap[currency] < rule.floor[currency]:
                raise _no(i, f"max/{currency}", "it is less than min")
        tables = [set(table) for table in (rule.fixed, rule.floor, rule.cap) if table]
        if tables and not set[str].intersection(*tables):
            raise _no(i, "fixed", "no currency stands in all tables of amounts, so the rule can never match")


def due(rules: Sequence[AdjustmentRule], case: Case) -> list[Due]:
    """What the rules make of a case, in their order; each that matches counts."""
    found = [Due(rule=rule, amount=rule.amount(case.currency, case.total)) for rule in rules if rule.matches(case)]
    return [each for each in found if each.amount > 0]


def _no(i: int, field: str, why: str) -> Invalid:
    return Invalid("invalid_rule", why, field=f"/rules/{i}/{field}")
