"""Checks the hub's side of the end: orders, books, stock, and the laws of `hub.ops`."""

from collections.abc import Mapping, Sequence

from sqlalchemy import text

from hub.ops import invariants
from hub.replay.expected import Expected
from hub.replay.files import CURRENCY, Recorded, Shop
from hub.replay.verdict import Verdict, amount, count, no_exceptions
from hub.runtime.database import Tx
from hub.sandbox.disputes import FEE as DISPUTE_FEE

COMPLETED = "completed"
NOTHING_LEFT = {
    "order": "captured and not shared out",
    "held": "held for vendors",
    "reserve": "kept in reserve",
    "refund": "gathered for refunds",
    "dispute": "taken by disputes and borne by nobody",
    "losses": "our own losses by disputes",
    "suspense": "unexplained movements",
}
"""Kinds of accounts that hold nothing in the end."""
_ACCOUNTS = text(
    "SELECT split_part(account, ':', 1) AS account, sum(amount)::bigint AS amount FROM ("
    " SELECT destination AS account, amount FROM ledger_postings WHERE currency = :currency"
    " UNION ALL SELECT source, -amount FROM ledger_postings WHERE currency = :currency) moves GROUP BY 1"
)
_ORDERS = text(
    "SELECT o.id, o.state, o.total, coalesce(p.captured, 0) AS captured, (SELECT coalesce(sum(r.amount), 0)::bigint FROM refunds r"
    " WHERE r.order_id = o.id AND r.kind = 'refund' AND r.state = 'succeeded') AS refunded"
    " FROM orders o LEFT JOIN payments p ON p.order_id = o.id WHERE o.id = ANY(:ids)"
)
_STOCK = text(
    "SELECT coalesce(sum(s.on_hand), 0)::bigint AS on_hand, coalesce(sum(s.reserved), 0)::bigint AS reserved,"
    " coalesce(sum(s.shipped), 0)::bigint AS shipped FROM stock s JOIN offers o ON o.id = s.offer_id WHERE o.vendor = ANY(:codes)"
)
_MOVED = text(
    "SELECT coalesce(sum(p.amount), 0)::bigint FROM ledger_postings p JOIN ledger_transactions t ON t.id = p.transaction_id"
    " WHERE p.currency = :currency AND t.kind = :kind AND :account = CASE WHEN :into THEN p.destination ELSE p.source END"
)
_STRIPE = "clearing:stripe"


async def balances(tx: Tx) -> dict[str, int]:
    """What each kind of account holds; those of one kind (`held:…`) together."""
    return {row.account: row.amount for row in await tx.rows(_ACCOUNTS.bindparams(currency=CURRENCY))}


async def check_orders(tx: Tx, orders: Sequence[Recorded], placed: Mapping[str, str], refunded: Mapping[str, int]) -> list[Verdict]:
    """Each order has ended as the buyer wanted, cost what the files say, and gave back what was planned."""
    rows = {row.id: row for row in await tx.rows(_ORDERS.bindparams(ids=list(placed.values())))}
    ended = {order.id: rows[placed[order.id]] for order in orders if placed.get(order.id) in rows}
    elsewhere = [f"{row.id} {row.state}" for row in ended.values() if row.state != COMPLETED]
    wrong = [
        f"{order.id} costs {order.total}, captured {ended[order.id].captured}"
        for order in orders
        if order.id in ended and ended[order.id].captured != order.total
    ]
    otherwise = [
        f"{order}: {refunded.get(order, 0)} planned, {row.refunded} refunded"
        for order, row in ended.items()
        if row.refunded != refunded.get(order, 0)
    ]
    return [
        count("every recorded order is an order of its own", len(orders), len(ended)),
        no_exceptions("an order that is not completed", elsewhere),
        no_exceptions("an order whose capture is not the file's total", wrong),
        no_exceptions("an order of which something else was refunded", otherwise),
    ]


async def check_books(tx: Tx, expected: Expected) -> list[Verdict]:
    """The books hold the files' totals less what went back, and nothing else in this currency."""
    account = await balances(tx)

    async def into(account: str, kind: str) -> int:
        return int(await tx.scalar(_MOVED.bindparams(currency=CURRENCY, kind=kind, account=account, into=True)))

    async def out_of(account: str, kind: str) -> int:
        return int(await tx.scalar(_MOVED.bindparams(currency=CURRENCY, kind=kind, account=account, into=False)))

    kept = await into(_STRIPE, "transfer") - await out_of(_STRIPE, "reverse") + account.get("vendor", 0)
    refunded = await into(_STRIPE, "refund") - await out_of(_STRIPE, "refund_failed") + await into("bank", "refund_by_hand")
    return [
        amount("captured in the books", expected.captured, await out_of(_STRIPE, "capture")),
        amount("commission in the books", expected.commission, account.get("commission", 0)),
        amount("transferred to vendors, less reversed, less their debts", expected.transferred, kept),
        amount("refunded to buyers in the books", sum(expected.refunded.values()), refunded),
        amount("of that by hand from our own bank", expected.by_hand, account.get("bank", 0)),
        amount("fees for disputes in the books", -DISPUTE_FEE * (expected.won + expected.lost), account.get("dispute_fees", 0)),
        *(amount(f"left over: {what}", 0, account.get(name, 0)) for name, what in NOTHING_LEFT.items()),
        amount("all accounts together", 0, sum(account.values())),
    ]


async def check_stock(tx: Tx, shops: Sequence[Shop], expected: Expected) -> list[Verdict]:
    """Every unit there was has been shipped: nothing was sold twice, nothing is left."""
    row = await tx.row(_STOCK.bindparams(codes=[shop.code for shop in shops]))
    found = (row.on_hand, row.reserved, row.shipped) if row is not None else (0, 0, 0)
    demand = (0, 0, expected.units)
    return [Verdict("units on hand, reserved, shipped", str(demand), str(found))]


async def check_laws(tx: Tx) -> list[Verdict]:
    """The laws of a world at rest."""
    breaches = await invariants.check(tx, settled=True)
    return [no_exceptions(law.says, [breach.facts for breach in breaches if breach.law == law.name]) for law in invariants.LAWS]
