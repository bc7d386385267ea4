"""Tries other commission rules on past orders: what they would have taken, beside what was taken; nothing is written."""

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.kernel.errors import Invalid
from hub.orders.past_sales import Period, past_sales
from hub.pricing.commission import Commission, Rules, check
from hub.pricing.tax import TaxRates
from hub.pricing.what_if import Comparison, Difference, Pair, Taken
from hub.runtime.database import Tx

ORDERS_MAX = 5_000


class WhatIf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"starts": "from", "ends": "until"}):
    """Rules as in `commission.toml`, and the orders to try them on: placed from `from` up to but not including `until` (UTC)."""

    rules: Rules
    tax: TaxRates = msgspec.field(default_factory=TaxRates)
    starts: date
    ends: date
    vendor: Annotated[str, Meta(max_length=64)] | None = None
    orders_max: Annotated[int, Meta(ge=1, le=ORDERS_MAX)] = ORDERS_MAX


class TakenView(msgspec.Struct, frozen=True, kw_only=True):
    """What we take, in minor units: fees, and the tax on them. As a difference it may be negative."""

    commission: int
    tax: int


class Taking(msgspec.Struct, frozen=True, kw_only=True):
    """What was charged, what the rules would have charged, and how much more that is."""

    charged: TakenView
    proposed: TakenView
    difference: TakenView


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """Of all `sales` (sub-orders) in a currency, of one vendor where it is named; `changed` of them would have been charged differently."""

    vendor: str | None
    currency: str
    taken: Taking
    sales: int
    changed: int


class RuleTotal(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule took and would take, without tax, in minor units; a vendor's own terms are called ``vendor:…``."""

    rule: str
    currency: str
    charged: int
    proposed: int


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """One sub-order that would have been charged differently."""

    sub_order_id: str
    order_id: str
    vendor: str
    currency: str
    taken: Taking


class WhatIfView(msgspec.Struct, frozen=True, kw_only=True):
    """The answer; `totals` are by currency, `largest` are the largest differences."""

    totals: list[Total]
    by_vendor: list[Total]
    by_rule: list[RuleTotal]
    largest: list[Changed]


async def try_rules(tx: Tx, wanted: WhatIf) -> WhatIfView:
    """Compare. Raises `Invalid` as `check` and `past_sales` do, and ``invalid_period``."""
    check(wanted.rules)
    if wanted.starts >= wanted.ends:
        raise Invalid("invalid_period", f"{wanted.ends} is not after {wanted.starts}", field="/until")
    comparison = Comparison(Commission(rules=wanted.rules, tax=wanted.tax))
    period = Period(starts=wanted.starts, ends=wanted.ends, vendor=wanted.vendor)
    async for past in past_sales(tx, period, wanted.orders_max):
        comparison.add(past)
    return WhatIfView(
        totals=[_total(None, currency, pair) for currency, pair in sorted(comparison.totals.items())],
        by_vendor=[_total(vendor, currency, pair) for (vendor, currency), pair in sorted(comparison.by_vendor.items())],
        by_rule=[
            RuleTotal(rule=rule, currency=currency, charged=pair.charged.commission, proposed=pair.proposed.commission)
            for (rule, currency), pair in sorted(comparison.by_rule.items())
        ],
        largest=[_changed(found) for found in comparison.largest],
    )


def _total(vendor: str | None, currency: str, pair: Pair) -> Total:
    taken = _taking(pair.charged, pair.proposed)
    return Total(vendor=vendor, currency=currency, taken=taken, sales=pair.sales, changed=pair.changed)


def _changed(found: Difference) -> Changed:
    return Changed(
        sub_order_id=found.sub_order_id,
        order_id=found.order_id,
        vendor=found.vendor,
        currency=found.currency,
        taken=_taking(found.charged, found.proposed),
    )


def _taking(charged: Taken, proposed: Taken) -> Taking:
    return Taking(
        charged=TakenView(commission=charged.commission, tax=charged.tax),
        proposed=TakenView(commission=proposed.commission, tax=proposed.tax),
        difference=TakenView(commission=proposed.commission - charged.commission, tax=proposed.tax - charged.tax),
    )
