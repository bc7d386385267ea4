"""Our share of a sale, of the goods and not of the shipping; the rules are data in `config/commission.toml`."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.kernel.money import basis_points

Bps = Annotated[int, Meta(ge=0, le=10_000)]


class CommissionRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What we take of a sale, in basis points of the goods; its name is frozen beside the amount."""

    name: str
    bps: Bps


def rule_from(data: Mapping[str, object]) -> CommissionRule:
    """The rule for vendors without terms of their own, from the data of the file. Raises `msgspec.ValidationError`."""
    return msgspec.convert(data, CommissionRule)


def commission(goods_total: int, rule: CommissionRule) -> int:
    """Our share of `goods_total` in minor units, rounded half up."""
    return basis_points(goods_total, rule.bps)
