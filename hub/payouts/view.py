"""Payouts as vendors and operators see them, with what each contains as far as the provider tells."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from hub.kernel.money import Money
from hub.payments.facts import Movement
from hub.payments.ports import Gateways
from hub.payouts.states import PayoutState
from hub.payouts.store import Payout

AROUND_SECONDS = 86_400
"""The provider's clock is not ours: movements are asked for a day around, and cut by the payouts themselves."""


class PayoutView(msgspec.Struct, frozen=True, kw_only=True):
    """A payout; `reason` says why it failed (the provider's word, such as ``account_closed``)."""

    id: str
    vendor: str
    state: PayoutState
    amount: Money
    requested_by: str
    reason: str
    reference: str | None
    arrives_at: datetime | None
    created_at: datetime
    failed_at: datetime | None
    version: int


class PayoutPart(msgspec.Struct, frozen=True, kw_only=True):
    """A movement of the vendor's account, in the provider's words; `net` is signed, in minor units of the payout's currency."""

    id: str
    kind: str
    source: str | None
    net: int
    at: datetime


class PayoutWithParts(PayoutView, frozen=True, kw_only=True):
    """A payout with what came and went in the account since the payout before it; null where the provider does not tell now."""

    contains: list[PayoutPart] | None


def show(payout: Payout) -> PayoutView:
    """A payout as it is shown."""
    return PayoutView(**_fields(payout))


def show_with(payout: Payout, contains: list[PayoutPart] | None) -> PayoutWithParts:
    """A payout with its parts."""
    return PayoutWithParts(**_fields(payout), contains=contains)


async def contents(gateways: Gateways, payout: Payout, before: Payout | None) -> list[PayoutPart] | None:
    """What came and went since the payout `before`; None where that is not known. Raises what the gateway raises."""
    gateway = gateways.get(payout.gateway)
    if gateway is None or payout.reference is None:
        return None
    since = 0 if before is None else int(before.created_at.timestamp()) - AROUND_SECONDS
    until = int(payout.created_at.timestamp()) + AROUND_SECONDS
    movements = await gateway.movements(since=max(0, since), until=until, account=payout.account)
    return parts(movements, payout, before)


def parts(movements: Sequence[Movement], payout: Payout, before: Payout | None) -> list[PayoutPart] | None:
    """Of an account's movements, oldest first, those after the payout before and until this one, in its currency."""
    mine = [movement for movement in movements if movement.currency.upper() == payout.currency]
    sources = [movement.source for movement in mine]
    if payout.reference not in sources:
        return None
    end = sources.index(payout.reference)
    start = sources.index(before.reference) + 1 if before is not None and before.reference in sources[:end] else 0
    return [PayoutPart(id=m.id, kind=m.kind, source=m.source, net=m.net, at=m.at) for m in mine[start:end]]


def _fields(payout: Payout) -> dict[str, Any]:
    shown = {name: getattr(payout, name) for name in PayoutView.__struct_fields__ if name != "amount"}
    return {**shown, "amount": Money(amount=payout.amount, currency=payout.currency)}
