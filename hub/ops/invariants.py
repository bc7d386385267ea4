"""The laws that must always hold, one query each: a row it returns is a breach."""

from typing import Any

import msgspec
from sqlalchemy import text

from hub.runtime.database import Tx


class Law(msgspec.Struct, frozen=True):
    """`settled` laws need not hold while orders are on their way, only once nothing moves any more."""

    name: str
    says: str
    breaches: str
    settled: bool = False


class Breach(msgspec.Struct, frozen=True):
    """One row that breaks a law."""

    law: str
    says: str
    facts: dict[str, Any]


_MOVES = (
    "(SELECT destination AS account, currency, amount FROM ledger_postings UNION ALL SELECT source, currency, -amount FROM ledger_postings)"
)
_FALLEN = "('declined','canceled','expired')"

LAWS: tuple[Law, ...] = (
    Law(
        "books_balance",
        "all accounts together hold nothing",
        f"SELECT currency, sum(amount) FROM {_MOVES} m GROUP BY currency HAVING sum(amount) <> 0",
    ),
    Law(
        "shares_positive",
        "no held share and no order account is negative",
        f"SELECT account, sum(amount) FROM {_MOVES} m WHERE account LIKE 'held:%' OR account LIKE 'order:%' GROUP BY account "
        "HAVING sum(amount) < 0",
    ),
    Law(
        "capture_allocated",
        "what was captured for an order is wholly shared out",
        f"SELECT account, sum(amount) FROM {_MOVES} m WHERE account LIKE 'order:%' GROUP BY account HAVING sum(amount) <> 0",
    ),
    Law(
        "one_capture",
        "an order is captured at most once, for its payment's amount",
        "SELECT t.order_id, count(DISTINCT t.id) FROM ledger_transactions t WHERE t.kind = 'capture' GROUP BY t.order_id "
        "HAVING count(DISTINCT t.id) > 1",
    ),
    Law(
        "captured_is_booked",
        "the books and the payments name the same amounts",
        "SELECT p.order_id, p.captured, coalesce(b.amount, 0) FROM payments p LEFT JOIN (SELECT t.order_id, sum(l.amount) AS amount "
        "FROM ledger_transactions t JOIN ledger_postings l ON l.transaction_id = t.id WHERE t.kind = 'capture' AND l.source = 'clearing' "
        "GROUP BY t.order_id) b ON b.order_id = p.order_id WHERE p.captured <> coalesce(b.amount, 0)",
    ),
    Law(
        "captured_is_what_was_accepted",
        "captured equals the parts that were accepted: those still standing and those refunded",
        f"SELECT p.order_id, p.captured, sum(s.total) FROM payments p JOIN sub_orders s ON s.order_id = p.order_id "
        f"LEFT JOIN refunds r ON r.sub_order_id = s.id WHERE p.state = 'captured' AND (s.state NOT IN {_FALLEN} OR r.id IS NOT NULL) "
        "GROUP BY p.order_id, p.captured HAVING p.captured <> sum(s.total)",
    ),
    Law(
        "transfer_is_share",
        "a transfer moves exactly the share less the commission",
        "SELECT t.id, t.amount, s.total, s.commission FROM transfers t JOIN sub_orders s ON s.id = t.sub_order_id "
        "WHERE t.amount <> s.total - s.commission",
    ),
    Law(
        "stock_adds_up",
        "on hand + reserved + shipped = received, none negative",
        "SELECT offer_id FROM stock WHERE on_hand + reserved + shipped <> received OR least(on_hand, reserved, shipped) < 0",
    ),
    Law(
        "promises_have_orders",
        "what is reserved is what living parts have not shipped",
        "SELECT k.offer_id, k.reserved, coalesce(sum(l.quantity) "
        "FILTER (WHERE s.state IN ('placed','reserved','routed','accepted','recalling')), 0) "
        "FROM stock k LEFT JOIN lines l ON l.offer_id = k.offer_id LEFT JOIN sub_orders s ON s.id = l.sub_order_id "
        "GROUP BY k.offer_id, k.reserved "
        "HAVING k.reserved <> coalesce(sum(l.quantity) FILTER (WHERE s.state IN ('placed','reserved','routed','accepted','recalling')), 0)",
    ),
    Law(
        "shipped_have_orders",
        "what is shipped is what shipped parts hold",
        "SELECT k.offer_id, k.shipped FROM stock k LEFT JOIN lines l ON l.offer_id = k.offer_id "
        "LEFT JOIN sub_orders s ON s.id = l.sub_order_id "
        "GROUP BY k.offer_id, k.shipped HAVING k.shipped <> coalesce(sum(l.quantity) "
        "FILTER (WHERE s.state IN ('shipped','delivered','settled')), 0)",
    ),
    Law("open_steps_are_due", "no open step without a time", "SELECT id FROM steps WHERE state = 'open' AND due_at IS NULL"),
    Law(
        "dead_steps_are_kept",
        "a dead step has a dead letter",
        "SELECT s.id FROM steps s WHERE s.state = 'dead' AND NOT EXISTS (SELECT FROM dead_letters d WHERE d.step_id = s.id)",
    ),
    Law(
        "living_orders_move",
        "an order on its way has an open step or a dead one that an operator sees",
        "SELECT o.id, o.state FROM orders o WHERE o.state NOT IN ('completed','declined','canceled','expired') "
        "AND NOT EXISTS (SELECT FROM steps s WHERE s.saga_id = o.id AND s.state IN ('open','dead'))",
    ),
    Law(
        "roll_up_is_true",
        "a completed order has only settled and fallen parts",
        "SELECT o.id FROM orders o WHERE o.state = 'completed' AND EXISTS (SELECT FROM sub_orders s "
        "WHERE s.order_id = o.id AND s.state NOT IN ('settled','declined','canceled','expired')) "
        f"OR o.state = 'canceled' AND EXISTS (SELECT FROM sub_orders s WHERE s.order_id = o.id AND s.state NOT IN {_FALLEN})",
    ),
    Law(
        "orders_end",
        "every order has reached an end",
        "SELECT id, state, stage FROM orders WHERE state NOT IN ('completed','declined','canceled','expired')",
        settled=True,
    ),
    Law("nothing_open", "no step is open", "SELECT id, kind, target, attempt FROM steps WHERE state = 'open'", settled=True),
    Law(
        "nothing_held",
        "no share is held any more: each is transferred or refunded",
        f"SELECT account, sum(amount) FROM {_MOVES} m WHERE account LIKE 'held:%' GROUP BY account HAVING sum(amount) <> 0",
        settled=True,
    ),
    Law("nothing_reserved", "no reservation outlives its order", "SELECT offer_id, reserved FROM stock WHERE reserved <> 0", settled=True),
    Law(
        "payments_end",
        "no authorization is left open",
        "SELECT order_id, state FROM payments WHERE state IN ('pending','authorized')",
        settled=True,
    ),
)

SHOWN_MAX = 20


async def check(tx: Tx, *, settled: bool = False) -> list[Breach]:
    """Every breach, at most `SHOWN_MAX` of each law; `settled` adds the laws of a world at rest."""
    breaches: list[Breach] = []
    for law in LAWS:
        if law.settled and not settled:
            continue
        for row in await tx.mappings(text(f"SELECT * FROM ({law.breaches}) found LIMIT {SHOWN_MAX}")):
            facts = {key: str(value) for key, value in row.items()}
            breaches.append(Breach(law.name, law.says, facts))
    return breaches
