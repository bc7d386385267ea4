"""What other commission rules would have taken of past sales, beside what was taken."""

import heapq
from collections.abc import Mapping

import msgspec

from hub.pricing.charge import Sale, charge
from hub.pricing.commission import Commission

LARGEST = 20
"""So many of the largest differences are shown."""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """A sub-order as it was sold and charged, in minor units; `by_rule` is without tax."""

    id: str
    order_id: str
    sale: Sale
    commission: int
    tax: int
    by_rule: Mapping[str, int]


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken, in minor units."""

    commission: int = 0
    tax: int = 0

    @property
    def total(self) -> int:
        """With its tax."""
        return self.commission + self.tax

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(commission=self.commission + other.commission, tax=self.tax + other.tax)


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """What was charged, and what the proposed rules would charge; `sales` were looked at, `changed` of them differ."""

    charged: Taken = Taken()
    proposed: Taken = Taken()
    sales: int = 0
    changed: int = 0

    def __add__(self, other: "Pair") -> "Pair":
        return Pair(
            charged=self.charged + other.charged,
            proposed=self.proposed + other.proposed,
            sales=self.sales + other.sales,
            changed=self.changed + other.changed,
        )


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One sub-order that would have been charged differently."""

    sub_order_id: str
    order_id: str
    vendor: str
    currency: str
    charged: Taken
    proposed: Taken

    @property
    def amount(self) -> int:
        """How much more we would take."""
        return self.proposed.total - self.charged.total


class Comparison:
    """Adds up sale by sale; amounts of different currencies never meet."""

    def __init__(self, proposed: Commission) -> None:
        self._rules = proposed
        self.totals: dict[str, Pair] = {}
        """By currency."""
        self.by_vendor: dict[tuple[str, str], Pair] = {}
        """By vendor and currency."""
        self.by_rule: dict[tuple[str, str], Pair] = {}
        """By rule and currency; `sales` and `changed` are not counted, `charged` is without tax."""
        self._largest: list[tuple[int, str, Difference]] = []

    def add(self, past: Past) -> None:
        """One more sale."""
        sale = past.sale
        would = charge(self._rules, sale)
        charged, proposed = Taken(commission=past.commission, tax=past.tax), Taken(commission=would.commission, tax=would.tax)
        pair = Pair(charged=charged, proposed=proposed, sales=1, changed=int(charged != proposed))
        self.totals[sale.currency] = self.totals.get(sale.currency, Pair()) + pair
        key = (sale.vendor, sale.currency)
        self.by_vendor[key] = self.by_vendor.get(key, Pair()) + pair
        for rule, amount in past.by_rule.items():
            self._add_rule(rule, sale.currency, Pair(charged=Taken(commission=amount)))
        for item in would.items:
            if item.rule:
                self._add_rule(item.rule, sale.currency, Pair(proposed=Taken(commission=item.charged)))
        if charged != proposed:
            self._note(
                Difference(
                    sub_order_id=past.id,
                    order_id=past.order_id,
                    vendor=sale.vendor,
                    currency=sale.currency,
                    charged=charged,
                    proposed=proposed,
                )
            )

    @property
    def largest(self) -> list[Difference]:
        """The largest differences first."""
        return [difference for _, _, difference in sorted(self._largest, key=lambda one: (-one[0], one[1]))]

    def _add_rule(self, rule: str, currency: str, pair: Pair) -> None:
        self.by_rule[rule, currency] = self.by_rule.get((rule, currency), Pair()) + pair

    def _note(self, difference: Difference) -> None:
        heapq.heappush(self._largest, (abs(difference.amount), difference.sub_order_id, difference))
        if len(self._largest) > LARGEST:
            heapq.heappop(self._largest)
