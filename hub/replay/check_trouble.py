"""Checks that every planned trouble was one: counted in the hub by what became of it."""

from collections import Counter
from collections.abc import Mapping

import msgspec
from sqlalchemy import text

from hub.kernel import money
from hub.replay.expected import Expected
from hub.replay.files import CURRENCY
from hub.replay.trouble import Kind, Trouble
from hub.replay.verdict import Verdict, count, no_exceptions
from hub.runtime.database import Tx

_COUNTS = text(
    "SELECT (SELECT count(*) FROM refunds WHERE kind = 'refund' AND state = 'succeeded') AS refunds,"
    " (SELECT count(*) FROM refunds WHERE kind = 'dispute' AND state = 'disputed') AS borne,"
    " (SELECT count(*) FROM ledger_transactions WHERE kind = 'refund_failed') AS failed,"
    " (SELECT count(*) FROM disputes WHERE state = 'won') AS won, (SELECT count(*) FROM disputes WHERE state = 'lost') AS lost,"
    " (SELECT count(*) FROM refunds WHERE from_held > 0) AS before, (SELECT count(*) FROM refunds WHERE from_reversal > 0) AS after,"
    " (SELECT count(*) FROM reversals WHERE state = 'reversed') AS reversed,"
    " (SELECT count(*) FROM reversals WHERE state = 'refused') AS refused,"
    " (SELECT coalesce(sum(from_debt), 0)::bigint FROM refunds WHERE currency = :currency) AS indebted,"
    " (SELECT coalesce(sum(netted), 0)::bigint FROM transfers WHERE currency = :currency) AS netted,"
    " (SELECT coalesce(-sum(balance), 0)::bigint FROM ledger_balances"
    "   WHERE account LIKE 'vendor:%' AND currency = :currency AND balance < 0) AS owed"
)
_UNPAID = text("SELECT order_id, vendor, from_debt, share FROM refunds WHERE order_id = ANY(:ids) AND from_debt <> share")
_NETTED = text("SELECT count(*) FROM transfers WHERE vendor = ANY(:vendors) AND netted > 0 GROUP BY vendor")


class Counts(msgspec.Struct, frozen=True):
    """What went wrong in the hub; amounts in minor units. `before` and `after`: what was gathered before and after the transfer."""

    refunds: int
    borne: int
    failed: int
    won: int
    lost: int
    before: int
    after: int
    reversed: int
    refused: int
    indebted: int
    netted: int
    owed: int

    def __str__(self) -> str:
        shown = [money.show(amount, CURRENCY) for amount in (self.indebted, self.netted, self.owed)]
        return (
            f"{self.refunds} refunds and {self.borne} sub-orders borne by their vendor after a dispute,"
            f" {self.before} out of the hold, {self.after} after the transfer;"
            f" {self.failed} refunds failed late; disputes: {self.won} won, {self.lost} lost; reversals: {self.reversed} made,"
            f" {self.refused} refused; vendors' debts: {shown[0]} made, {shown[1]} netted with later shares, {shown[2]} still owed"
        )


async def counts(tx: Tx) -> Counts:
    """Of the whole hub."""
    found = await tx.one(_COUNTS.bindparams(currency=CURRENCY), Counts)
    return found or Counts(*[0] * len(Counts.__struct_fields__))


async def check_trouble(
    tx: Tx, found: Counts, expected: Expected, troubles: Mapping[str, Trouble], placed: Mapping[str, str]
) -> list[Verdict]:
    """As many of each as planned; the debts were debts, and were netted."""
    debts = [trouble.order for trouble in troubles.values() if trouble.kind is Kind.DEBT]
    vendors = sorted({good.code for order in debts for good in order.units})
    paid = await tx.rows(_UNPAID.bindparams(ids=[placed[order.id] for order in debts if order.id in placed]))
    netting = await tx.rows(_NETTED.bindparams(vendors=vendors))
    return [
        count("refunds that buyers have", expected.refunds, found.refunds),
        count("refunds that came back from the buyer's bank", expected.failed, found.failed),
        count("disputes won", expected.won, found.won),
        count("disputes lost", expected.lost, found.lost),
        count("sub-orders whose vendor bears a lost dispute", expected.borne, found.borne),
        no_exceptions("a refund that an empty account has paid", [f"{row.order_id} {row.from_debt} of {row.share}" for row in paid]),
        count("vendors whose debt was netted with a later share", len(vendors), len(netting)),
    ]


def planned(troubles: Mapping[str, Trouble]) -> str:
    """What will go wrong, kind by kind."""
    kinds = Counter((trouble.kind, trouble.early) for trouble in troubles.values())
    words = [f"{number} x {kind}{' (before the transfer)' if early else ''}" for (kind, early), number in sorted(kinds.items())]
    return f"{len(troubles)} orders go wrong: {', '.join(words)}" if words else "no order goes wrong"
