"""Payouts from an owner's available balance to its bank: they arrive by the sandbox's clock, or fail, even after they arrived."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from hub.sandbox import balance
from hub.sandbox.answers import Json, refused
from hub.sandbox.call import Call
from hub.sandbox.forms import Params
from hub.sandbox.lists import ListParams, page
from hub.sandbox.store import PLATFORM

ARRIVES_AFTER = 2 * 24 * 3600

FAILURES = {
    "account_closed": "The bank account has been closed.",
    "account_frozen": "The bank account has been frozen.",
    "bank_account_restricted": "The bank account has restrictions on the type or number of transfers allowed.",
    "could_not_process": "The bank could not process this payout.",
    "debit_not_authorized": "Debit transactions are not approved on the bank account.",
    "declined": "The bank has declined this payout.",
    "incorrect_account_holder_name": "The bank notified us that the account holder name on file is incorrect.",
    "invalid_account_number": "The routing number seems correct, but the account number is invalid.",
    "invalid_currency": "The bank was unable to process this payout because of its currency.",
    "no_account": "The bank account could not be located.",
}
"""Codes a bank gives (docs.stripe.com/api/payouts/failures); the texts are simulated."""


class Create(Params, kw_only=True):
    amount: Annotated[int, Meta(ge=1)]
    currency: Annotated[str, Meta(pattern=r"^[a-zA-Z]{3}$")]
    description: str | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    method: Literal["standard", "instant"] = "standard"
    statement_descriptor: str | None = None


class Reverse(Params, kw_only=True):
    metadata: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class PayoutList(ListParams, kw_only=True):
    status: Literal["canceled", "failed", "in_transit", "paid", "pending"] | None = None


class Failure(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the bank sends it back."""

    failure_code: str = "account_closed"


def create(call: Call, params: Create) -> Json:
    """Send available money to the bank."""
    currency = params.currency.lower()
    if call.account != PLATFORM and not call.acting_for(PLATFORM).need("account", call.account)["payouts_enabled"]:
        raise refused("Cannot create payouts: this account has not finished onboarding.", code="payouts_not_allowed")
    balance.need_available(call, params.amount, currency)
    payout = blank(call, params.amount, currency, instant=params.method == "instant")
    payout |= {"description": params.description, "metadata": params.metadata, "statement_descriptor": params.statement_descriptor}
    return send(call, payout)


def blank(call: Call, amount: int, currency: str, *, instant: bool = False) -> Json:
    """A payout that has moved nothing yet."""
    arrives = call.now if instant else call.now + ARRIVES_AFTER
    fields: Json = {
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": arrives,
        "automatic": False,
        "balance_transaction": None,
        "currency": currency,
        "description": None,
        "destination": None,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "metadata": {},
        "method": "instant" if instant else "standard",
        "original_payout": None,
        "reconciliation_status": "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "pending",
        "trace_id": None,
        "type": "bank_account",
        "_due": arrives,
        "_owner": call.account,
    }
    return call.new("payout", fields)


def send(call: Call, payout: Json, *, available_on: int | None = None) -> Json:
    """Take the money from the balance and say so."""
    payout["balance_transaction"] = balance.post(call, "payout", payout, -payout["amount"], available_on=available_on)["id"]
    call.announce("payout.created", payout)
    return call.store.put(payout)


def arrive(call: Call, payout: Json) -> None:
    """The bank has it; Stripe then knows which transactions an automatic one held."""
    payout |= {"status": "paid", "_due": None}
    if payout["automatic"]:
        payout["reconciliation_status"] = "completed"
    call.store.put(payout)
    call.announce("payout.paid", payout)
    if payout["automatic"]:
        call.announce("payout.reconciliation_completed", payout)


def cancel(call: Call, params: Params) -> Json:
    """Call a manual payout back before it leaves."""
    del params
    payout = call.need("payout", call.ids[0])
    if payout["status"] != "pending" or payout["automatic"]:
        raise _unexpected(payout, "canceled")
    payout |= {"status": "canceled", "_due": None}
    payout["failure_balance_transaction"] = balance.post(call, "payout_cancel", payout, payout["amount"])["id"]
    call.store.put(payout)
    call.announce("payout.canceled", payout)
    return payout


def reverse(call: Call, params: Reverse) -> Json:
    """Debit the bank for a payout that arrived; a payout of the opposite amount, whose money is available when it has come."""
    payout = call.need("payout", call.ids[0])
    if payout["status"] != "paid" or payout["reversed_by"] or payout["original_payout"]:
        raise _unexpected(payout, "reversed")
    back = blank(call, -payout["amount"], payout["currency"])
    back |= {"original_payout": payout["id"], "metadata": params.metadata}
    call.store.put(payout | {"reversed_by": back["id"]})
    return send(call, back, available_on=back["arrival_date"])


def fail(call: Call, payout: Json, failure: Failure) -> Json:
    """The bank sends it back, perhaps after it was reported as paid; the money is on the balance again."""
    if payout["status"] not in {"pending", "in_transit", "paid"} or payout["reversed_by"]:
        raise _unexpected(payout, "failed")
    code = failure.failure_code
    if code not in FAILURES:
        raise refused(f"The sandbox knows these failure codes: {', '.join(FAILURES)}.", param="failure_code")
    payout |= {"status": "failed", "failure_code": code, "failure_message": FAILURES[code], "_due": None}
    payout["failure_balance_transaction"] = balance.post(call, "payout_failure", payout, payout["amount"])["id"]
    call.store.put(payout)
    call.announce("payout.failed", payout)
    return payout


def get(call: Call, params: Params) -> Json:
    """One payout."""
    del params
    return call.need("payout", call.ids[0])


def find(call: Call, params: PayoutList) -> Json:
    """The caller's payouts, newest first."""
    return page(call, "payout", "/v1/payouts", params, [("$.status", "=", params.status)])


def _unexpected(payout: Json, verb: str) -> Exception:
    return refused(f"Payout {payout['id']} is {payout['status']} and cannot be {verb}.", code="payout_unexpected_state")
