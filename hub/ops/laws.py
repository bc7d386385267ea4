"""The laws of stock, orders and steps, and all laws together."""

from hub.ops.law import Law
from hub.ops.money_laws import FALLEN, MONEY_LAWS
from hub.ops.return_laws import RETURN_LAWS

_PROMISED = "('placed','reserved','routed','accepted','recalling')"
_GONE = "('shipped','delivered','settled')"
_ENDED = "('completed','declined','canceled','expired')"

TRADE_LAWS: tuple[Law, ...] = (
    Law(
        name="stock_adds_up",
        says="on hand + reserved + shipped = received, none negative",
        breaches="SELECT offer_id FROM stock WHERE on_hand + reserved + shipped <> received OR least(on_hand, reserved, shipped) < 0",
        heavy=True,
    ),
    Law(
        name="promises_have_orders",
        says="what is reserved is what living parts have not shipped",
        breaches="SELECT k.offer_id, k.reserved, coalesce(sum(l.quantity) "
        f"FILTER (WHERE s.state IN {_PROMISED}), 0) AS promised "
        "FROM stock k LEFT JOIN lines l ON l.offer_id = k.offer_id LEFT JOIN sub_orders s ON s.id = l.sub_order_id "
        "GROUP BY k.offer_id, k.reserved "
        f"HAVING k.reserved <> coalesce(sum(l.quantity) FILTER (WHERE s.state IN {_PROMISED}), 0)",
        heavy=True,
    ),
    Law(
        name="shipped_have_orders",
        says="what is shipped is what shipped parts hold",
        breaches="SELECT k.offer_id, k.shipped FROM stock k LEFT JOIN lines l ON l.offer_id = k.offer_id "
        "LEFT JOIN sub_orders s ON s.id = l.sub_order_id "
        "GROUP BY k.offer_id, k.shipped HAVING k.shipped <> coalesce(sum(l.quantity) "
        f"FILTER (WHERE s.state IN {_GONE}), 0)",
        heavy=True,
    ),
    Law(
        name="I9_open_steps_are_due",
        says="no open step without a time",
        breaches="SELECT id FROM steps WHERE state = 'open' AND due_at IS NULL",
    ),
    Law(
        name="I9_dead_steps_are_kept",
        says="a dead step has a dead letter",
        breaches="SELECT s.saga_id AS order_id, s.id FROM steps s WHERE s.state = 'dead' "
        "AND NOT EXISTS (SELECT FROM dead_letters d WHERE d.step_id = s.id) {only}",
        narrow="s.saga_id",
    ),
    Law(
        name="living_orders_move",
        says="an order on its way has an open step or a dead one that an operator sees",
        breaches=f"SELECT o.id AS order_id, o.state FROM orders o WHERE o.state NOT IN {_ENDED} "
        "AND NOT EXISTS (SELECT FROM steps s WHERE s.saga_id = o.id AND s.state IN ('open','dead')) {only}",
        narrow="o.id",
    ),
    Law(
        name="roll_up_is_true",
        says="a completed order has only settled and fallen parts",
        breaches="SELECT o.id AS order_id FROM orders o WHERE (o.state = 'completed' AND EXISTS (SELECT FROM sub_orders s "
        "WHERE s.order_id = o.id AND s.state NOT IN ('settled','declined','canceled','expired')) "
        f"OR o.state = 'canceled' AND EXISTS (SELECT FROM sub_orders s WHERE s.order_id = o.id AND s.state NOT IN {FALLEN})) {{only}}",
        narrow="o.id",
    ),
    Law(
        name="orders_end",
        says="every order has reached an end",
        breaches=f"SELECT id AS order_id, state, stage FROM orders WHERE state NOT IN {_ENDED}",
        settled=True,
    ),
    Law(
        name="nothing_open",
        says="no step is open",
        breaches="SELECT id, kind, target, attempt FROM steps WHERE state = 'open'",
        settled=True,
    ),
    Law(
        name="nothing_reserved",
        says="no reservation outlives its order",
        breaches="SELECT offer_id, reserved FROM stock WHERE reserved <> 0",
        settled=True,
    ),
)

LAWS: tuple[Law, ...] = (*MONEY_LAWS, *RETURN_LAWS, *TRADE_LAWS)
