"""The laws of money, written from the design and not from the hub's own checks: books, payments, and the provider's own records."""

from collections import Counter
from collections.abc import Iterator

from hub.simulation.facts import FALLEN, Facts, grouped

CANNOT_OWE = ("order", "receipts", "held", "reserve", "refund")
KEPT = (*CANNOT_OWE, "vendor", "dispute")


def books_balance(f: Facts) -> Iterator[str]:
    """What one account gives another gets, in one currency, above zero; and nothing is posted twice."""
    known = {transaction.id for transaction in f.rows("ledger_transactions")}
    for posting in f.rows("ledger_postings"):
        if posting.amount <= 0 or posting.source == posting.destination or posting.currency != f.currency:
            yield f"posting {posting.id} is none: {posting}"
        if posting.transaction_id not in known:
            yield f"posting {posting.id} is of no transaction"
    for (kind, cause), twice in Counter((t.kind, t.cause) for t in f.rows("ledger_transactions")).items():
        if twice > 1:
            yield f"{kind} was posted {twice} times for {cause}"


def balances_are_postings(f: Facts) -> Iterator[str]:
    """What is kept as an account's balance is what its postings add up to, and no account that cannot owe is below zero."""
    kept = {row.account: row.balance for row in f.rows("ledger_balances")}
    for account, balance in f.balances().items():
        first = account.partition(":")[0]
        if first in KEPT and ":" in account and kept.pop(account, 0) != balance:
            yield f"{account} is not kept at {balance}"
        if first in CANNOT_OWE and balance < 0:
            yield f"{account} owes {-balance}"
    for account, balance in kept.items():
        if balance:
            yield f"{account} is kept at {balance} without postings"


def captured_is_shared_out(f: Facts) -> Iterator[str]:
    """Captured = the parts that were accepted = vendors' shares + commission + tax - what we bear of discounts."""
    payments = grouped(f.rows("payments"), lambda payment: payment.order_id)
    refunded = {refund.sub_order_id for refund in f.rows("refunds")}
    for order_id in f.orders:
        captured = [payment for payment in payments.get(order_id, []) if payment.state == "captured"]
        if len(captured) > 1:
            yield f"{order_id} was captured {len(captured)} times"
        if f.balance("order", order_id):
            yield f"{order_id}: {f.balance('order', order_id)} of its money is not shared out"
        if not captured:
            continue
        taken = captured[0].captured
        accepted = [sub for sub in f.parts[order_id] if sub.state not in FALLEN or sub.id in refunded]
        if taken != sum(sub.total for sub in accepted):
            yield f"{order_id}: captured {taken}, accepted {[sub.total for sub in accepted]}"
        for sub in accepted:
            lines = sum(line.quantity * line.unit_price for line in f.lines[sub.id])
            if sub.total != lines + sub.shipping_price - sub.discount:
                yield f"{sub.id} costs {sub.total}, its lines and shipping say otherwise"


def shares_are_held(f: Facts) -> Iterator[str]:
    """Each accepted part's share went to its vendor's hold, once and whole."""
    transactions = {t.id: t for t in f.rows("ledger_transactions")}
    given: Counter[str] = Counter()
    for posting in f.rows("ledger_postings"):
        if transactions[posting.transaction_id].kind == "allocate" and posting.destination.startswith("held:"):
            given[posting.destination] += posting.amount
    for sub in f.sub_orders.values():
        account = f"held:{sub.vendor}:{sub.id}"
        share = sub.total + sub.platform_discount - sub.commission - sub.commission_tax
        if given[account] not in {0, share}:
            yield f"{sub.id} was given {given[account]}, its share is {share}"


def provider_took_what_we_think(f: Facts) -> Iterator[str]:
    """At the provider: at most one capture per order, for what we booked; and nothing is held or taken of what we gave back."""
    charges = grouped(f.provider.charges(), lambda charge: charge.order_id)
    for order_id, made in charges.items():
        if len(made) > 1:
            yield f"{order_id}: the provider captured {len(made)} times"
    ours = {payment.order_id: payment for payment in f.rows("payments") if payment.state == "captured" and payment.captured}
    for order_id, payment in ours.items():
        made = charges.get(order_id, [])
        if [(charge.id, charge.amount) for charge in made] != [(payment.charge, payment.captured)]:
            yield f"{order_id}: we took {payment.captured} ({payment.charge}), the provider {[(c.id, c.amount) for c in made]}"
    for order_id in charges:
        if order_id not in ours:
            yield f"{order_id}: the provider took money that we know nothing of"
    for payment in f.provider.payments():
        if str(payment.phase) == "held":
            yield f"{payment.order_id}: {payment.id} still holds {payment.received} of the buyer's"


def one_key_for_one_step(f: Facts) -> Iterator[str]:
    """What moves money was asked of the provider under the id of its step, however often it was asked."""
    ours = {step.id for step in f.rows("steps")}
    there = f.provider
    for made in (*there.charges(), *there.transfers(), *there.reversals(), *there.refunds(), *there.payouts()):
        if made.key not in ours:
            yield f"{made.id} was asked for under {made.key}, which is the id of no step"


