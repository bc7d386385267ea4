"""Which of Stripe's kinds of events (docs.stripe.com/api/events/types) say something to us, and what each is about.

An endpoint is asked for these alone: Stripe tells several more of every payment, and to hear one that says nothing costs as much.
"""

from collections.abc import Mapping

_PAYMENT = ("amount_capturable_updated", "canceled", "partially_funded", "payment_failed", "processing", "requires_action", "succeeded")
_DISPUTE = ("closed", "created", "funds_reinstated", "funds_withdrawn", "updated")
_PAYOUT = ("canceled", "created", "failed", "paid", "reconciliation_completed", "updated")

OURS: Mapping[str, str] = {
    **{f"payment_intent.{kind}": "payment" for kind in _PAYMENT},
    **{f"refund.{kind}": "refund" for kind in ("created", "failed", "updated")},
    "charge.refund.updated": "refund",
    **{f"charge.dispute.{kind}": "dispute" for kind in _DISPUTE},
}
"""At our own account. ``payment_intent.created`` only says that we have just made one, ``charge.refunded`` repeats ``refund.…``; our
own payouts are booked by reconciliation."""

THEIRS: Mapping[str, str] = {
    **{f"payout.{kind}": "payout" for kind in _PAYOUT},
    **{f"account.external_account.{kind}": "bank" for kind in ("created", "deleted", "updated")},
    "account.updated": "account",
    "account.application.authorized": "account",
    "account.application.deauthorized": "account",
    "capability.updated": "account",
}
"""At the accounts that are connected to it, the vendors'."""
