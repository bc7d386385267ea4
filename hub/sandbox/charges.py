"""Charges: what a confirmed payment leaves behind, on the platform and (as ``py_…``) on connected accounts."""

from hub.sandbox.answers import Json
from hub.sandbox.call import Call
from hub.sandbox.cards import TestCard
from hub.sandbox.forms import Params
from hub.sandbox.lists import ListParams, page
from hub.sandbox.payment_methods import BILLING, details

OUTCOMES = {
    "succeeded": {"network_status": "approved_by_network", "type": "authorized", "reason": None},
    "failed": {
        "network_status": "declined_by_network",
        "type": "issuer_declined",
    },
}


class ChargeList(ListParams, kw_only=True):
    payment_intent: str | None = None
    transfer_group: str | None = None


def blank(amount: int, currency: str) -> Json:
    """The fields every charge has."""
    return {
        "amount": amount,
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": BILLING,
        "calculated_statement_descriptor": "SANDBOX",
        "captured": False,
        "currency": currency,
        "customer": None,
        "description": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "metadata": {},
        "on_behalf_of": None,
        "outcome": None,
        "paid": True,
        "payment_intent": None,
        "payment_method": None,
        "payment_method_details": None,
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }


def of_intent(call: Call, intent: Json, card: TestCard, capture_before: int | None) -> Json:
    """The charge that a confirmation makes, failed if the card is declined."""
    status = "failed" if card.code else "succeeded"
    fields = blank(intent["amount"], intent["currency"]) | {
        "customer": intent["customer"],
        "description": intent["description"],
        "failure_code": card.code,
        "failure_message": card.message or None,
        "metadata": intent["metadata"],
        "outcome": OUTCOMES[status] | {"risk_level": "normal", "risk_score": 8} | ({"reason": card.decline_code} if card.code else {}),
        "paid": status == "succeeded",
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": details(card, intent["amount"], capture_before),
        "status": status,
        "transfer_group": intent["transfer_group"],
        "_dispute": card.dispute,
        "_refunds": card.refunds,
    }
    charge = call.new("charge", fields)
    call.announce(f"charge.{status}", charge)
    return charge


def get(call: Call, params: Params) -> Json:
    """One charge."""
    del params
    return call.need("charge", call.ids[0])


def find(call: Call, params: ChargeList) -> Json:
    """The caller's charges, newest first."""
    return page(
        call,
        "charge",
        "/v1/charges",
        params,
        [("$.payment_intent", "=", params.payment_intent), ("$.transfer_group", "=", params.transfer_group)],
    )
