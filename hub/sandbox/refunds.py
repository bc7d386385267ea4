"""Refunds of captured charges, in whole or in parts, never more than was captured."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hub.sandbox import disputes, refund_outcomes
from hub.sandbox.answers import Json, invalid, refused
from hub.sandbox.call import Call
from hub.sandbox.forms import Params
from hub.sandbox.lists import ListParams, page


class Create(Params, kw_only=True):
    amount: Annotated[int, Meta(ge=1)] | None = None
    charge: str | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    payment_intent: str | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None


class Update(Params, kw_only=True):
    metadata: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class RefundList(ListParams, kw_only=True):
    charge: str | None = None
    payment_intent: str | None = None


def create(call: Call, params: Create) -> Json:
    """Give back `amount`, or all that is left. The fee is not returned. It may have to wait for funds, or for the card's network."""
    charge = _charge(call, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = params.amount or left
    if disputes.forbids_refund(call, charge):
        raise refused(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if left == 0:
        raise refused(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if amount > left:
        raise refused(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).", param="amount")
    fields: Json = {
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "currency": charge["currency"],
        "description": None,
        "failure_balance_transaction": None,
        "failure_reason": None,
        "metadata": params.metadata,
        "payment_intent": charge["payment_intent"],
        "reason": params.reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
        "_owner": call.account,
    }
    refund = refund_outcomes.begin(call, call.new("refund", fields), charge)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    call.store.put(charge)
    call.announce("refund.created", refund)
    call.announce("charge.refunded", charge)
    return refund


def update(call: Call, params: Update) -> Json:
    """Change the metadata, which is all that may be changed."""
    refund = call.need("refund", call.ids[0])
    refund["metadata"] |= params.metadata
    call.store.put(refund)
    call.announce("refund.updated", refund)
    return refund


def cancel(call: Call, params: Params) -> Json:
    """Call back a refund that is still pending."""
    del params
    refund = call.need("refund", call.ids[0])
    if refund["status"] != "pending":
        raise refused(
            f"Refund {refund['id']} is {refund['status']}: only a pending refund can be canceled.", code="refund_unexpected_state"
        )
    return refund_outcomes.cancel(call, refund)


def get(call: Call, params: Params) -> Json:
    """One refund."""
    del params
    return call.need("refund", call.ids[0])


def find(call: Call, params: RefundList) -> Json:
    """Refunds, newest first."""
    return page(call, "refund", "/v1/refunds", params, [("$.charge", "=", params.charge), ("$.payment_intent", "=", params.payment_intent)])


def _charge(call: Call, params: Create) -> Json:
    if params.charge:
        charge = call.need("charge", params.charge, "charge")
    elif params.payment_intent:
        intent = call.need("payment_intent", params.payment_intent, "payment_intent")
        if intent["latest_charge"] is None:
            raise refused("This PaymentIntent does not have a successful charge to refund.", param="payment_intent")
        charge = call.need("charge", intent["latest_charge"], "charge")
    else:
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or charge.", code="parameter_missing"
        )
    if not charge["captured"]:
        raise refused(f"Charge {charge['id']} is not captured: cancel its PaymentIntent instead.", param="charge")
    return charge
