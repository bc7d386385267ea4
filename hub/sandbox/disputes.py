"""Disputes: the holder's bank takes the money back with a fee, and gives it back if the dispute is won. The fee stays."""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from hub.sandbox import balance
from hub.sandbox.answers import Json, public, refused
from hub.sandbox.call import Call
from hub.sandbox.forms import Params
from hub.sandbox.lists import ListParams, page

FEE = 1_500
"""The simulated fee of a dispute, minor units of the charge's currency. Not Stripe's price list."""

ANSWER_WITHIN = 21 * 24 * 3600
"""Seconds until an unanswered dispute is lost (Stripe: 7 to 21 days, by network)."""

OPEN = {"needs_response", "under_review", "warning_needs_response", "warning_under_review"}
INQUIRIES = {"warning_needs_response", "warning_under_review", "warning_closed"}
REFUNDABLE = INQUIRIES | {"won"}
ENDINGS = {"winning_evidence": "won", "losing_evidence": "lost"}
"""Stripe's test evidence: what is written in `uncategorized_text` decides (docs.stripe.com/testing#disputes)."""


class Evidence(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is simulated of Stripe's evidence; kept as given."""

    access_activity_log: str | None = None
    billing_address: str | None = None
    cancellation_policy: str | None = None
    cancellation_rebuttal: str | None = None
    customer_communication: str | None = None
    customer_email_address: str | None = None
    customer_name: str | None = None
    customer_purchase_ip: str | None = None
    customer_signature: str | None = None
    product_description: str | None = None
    receipt: str | None = None
    refund_policy: str | None = None
    refund_refusal_explanation: str | None = None
    service_date: str | None = None
    service_documentation: str | None = None
    shipping_address: str | None = None
    shipping_carrier: str | None = None
    shipping_date: str | None = None
    shipping_documentation: str | None = None
    shipping_tracking_number: str | None = None
    uncategorized_text: str | None = None


class Update(Params, kw_only=True):
    evidence: Evidence = Evidence()
    metadata: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    submit: bool | None = None
    """Whether the evidence goes to the bank now; by default it does when some is given."""


class DisputeList(ListParams, kw_only=True):
    charge: str | None = None
    payment_intent: str | None = None


Outcome = Literal["won", "lost"]


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    """A dispute on demand. `amount` None is all that was captured; without `withdraw` it is an inquiry that takes nothing yet."""

    amount: int | None = None
    reason: str = "fraudulent"
    withdraw: bool = True


def open_on(call: Call, charge: Json, order: Order) -> Json:
    """The holder disputes the charge. Refused a second time, and above what was captured."""
    amount = charge["amount_captured"] if order.amount is None else order.amount
    if charge["disputed"]:
        raise refused(f"Charge {charge['id']} has already been disputed.", code="charge_disputed")
    if not 0 < amount <= charge["amount_captured"]:
        raise refused(f"A dispute is of 1 to {charge['amount_captured']}, which was captured; not of {amount}.", param="amount")
    due_by = call.now + ANSWER_WITHIN
    card = charge["payment_method_details"]["card"]
    fields: Json = {
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": _blank_evidence(),
        "evidence_details": {
            "due_by": due_by,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": not order.withdraw,
        "metadata": {},
        "network_reason_code": None,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": card["brand"],
                "case_type": "chargeback" if order.withdraw else "inquiry",
                "network": card["network"],
                "network_reason_code": None,
            },
            "type": "card",
        },
        "reason": order.reason,
        "status": "needs_response" if order.withdraw else "warning_needs_response",
        "_due": due_by,
        "_owner": call.account,
    }
    dispute = call.new("dispute", fields)
    call.store.put(charge | {"disputed": True})
    call.announce("charge.dispute.created", dispute)
    if order.withdraw:
        _withdraw(call, dispute)
    return dispute


