"""Reversals: money taken back from a connected account, never more than was transferred."""

from typing import Annotated

import msgspec
from msgspec import Meta

from hub.sandbox import balance
from hub.sandbox.answers import Json, missing, refused
from hub.sandbox.call import Call
from hub.sandbox.forms import Params
from hub.sandbox.lists import PageParams, page

NEED_FUNDS = "reversals_need_funds"
"""Whether an account may not go below zero even where the platform bears its losses (Stripe's documents allow both readings)."""


class Create(Params, kw_only=True):
    amount: Annotated[int, Meta(ge=1)] | None = None
    description: str | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict[str, str])


def create(call: Call, params: Create) -> Json:
    """Take back `amount`, or all that is left. Below zero only where the platform bears the account's losses."""
    transfer = call.need("transfer", call.ids[0], "transfer")
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = params.amount or left
    owner = transfer["destination"]
    if left == 0:
        raise refused(f"The transfer {transfer['id']} is already fully reversed.", code="transfer_already_reversed")
    if amount > left:
        raise refused(f"Reversal amount ({amount}) is greater than unreversed amount ({left}).", param="amount")
    account = call.need("account", owner, "destination")
    # Stripe: "only if the destination account has enough balance"; what it does where the platform bears losses is simulated.
    ours = account["controller"]["losses"]["payments"] == "application"
    if not ours or call.store.fact(NEED_FUNDS) or account.get("_needs_funds"):
        balance.need_available(call.acting_for(owner), amount, transfer["currency"])
    fields: Json = {
        "amount": amount,
        "balance_transaction": None,
        "currency": transfer["currency"],
        "destination_payment_refund": None,
        "metadata": params.metadata,
        "source_refund": None,
        "transfer": transfer["id"],
    }
    reversal = call.new("transfer_reversal", fields)
    reversal["balance_transaction"] = balance.post(call, "transfer_refund", reversal, amount)["id"]
    reversal["destination_payment_refund"] = _payment_refund(call, transfer, amount)["id"]
    call.store.put(reversal)
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    call.store.put(transfer)
    call.announce("transfer.reversed", transfer)
    return reversal


def get(call: Call, params: Params) -> Json:
    """One reversal of that transfer."""
    del params
    reversal = call.need("transfer_reversal", call.ids[1])
    if reversal["transfer"] != call.ids[0]:
        raise missing("transfer reversal", call.ids[1], "id")
    return reversal


def find(call: Call, params: PageParams) -> Json:
    """Reversals of that transfer, newest first."""
    transfer = call.need("transfer", call.ids[0], "transfer")
    return page(call, "transfer_reversal", f"/v1/transfers/{transfer['id']}/reversals", params, [("$.transfer", "=", transfer["id"])])


def _payment_refund(call: Call, transfer: Json, amount: int) -> Json:
    theirs = call.acting_for(transfer["destination"])
    fields: Json = {
        "amount": amount,
        "balance_transaction": None,
        "charge": transfer["destination_payment"],
        "currency": transfer["currency"],
        "metadata": {},
        "payment_intent": None,
        "reason": None,
        "status": "succeeded",
    }
    refund = theirs.new("refund", fields, prefix="pyr")
    refund["balance_transaction"] = balance.post(theirs, "payment_refund", refund, -amount)["id"]
    call.store.put(refund)
    payment = theirs.need("charge", transfer["destination_payment"])
    payment["amount_refunded"] += amount
    payment["refunded"] = payment["amount_refunded"] == payment["amount_captured"]
    call.store.put(payment)
    return refund
