"""The sandbox's money: balance transactions, the simulated fee, and what an owner has pending and available."""

from typing import Any, Literal

import msgspec

from hub.sandbox.answers import Json, invalid, refused
from hub.sandbox.call import Call
from hub.sandbox.forms import Params
from hub.sandbox.lists import ListParams, page

FEE_PER_10_000 = 290
FEE_FIXED = 25
SETTLES_AFTER = 2 * 24 * 3600
"""Card payments become available two days after capture, as in Stripe's faster countries."""

CATEGORIES = {
    "adjustment": "other_adjustment",
    "payment": "charge",
    "payment_refund": "refund",
    "payout_cancel": "payout_reversal",
    "payout_failure": "payout_reversal",
    "stripe_fee": "fee",
    "transfer_refund": "transfer_reversal",
}
"""Reporting categories by type (docs.stripe.com/reports/reporting-categories); the others are named like their type."""


def fee_of(amount: int) -> int:
    """The simulated fee on a charge: 2.9 % + 25 minor units of the charge's currency, half up. Not Stripe's price list."""
    return (amount * FEE_PER_10_000 + 5_000) // 10_000 + FEE_FIXED


def post(  # noqa: PLR0913  # what a movement is, all by name but the first four
    call: Call, kind: str, source: Json, amount: int, *, fee: int = 0, available_on: int | None = None, category: str | None = None
) -> Json:
    """Book a movement on the balance of the call's account. `amount` is signed, before the fee; available at once by default.

    `category` is Stripe's reporting category where the kind of movement has several.
    """
    currency = source["currency"]
    what = "Simulated dispute fee" if category == "dispute" else "Simulated processing fee"
    fees: list[Json] = [{"amount": fee, "application": None, "currency": currency, "description": what, "type": "stripe_fee"}]
    fields: Json = {
        "amount": amount,
        "available_on": call.now if available_on is None else available_on,
        "balance_type": "payments",
        "currency": currency,
        "description": source.get("description"),
        "exchange_rate": None,
        "fee": fee,
        "fee_details": fees if fee else [],
        "net": amount - fee,
        "reporting_category": category or CATEGORIES.get(kind, kind),
        "source": source.get("id"),
        "status": "pending",
        "type": kind,
    }
    return call.new("balance_transaction", fields)


def available(call: Call, currency: str) -> int:
    """What the call's account may move now, minor units."""
    return call.sum(
        "SELECT sum(json_extract(body, '$.net')) FROM objects WHERE kind = 'balance_transaction' AND owner = ? "
        "AND json_extract(body, '$.currency') = ? AND json_extract(body, '$.available_on') <= ?",
        call.account,
        currency,
        call.now,
    )


def need_available(call: Call, amount: int, currency: str) -> None:
    """Raises the refusal Stripe gives if the available balance does not cover `amount`."""
    if available(call, currency) < amount:
        raise refused(
            "You have insufficient available funds in your account. Funds of recent charges are pending until they settle; "
            "a transfer can use them at once with source_transaction.",
            code="balance_insufficient",
        )


def total(call: Call, currency: str) -> int:
    """What the call's account has, available and pending, minor units."""
    return call.sum(
        "SELECT sum(json_extract(body, '$.net')) FROM objects WHERE kind = 'balance_transaction' AND owner = ? "
        "AND json_extract(body, '$.currency') = ?",
        call.account,
        currency,
    )


class BalanceParams(Params):
    pass


class Movement(msgspec.Struct, forbid_unknown_fields=True):
    """Money that Stripe itself takes or gives, on demand; `amount` is signed, minor units."""

    amount: int
    currency: str
    type: Literal["adjustment", "stripe_fee"] = "stripe_fee"
    description: str | None = None


def book(call: Call, movement: Movement) -> Json:
    """A movement that no object of ours caused, as Stripe's monthly fees are."""
    return post(call, movement.type, {"currency": movement.currency.lower(), "description": movement.description}, movement.amount)


class BalanceTransactionList(ListParams, kw_only=True):
    currency: str | None = None
    payout: str | None = None
    source: str | None = None
    type: str | None = None


def balance(call: Call, params: BalanceParams) -> Json:
    """What the caller has, by currency."""
    del params
    rows: list[Any] = call.store.db.execute(
        "SELECT json_extract(body, '$.currency'), "
        "coalesce(sum(json_extract(body, '$.net')) FILTER (WHERE json_extract(body, '$.available_on') <= ?2), 0), "
        "coalesce(sum(json_extract(body, '$.net')) FILTER (WHERE json_extract(body, '$.available_on') > ?2), 0) "
        "FROM objects WHERE kind = 'balance_transaction' AND owner = ?1 GROUP BY 1 ORDER BY 1",
        (call.account, call.now),
    ).fetchall() or [("usd", 0, 0)]
    return {
        "object": "balance",
        "available": [{"amount": ready, "currency": currency, "source_types": {"card": ready}} for currency, ready, _ in rows],
        "livemode": False,
        "pending": [{"amount": waiting, "currency": currency, "source_types": {"card": waiting}} for currency, _, waiting in rows],
    }


def settled(obj: Json, now: int) -> Json:
    """A balance transaction as it reads at `now`."""
    return obj | {"status": "available" if obj["available_on"] <= now else "pending"}


def transactions(call: Call, params: BalanceTransactionList) -> Json:
    """The caller's balance transactions, newest first. By payout only for an automatic one: of a manual one Stripe does not know."""
    if params.payout is not None and not call.need("payout", params.payout, "payout")["automatic"]:
        raise invalid("Balance transaction history can only be filtered on automatic payouts, not manual.", param="payout")
    conditions = [
        ("$.currency", "=", params.currency),
        ("$.source", "=", params.source),
        ("$.type", "=", params.type),
        ("$._payout", "=", params.payout),
    ]
    return page(call, "balance_transaction", "/v1/balance_transactions", params, conditions)


def transaction(call: Call, params: Params) -> Json:
    """One balance transaction."""
    del params
    return call.need("balance_transaction", call.ids[0])
