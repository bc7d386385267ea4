"""When a vendor is suspended by rule: its figures against the thresholds of the marketplace, and what follows from a breach."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hub.kernel.errors import Invalid
from hub.promises.figures import FIGURES, RATES, Figure

Days = Literal[7, 30, 90]
PERIODS: tuple[Days, ...] = (7, 30, 90)
BPS_MAX = 10_000
RULES_MAX = 50

Threshold = Annotated[int, Meta(ge=0, le=10**9, description="hundredths of a percent, seconds or letters, as the figure has it")]


class SuspensionRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A vendor whose `figure` over so many days is `below` or `above` a threshold breaks it, once at least `orders_min` are behind it."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    figure: Annotated[str, Meta(min_length=1, max_length=64)]
    days: Days = 30
    below: Threshold | None = None
    above: Threshold | None = None
    orders_min: Annotated[int, Meta(ge=1, le=10**6)] = 10

    def broken_by(self, figure: Figure) -> bool:
        """Whether this is too little, or too much; of too few orders nothing is said."""
        if figure.value is None or figure.among < self.orders_min:
            return False
        return (self.below is not None and figure.value < self.below) or (self.above is not None and figure.value > self.above)


Rules = Annotated[list[SuspensionRule], Meta(max_length=RULES_MAX)]


class Suspension(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules; a vendor is warned when it breaks one, and suspended if it still does `notice_seconds` later."""

    rules: Rules = []
    notice_seconds: Annotated[int, Meta(ge=0, le=365 * 86_400)] = 3 * 86_400
    vendors_per_day: Annotated[int, Meta(ge=0, le=10**6)] = 3
    """More are not suspended in one day (UTC), whatever they break: rather the rules, or we, are wrong."""


def check(rules: Sequence[SuspensionRule], field: str = "/suspension/rules") -> None:
    """Raises `Invalid` (``invalid_rule``) with the offending field, as in ``/suspension/rules/2/figure``."""
    names: set[str] = set()
    for number, rule in enumerate(rules):
        here = f"{field}/{number}"
        if rule.name in names:
            raise Invalid("invalid_rule", f"{rule.name} is taken", field=f"{here}/name")
        names.add(rule.name)
        if rule.figure not in FIGURES:
            raise Invalid("invalid_rule", f"there is no figure {rule.figure}; known: {', '.join(FIGURES)}", field=f"{here}/figure")
        if (rule.below is None) == (rule.above is None):
            raise Invalid("invalid_rule", "give one of below and above", field=f"{here}/below")
        limit = rule.below if rule.above is None else rule.above
        if rule.figure in RATES and limit is not None and limit > BPS_MAX:
            side = "below" if rule.above is None else "above"
            raise Invalid("invalid_rule", f"more than the whole ({BPS_MAX})", field=f"{here}/{side}")


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that a vendor breaks, with its figure."""

    rule: SuspensionRule
    figure: Figure

    @property
    def says(self) -> str:
        """In words, for people."""
        r, f = self.rule, self.figure
        limit = f"below {r.below}" if r.above is None else f"above {r.above}"
        return f"{r.name}: {r.figure} {f.value} {f.unit} is {limit} ({f.of} of {f.among} in {r.days} days)"


def breaches(rules: Sequence[SuspensionRule], figures: Mapping[Days, Mapping[str, Figure]]) -> list[Breach]:
    """The rules that a vendor's figures break, in their order."""
    found = [Breach(rule=rule, figure=figures[rule.days][rule.figure]) for rule in rules]
    return [breach for breach in found if breach.rule.broken_by(breach.figure)]


Verdict = Literal["warn", "wait", "suspend"]


def verdict(warned_at: datetime | None, now: datetime, notice_seconds: float) -> Verdict:
    """What follows from a breach: a warning first, and once its notice is over the suspension."""
    if warned_at is None:
        return "warn"
    return "suspend" if now >= warned_at + timedelta(seconds=notice_seconds) else "wait"
