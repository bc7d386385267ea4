"""Screen an order by rules that are data; the rule set is empty for now, so every order passes."""

from collections.abc import Callable, Sequence

import msgspec

SCREEN = "risk.screen"


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule may look at; `total` in minor units."""

    customer_id: str
    total: int
    currency: str
    country: str


Rule = Callable[[Facts], str | None]
"""A rule gives the reason to refuse, or None."""

RULES: Sequence[Rule] = ()


def screen(facts: Facts, rules: Sequence[Rule] = RULES) -> str | None:
    """The first reason to refuse the order, or None."""
    return next((reason for rule in rules if (reason := rule(facts)) is not None), None)
