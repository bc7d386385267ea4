"""The laws of money, I1 to I10: what must hold of the books, and between the books and the tables of each slice."""

from hub.ledger.recipes import NEVER_NEGATIVE
from hub.ops.law import Law

MOVES = (
    "(SELECT destination AS account, currency, amount FROM ledger_postings UNION ALL SELECT source, currency, -amount FROM ledger_postings)"
)
FALLEN = "('declined','canceled','expired')"
_NEVER_NEGATIVE = ", ".join(f"'{word.rstrip(':')}'" for word in NEVER_NEGATIVE)
_ASKED_ONCE = "('payment.capture','payment.void','payout.transfer','payout.credit','refund.reverse')"
"""Steps that ask a provider and never wait for anybody else: open for long, they are in doubt."""

MONEY_LAWS: tuple[Law, ...] = (
    Law(
        name="I1_books_balance",
        says="all accounts together hold nothing",
        breaches=f"SELECT currency, sum(amount) FROM {MOVES} m GROUP BY currency HAVING sum(amount) <> 0",
        heavy=True,
    ),
    Law(
        name="I1_balances_are_postings",
        says="the balances that PostgreSQL keeps are what the postings add up to",
        breaches="SELECT coalesce(b.account, s.account) AS account, b.balance, s.amount FROM ("
        f"SELECT account, currency, sum(amount) AS amount FROM {MOVES} m "
        "WHERE account LIKE '%:%' AND account NOT LIKE 'clearing:%' GROUP BY account, currency) s "
        "FULL JOIN ledger_balances b ON b.account = s.account AND b.currency = s.currency "
        "WHERE coalesce(b.balance, 0) <> coalesce(s.amount, 0)",
        heavy=True,
    ),
    Law(
        name="I2_movements_explained",
        says="what the provider has booked and we have read is matched with the books or in suspense",
        breaches="SELECT m.id, m.gateway, m.kind, m.net, m.currency FROM provider_movements m JOIN reconcile_cursors c "
        "ON c.gateway = m.gateway WHERE m.standing = 'open' AND m.at < c.settled_until",
    ),
    Law(
        name="I3_capture_allocated",
        says="what was captured for an order is wholly shared out",
        breaches="SELECT o.id AS order_id, b.currency, b.balance FROM orders o JOIN ledger_balances b ON b.account = 'order:' || o.id "
        "WHERE b.balance <> 0 {only}",
        narrow="o.id",
    ),
    Law(
        name="I3_one_capture",
        says="an order is captured at most once",
        breaches="SELECT t.order_id, count(*) FROM ledger_transactions t WHERE t.kind = 'capture' {only} "
        "GROUP BY t.order_id HAVING count(*) > 1",
        narrow="t.order_id",
    ),
    Law(
        name="I3_captured_is_booked",
        says="the books and the payments name the same amounts",
        breaches="SELECT p.order_id, sum(p.captured) AS captured, coalesce(b.amount, 0) AS booked FROM payments p LEFT JOIN LATERAL ("
        "SELECT sum(l.amount) AS amount FROM ledger_transactions t JOIN ledger_postings l ON l.transaction_id = t.id "
        "WHERE t.order_id = p.order_id AND t.kind = 'capture' AND l.destination = 'order:' || p.order_id) b ON true "
        "WHERE true {only} GROUP BY p.order_id, b.amount HAVING sum(p.captured) <> coalesce(b.amount, 0)",
        narrow="p.order_id",
    ),
    Law(
        name="I3_captured_is_what_was_accepted",
        says="captured equals the parts that were accepted: those still standing and those refunded",
        breaches="SELECT p.order_id, p.captured, coalesce(sum(s.total), 0) AS accepted FROM payments p LEFT JOIN sub_orders s "
        f"ON s.order_id = p.order_id AND (s.state NOT IN {FALLEN} OR EXISTS (SELECT FROM refunds r WHERE r.sub_order_id = s.id)) "
        "WHERE p.state = 'captured' {only} GROUP BY p.order_id, p.captured HAVING p.captured <> coalesce(sum(s.total), 0)",
        narrow="p.order_id",
    ),
    Law(
        name="I3_shares_as_frozen",
        says="each part's hold was given exactly its share: its total and our part of the discount, less commission and tax",
        breaches="SELECT s.order_id, s.id AS sub_order_id, sum(l.amount) AS given, s.total, s.platform_discount, "
        "s.commission, s.commission_tax "
        "FROM sub_orders s JOIN ledger_transactions t ON t.order_id = s.order_id AND t.kind = 'allocate' "
        "LEFT JOIN ledger_postings l ON l.transaction_id = t.id AND l.destination = 'held:' || s.vendor || ':' || s.id "
        f"WHERE (s.state NOT IN {FALLEN} OR l.id IS NOT NULL) {{only}} GROUP BY s.id "
        "HAVING coalesce(sum(l.amount), 0) <> s.total + s.platform_discount - s.commission - s.commission_tax",
        narrow="s.order_id",
    ),
    Law(
        name="I4_charge_covers_transfers",
        says="no charge is drawn on for more than it took",
        breaches="SELECT p.order_id, p.charge, p.captured, sum(t.amount - t.reversed) AS drawn FROM payments p "
        "JOIN transfers t ON t.order_id = p.order_id AND t.charge = p.charge WHERE true {only} GROUP BY p.id "
        "HAVING sum(t.amount - t.reversed) > p.captured",
        narrow="p.order_id",
    ),
    Law(
        name="I4_sent_only_when_released",
        says="what is sent or was sent was released to an account, and only of a captured payment",
        breaches="SELECT t.order_id, t.id, t.state, t.amount, t.account FROM transfers t WHERE t.state IN ('sending','transferred') "
        "AND (t.account IS NULL OR t.amount = 0 OR t.order_id IS NOT NULL AND NOT EXISTS ("
        "SELECT FROM payments p WHERE p.order_id = t.order_id AND p.state = 'captured')) {only}",
        narrow="t.order_id",
    ),
    Law(
        name="I5_reversed_is_taken_back",
        says="what a transfer says came back is what its reversals brought or are about to",
        breaches="SELECT t.order_id, t.id, t.amount, t.reversed, coalesce(sum(r.amount), 0) AS reversals FROM transfers t "
        "LEFT JOIN reversals r ON r.transfer_id = t.id AND r.state <> 'refused' WHERE true {only} GROUP BY t.id "
        "HAVING t.reversed <> coalesce(sum(r.amount), 0) OR t.reversed > t.amount",
        narrow="t.order_id",
    ),
    Law(
        name="I5_refunded_within_captured",
        says="no payment gives back more than it took",
        breaches="SELECT p.order_id, p.captured, sum(r.amount) AS refunded FROM payments p JOIN refunds r ON r.payment_id = p.id "
        "WHERE true {only} GROUP BY p.id HAVING sum(r.amount) > p.captured",
        narrow="p.order_id",
    ),
    Law(
        name="I5_refunds_are_pieces",
        says="what refunds give back is what is noted as given back on the pieces, so that all of it returns exactly every cent",
        breaches="SELECT s.order_id, s.id AS sub_order_id, coalesce(r.gross, 0) AS refunded, "
        "s.shipping_refunded + coalesce(l.refunded, 0) AS noted "
        "FROM sub_orders s LEFT JOIN LATERAL (SELECT sum(refunded) AS refunded FROM lines WHERE sub_order_id = s.id) l ON true "
        "LEFT JOIN LATERAL (SELECT sum(amount + discount) AS gross FROM refunds WHERE sub_order_id = s.id) r ON true "
        "WHERE coalesce(r.gross, 0) <> s.shipping_refunded + coalesce(l.refunded, 0) {only}",
        narrow="s.order_id",
    ),
    Law(
        name="I6_never_negative",
        says="no account that cannot owe is below zero",
        breaches="SELECT account, currency, balance FROM ledger_balances WHERE balance < 0 "
        f"AND split_part(account, ':', 1) IN ({_NEVER_NEGATIVE})",
        heavy=True,
    ),
    Law(
        name="I6_share_goes_somewhere",
        says="every cent of a share is held, reserved, transferred, netted or refunded",
        breaches="SELECT s.order_id, s.id AS sub_order_id, g.given, h.here, m.moved, r.gone FROM sub_orders s "
        "JOIN LATERAL (SELECT coalesce(sum(l.amount), 0) AS given FROM ledger_transactions t "
        "JOIN ledger_postings l ON l.transaction_id = t.id "
        "WHERE t.order_id = s.order_id AND t.kind = 'allocate' AND l.destination = 'held:' || s.vendor || ':' || s.id) g ON true "
        "JOIN LATERAL (SELECT coalesce(sum(balance), 0) AS here FROM ledger_balances "
        "WHERE account IN ('held:' || s.vendor || ':' || s.id, 'reserve:' || s.vendor || ':' || s.id)) h ON true "
        "JOIN LATERAL (SELECT coalesce(sum(netted) + sum(amount) FILTER (WHERE state = 'transferred'), sum(netted), 0) AS moved "
        "FROM transfers WHERE sub_order_id = s.id) m ON true "
        "JOIN LATERAL (SELECT coalesce(sum(from_held + from_reserve), 0) AS gone FROM refunds WHERE sub_order_id = s.id) r ON true "
        "WHERE g.given <> h.here + m.moved + r.gone {only}",
        narrow="s.order_id",
    ),
    Law(
        name="I7_one_object_a_step",
        says="nothing of a provider is booked twice",
        breaches="SELECT t.reference, t.kind, count(*) FROM ledger_transactions t WHERE t.reference IS NOT NULL "
        "AND t.kind IN ('capture','transfer','reverse','refund') {only} GROUP BY t.reference, t.kind HAVING count(*) > 1",
        narrow="t.order_id",
    ),
    Law(
        name="I8_vendors_got_what_is_booked",
        says="what was transferred and taken back is booked, each once and to the cent",
        breaches="SELECT t.order_id, t.id, t.amount, t.taken, b.sent, b.back FROM ("
        "SELECT t.*, coalesce((SELECT sum(amount) FROM reversals r WHERE r.transfer_id = t.id AND r.state = 'reversed'), 0) AS taken "
        "FROM transfers t WHERE t.state = 'transferred' {only}) t JOIN LATERAL (SELECT "
        "coalesce((SELECT sum(l.amount) FROM ledger_transactions x JOIN ledger_postings l ON l.transaction_id = x.id "
        "WHERE x.reference = t.reference AND x.kind = 'transfer'), 0) AS sent, "
        "coalesce((SELECT sum(l.amount) FROM reversals r JOIN ledger_transactions x ON x.reference = r.reference AND x.kind = 'reverse' "
        "JOIN ledger_postings l ON l.transaction_id = x.id WHERE r.transfer_id = t.id AND r.state = 'reversed'), 0) AS back) b ON true "
        "WHERE b.sent <> t.amount OR b.back <> t.taken",
        narrow="t.order_id",
    ),
    Law(
        name="I9_nothing_in_doubt_for_long",
        says="no question to a provider has been without an answer for an hour",
        breaches="SELECT saga_id AS order_id, id, kind FROM steps WHERE state = 'open' AND target = '@hub' AND attempt > 0 "
        f"AND kind IN {_ASKED_ONCE} AND created_at < now() - interval '1 hour'",
    ),
    Law(
        name="I10_refunds_add_up",
        says="what a buyer gets back and what we had added are the vendor's part, our commission and the tax on it",
        breaches="SELECT order_id, id, amount, discount, share, commission, tax, "
        "from_held, from_reserve, from_reversal, from_debt FROM refunds r "
        "WHERE (amount + discount <> share + commission + tax OR state <> 'requested' "
        "AND from_held + from_reserve + from_reversal + from_debt <> share) {only}",
        narrow="r.order_id",
    ),
    Law(
        name="I10_gathered_for_refunds",
        says="what lies gathered for a refund is all of it until it is sent, and nothing afterwards",
        breaches="SELECT r.order_id, r.id, r.state, r.amount, r.discount, coalesce(b.balance, 0) AS gathered FROM refunds r "
        "LEFT JOIN ledger_balances b ON b.account = 'refund:' || r.id AND b.currency = r.currency WHERE r.kind = 'refund' AND CASE "
        "WHEN r.state IN ('sending','failed') THEN coalesce(b.balance, 0) <> r.amount + r.discount "
        "WHEN r.state = 'gathering' THEN coalesce(b.balance, 0) > r.amount + r.discount ELSE coalesce(b.balance, 0) <> 0 END {only}",
        narrow="r.order_id",
    ),
    Law(
        name="I10_disputes_are_borne",
        says="a dispute that has ended was given back or is borne, once what is taken back for it has gathered",
        breaches="SELECT d.order_id, d.id, d.state, b.balance FROM disputes d JOIN ledger_balances b ON b.account = 'dispute:' || d.id "
        "WHERE d.state IN ('won','lost') AND b.balance <> 0 AND NOT EXISTS (SELECT FROM refunds r WHERE r.dispute_id = d.id "
        "AND r.state <> 'disputed') AND NOT EXISTS (SELECT FROM steps t WHERE t.saga_id = d.order_id AND t.subject_id = d.id "
        "AND t.state = 'open') {only}",
        narrow="d.order_id",
    ),
    Law(
        name="nothing_held",
        says="no share is held or reserved any more: each is transferred, netted or refunded",
        breaches="SELECT account, currency, balance FROM ledger_balances WHERE balance <> 0 AND (account >= 'held:' AND account < 'held;' "
        "OR account >= 'reserve:' AND account < 'reserve;')",
        settled=True,
    ),
    Law(
        name="money_ends",
        says="no payment, refund, reversal or transfer is under way",
        breaches="SELECT order_id, id, state FROM payments WHERE state IN ('pending','waiting','authorized') "
        "UNION ALL SELECT order_id, id, state FROM refunds WHERE state IN ('requested','gathering','sending') "
        "UNION ALL SELECT order_id, id, state FROM reversals WHERE state = 'sending' "
        "UNION ALL SELECT order_id, id, state FROM transfers WHERE state IN ('held','sending')",
        settled=True,
    ),
)
