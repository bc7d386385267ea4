"""Checks the payment provider's side of the end: it charged, gave back and moved what was planned, and holds what the books say."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from hub.replay.expected import Expected
from hub.replay.files import CURRENCY, code_of
from hub.replay.sandbox import Provider
from hub.replay.verdict import Verdict, amount, count, no_exceptions
from hub.runtime.database import Tx

KNOWN = {"charge", "transfer", "refund", "refund_failure", "transfer_refund", "adjustment"}
_OWN = text(
    "SELECT v.code, v.connected_account AS account, coalesce(b.balance, 0)::bigint AS balance FROM vendors v"
    " LEFT JOIN ledger_balances b ON b.account = 'vendor:' || v.code AND b.currency = :currency"
)
_SENT = text("SELECT count(*) FROM transfers WHERE state = 'transferred' AND currency = :currency")


async def check_provider(tx: Tx, provider: Provider, expected: Expected, books: Mapping[str, int]) -> list[Verdict]:
    """`books` are the ledger's balances by kind of account."""
    booked = [entry for entry in await provider.all("balance_transactions") if entry["currency"] == CURRENCY.lower()]
    of: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in booked:
        of[entry["type"]].append(entry)
    transfers = [transfer for transfer in await provider.all("transfers") if transfer["currency"] == CURRENCY.lower()]
    refunded, disputed = of["refund"] + of["refund_failure"], of["adjustment"]
    return [
        amount("charged by the provider", expected.captured, sum(entry["amount"] for entry in of["charge"])),
        amount("the provider's fees are the books'", -sum(entry["fee"] for entry in of["charge"]), books.get("processing_fees", 0)),
        amount(
            "given back by the provider", sum(expected.refunded.values()) - expected.by_hand, -sum(entry["amount"] for entry in refunded)
        ),
        amount("taken by disputes at the provider", expected.disputed, -sum(entry["amount"] for entry in disputed)),
        amount("the provider's fees for disputes are the books'", -sum(entry["fee"] for entry in disputed), books.get("dispute_fees", 0)),
        count("transfers at the provider", int(await tx.scalar(_SENT.bindparams(currency=CURRENCY))), len(transfers)),
        no_exceptions("a vendor that has not exactly its share", await _wronged(tx, transfers, expected)),
        no_exceptions("a movement of a kind that was not planned", sorted(of.keys() - KNOWN)),
        amount("the provider's balance is the clearing account", -books.get("clearing", 0), sum(entry["net"] for entry in booked)),
    ]


async def _wronged(tx: Tx, transfers: list[dict[str, Any]], expected: Expected) -> list[str]:
    """What a vendor has been transferred, less what was taken back, less what it still owes, is its share."""
    got: Counter[str] = Counter()
    for transfer in transfers:
        got[transfer["destination"]] += transfer["amount"] - transfer["amount_reversed"]
    own = {row.code: row for row in await tx.rows(_OWN.bindparams(currency=CURRENCY))}
    wrong: list[str] = []
    for vendor, share in expected.shares.items():
        row = own.get(code_of(vendor))
        has = 0 if row is None else got[row.account] + row.balance
        if has != share:
            wrong.append(f"{vendor}: {share}, has {has}")
    return wrong
