"""Payouts from an owner's available balance to its bank, which arrive by the sandbox's clock."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hub.sandbox import balance
from hub.sandbox.answers import Json, refused
from hub.sandbox.call import Call
from hub.sandbox.forms import Params
from hub.sandbox.lists import ListParams, page
from hub.sandbox.store import PLATFORM

ARRIVES_AFTER = 2 * 24 * 3600


class Create(Params, kw_only=True):
    amount: Annotated[int, Meta(ge=1)]
    currency: Annotated[str, Meta(pattern=r"^[a-zA-Z]{3}$")]
    description: str | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    method: Literal["standard", "instant"] = "standard"
    statement_descriptor: str | None = None


class PayoutList(ListParams, kw_only=True):
    status: Literal["canceled", "failed", "in_transit", "paid", "pending"] | None = None


def create(call: Call, params: Create) -> Json:
    """Send available money to the bank."""
    currency = params.currency.lower()
    if call.account != PLATFORM and not call.acting_for(PLATFORM).need("account", call.account)["payouts_enabled"]:
        raise refused("Cannot create payouts: this account has not finished onboarding.", code="payouts_not_allowed")
    balance.need_available(call, params.amount, currency)
    arrives = call.now if params.method == "instant" else call.now + ARRIVES_AFTER
    fields: Json = {
        "amount": params.amount,
        "arrival_date": arrives,
        "automatic": False,
        "balance_transaction": None,
        "currency": currency,
        "description": params.description,
        "destination": None,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "metadata": params.metadata,
        "method": params.method,
        "original_payout": None,
        "reconciliation_status": "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": params.statement_descriptor,
        "status": "pending",
        "type": "bank_account",
        "_due": arrives,
        "_owner": call.account,
    }
    payout = call.new("payout", fields)
    payout["balance_transaction"] = balance.post(call, "payout", payout, -params.amount)["id"]
    call.announce("payout.created", payout)
    return call.store.put(payout)


def arrive(call: Call, payout: Json) -> None:
    """The bank has it."""
    payout |= {"status": "paid", "_due": None}
    call.store.put(payout)
    call.announce("payout.paid", payout)


def get(call: Call, params: Params) -> Json:
    """One payout."""
    del params
    return call.need("payout", call.ids[0])


def find(call: Call, params: PayoutList) -> Json:
    """The caller's payouts, newest first."""
    return page(call, "payout", "/v1/payouts", params, [("$.status", "=", params.status)])