def vendors_got_what_we_think(f: Facts) -> Iterator[str]:
    """At most one transfer per share, each for what we booked."""
    made = f.provider.transfers()
    theirs = {transfer.id: transfer for transfer in made}
    for key, twice in Counter(transfer.key for transfer in made).items():
        if twice > 1:
            yield f"{twice} transfers were made under {key}"
    ours = {row.reference: row for row in f.rows("transfers") if row.state == "transferred"}
    for reference, row in ours.items():
        there = theirs.get(reference)
        if there is None or (there.amount, there.account) != (row.amount, row.account):
            yield f"transfer {row.id} of {row.order_id}: {row.amount} booked, {there and there.amount} sent"
    for reference, there in theirs.items():
        if reference not in ours:
            yield f"{there.order_id}: {reference} of {there.amount} was sent and is not booked"


def vendors_gave_back_what_we_think(f: Facts) -> Iterator[str]:
    """The same for what was taken back of a transfer, and for what was sent to a vendor's bank."""
    back = {row.reference: row for row in f.rows("reversals") if row.state == "reversed"}
    for reversal in f.provider.reversals():
        row = back.pop(reversal.id, None)
        if row is None or row.amount != reversal.amount:
            yield f"{reversal.order_id}: {reversal.id} took back {reversal.amount}, booked {row and row.amount}"
    for row in back.values():
        yield f"{row.order_id}: reversal {row.id} is booked and was never made"
    sent = {row.reference: row for row in f.rows("payouts") if row.reference}
    for payout in f.provider.payouts():
        row = sent.get(payout.id)
        if row is None or row.amount != payout.amount or (row.state == "failed") != (str(payout.state) == "failed"):
            yield f"payout {payout.id} of {payout.account} ({payout.amount}, {payout.state}): we have {row}"


def buyers_got_back_what_we_think(f: Facts) -> Iterator[str]:
    """A refund that has succeeded was made once and lasts; no order gives back more than it took."""
    made = grouped((refund for refund in f.provider.refunds() if str(refund.state) == "done"), lambda refund: refund.id)
    by_hand = {t.cause for t in f.rows("ledger_transactions") if "hand" in t.kind}
    for row in f.rows("refunds"):
        if row.kind != "refund" or row.state != "succeeded" or not row.amount:
            continue
        there = made.pop(row.reference, [])
        if row.id not in by_hand and [refund.amount for refund in there] != [row.amount]:
            yield f"{row.order_id}: refund {row.id} of {row.amount} succeeded, the provider made {[r.amount for r in there]}"
    for there in made.values():
        for refund in there:
            yield f"{refund.order_id}: the provider gave back {refund.amount} ({refund.id}), which no refund of ours knows"
    taken = {payment.order_id: payment.captured for payment in f.rows("payments") if payment.state == "captured"}
    given = Counter[str]()
    for row in f.rows("refunds"):
        given[row.order_id] += row.amount
        parts = row.from_held + row.from_reserve + row.from_reversal + row.from_debt
        if row.amount + row.discount != row.share + row.commission + row.tax or parts != row.share:
            yield f"{row.order_id}: refund {row.id} does not add up"
    for order_id, amount in given.items():
        if amount > taken.get(order_id, 0):
            yield f"{order_id} gave back {amount} of {taken.get(order_id, 0)}"


def clearing_is_the_providers_balance(f: Facts) -> Iterator[str]:
    """What our books say lies at the provider is what its movements add up to, to the cent."""
    there = sum(movement.net for movement in f.provider.movements())
    if f.balance("clearing", "stripe") != -there:
        yield f"the provider holds {there} for us, our books say {-f.balance('clearing', 'stripe')}"
    for account in f.provider.accounts_by:
        moved = sum(movement.net for movement in f.provider.movements(account))
        funds = f.provider.balance(account, f.currency)
        if moved != funds.available + funds.pending:
            yield f"{account} has moved {moved} and has {funds}"


def every_cent_ended(f: Facts) -> Iterator[str]:
    """Nothing is held, gathered or under way any more, but for orders that are an operator's."""
    for name, moving in {
        "payments": ("pending", "waiting", "authorized"),
        "refunds": ("requested", "gathering", "sending", "failed"),
        "reversals": ("sending",),
        "transfers": ("held", "sending"),
        "payouts": ("requested",),
    }.items():
        for row in f.rows(name):
            if row.state in moving and getattr(row, "order_id", None) not in f.given_up:
                yield f"{name}: {row.id} of {getattr(row, 'order_id', row)} is {row.state} for ever"
    for account, balance in f.balances().items():
        first, _, rest = account.partition(":")
        sub = f.sub_orders.get(rest.rpartition(":")[2])
        if balance and first in {"held", "reserve", "receipts", "refund"} and (sub is None or sub.order_id not in f.given_up):
            yield f"{account} still holds {balance}"
        if balance and first == "dispute":
            yield f"{account} is borne by nobody: {balance}"


LAWS = (
    books_balance,
    balances_are_postings,
    captured_is_shared_out,
    shares_are_held,
    provider_took_what_we_think,
    one_key_for_one_step,
    vendors_got_what_we_think,
    vendors_gave_back_what_we_think,
    buyers_got_back_what_we_think,
    clearing_is_the_providers_balance,
    every_cent_ended,
)