def escalate(call: Call, dispute: Json) -> Json:
    """An inquiry becomes a dispute: now the money goes."""
    if dispute["status"] not in {"warning_needs_response", "warning_under_review"}:
        raise _unexpected(dispute, "escalated")
    dispute |= {"status": "needs_response", "is_charge_refundable": False, "_due": call.now + ANSWER_WITHIN}
    dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    call.announce("charge.dispute.updated", dispute)
    _withdraw(call, dispute)
    return dispute


def end(call: Call, dispute: Json, outcome: Outcome) -> Json:
    """The bank has decided. Won: the amount comes back, the fee does not. An inquiry is closed either way and cost nothing."""
    if dispute["status"] not in OPEN:
        raise _unexpected(dispute, "closed")
    inquiry = dispute["status"] in INQUIRIES
    status = "warning_closed" if inquiry else outcome
    dispute |= {"status": status, "is_charge_refundable": status in REFUNDABLE, "_due": None}
    if status == "won":
        back = balance.post(call, "adjustment", dispute, dispute["amount"], category="dispute_reversal")
        dispute["balance_transactions"].append(balance.settled(public(back), call.now))
    call.store.put(dispute)
    call.announce("charge.dispute.closed", dispute)
    if status == "won":
        call.announce("charge.dispute.funds_reinstated", dispute)
    return dispute


def lapse(call: Call, dispute: Json) -> None:
    """Nobody answered in time: lost. What is under review waits for the bank."""
    if dispute["status"] in {"needs_response", "warning_needs_response"}:
        dispute["evidence_details"]["past_due"] = True
        end(call, dispute, "lost")
    else:
        call.store.put(dispute | {"_due": None})


def update(call: Call, params: Update) -> Json:
    """Keep evidence; with `submit` it goes to the bank."""
    dispute = call.need("dispute", call.ids[0])
    if dispute["status"] not in OPEN:
        raise _unexpected(dispute, "updated")
    given: dict[str, Any] = msgspec.to_builtins(params.evidence)
    dispute["evidence"] |= given
    dispute["metadata"] |= params.metadata
    details = dispute["evidence_details"]
    details["has_evidence"] = details["has_evidence"] or bool(given)
    submitted = bool(given) if params.submit is None else params.submit and details["has_evidence"]
    if submitted:
        details |= {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}
        dispute["status"] = "warning_under_review" if dispute["status"] in INQUIRIES else "under_review"
    call.store.put(dispute)
    call.announce("charge.dispute.updated", dispute)
    ending = ENDINGS.get(dispute["evidence"]["uncategorized_text"] or "")
    if ending is not None and submitted:
        return end(call, dispute, "won" if ending == "won" else "lost")
    return dispute


def close(call: Call, params: Params) -> Json:
    """Give up: the dispute is lost."""
    del params
    return end(call, call.need("dispute", call.ids[0]), "lost")


def get(call: Call, params: Params) -> Json:
    """One dispute."""
    del params
    return call.need("dispute", call.ids[0])


def find(call: Call, params: DisputeList) -> Json:
    """The caller's disputes, newest first."""
    conditions = [("$.charge", "=", params.charge), ("$.payment_intent", "=", params.payment_intent)]
    return page(call, "dispute", "/v1/disputes", params, conditions)


def forbids_refund(call: Call, charge: Json) -> bool:
    """Whether the money of the charge is in the bank's hands, or lost to it."""
    found = call.store.find("dispute", call.account, [("$.charge", "=", charge["id"])], limit=1) if charge["disputed"] else []
    return bool(found) and found[0]["status"] not in REFUNDABLE


def _withdraw(call: Call, dispute: Json) -> None:
    gone = balance.post(call, "adjustment", dispute, -dispute["amount"], fee=FEE, category="dispute")
    dispute["balance_transactions"].append(balance.settled(public(gone), call.now))
    call.store.put(dispute)
    call.announce("charge.dispute.funds_withdrawn", dispute)


def _blank_evidence() -> Json:
    blank: Json = dict.fromkeys(Evidence.__struct_fields__)
    return blank | {"enhanced_evidence": {}}


def _unexpected(dispute: Json, verb: str) -> Exception:
    return refused(f"This dispute is {dispute['status']} and cannot be {verb}.", code="dispute_unexpected_state")
