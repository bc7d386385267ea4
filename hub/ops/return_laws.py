"""The laws of returns: what came back was sent, and what was taken back is given back and counted once."""

from hub.ops.law import Law

RETURN_LAWS: tuple[Law, ...] = (
    Law(
        name="R1_returned_was_bought",
        says="no more units of a line come back than were bought",
        breaches="SELECT l.order_id, l.id AS line_id, l.quantity, sum(n.good + n.damaged) AS back "
        "FROM return_lines n JOIN lines l ON l.id = n.line_id WHERE true {only} "
        "GROUP BY l.id HAVING sum(n.good + n.damaged) > l.quantity",
        narrow="l.order_id",
    ),
    Law(
        name="R2_returned_is_given_back",
        says="the money of units that were taken back has been given back, unless the buyer has all that it paid: of us, or of its bank",
        breaches="SELECT l.order_id, l.id AS line_id, l.refunded, sum(n.good + n.damaged) AS back "
        "FROM returns r JOIN return_lines n ON n.return_id = r.id JOIN lines l ON l.id = n.line_id "
        "WHERE r.state = 'refunded' AND NOT EXISTS (SELECT FROM payments p WHERE p.order_id = r.order_id AND p.captured <= "
        "(SELECT coalesce(sum(f.amount), 0) FROM refunds f WHERE f.payment_id = p.id AND f.state <> 'disputed') + "
        "(SELECT sum(d.amount) FROM disputes d WHERE d.payment_id = p.id AND d.state = 'lost')) {only} "
        "GROUP BY l.id HAVING l.refunded < (l.unit_price * l.quantity - l.vendor_discount) * sum(n.good + n.damaged) / l.quantity",
        narrow="r.order_id",
    ),
    Law(
        name="R3_refund_is_of_its_part",
        says="a return's refund is of the same part of the order, and of nothing that was not taken back",
        breaches="SELECT r.order_id, r.id, r.refund_id FROM returns r JOIN refunds f ON f.id = r.refund_id "
        "WHERE (f.sub_order_id <> r.sub_order_id OR EXISTS (SELECT FROM jsonb_array_elements(f.items) i "
        "WHERE i->>'piece' <> 'shipping' AND NOT EXISTS (SELECT FROM return_lines n WHERE n.return_id = r.id "
        "AND n.line_id = i->>'piece' AND n.good + n.damaged > 0))) {only}",
        narrow="r.order_id",
    ),
    Law(
        name="R4_restocked_was_good",
        says="a vendor is told to restock what was found good, once",
        breaches="SELECT s.saga_id AS order_id, s.payload->>'return_id' AS return_id, sum(s.units) AS told, sum(n.good) AS good "
        "FROM (SELECT t.saga_id, t.payload, (SELECT sum(CAST(i->>'quantity' AS bigint)) "
        "FROM jsonb_array_elements(t.payload->'items') i) AS units FROM steps t WHERE t.kind = 'stock.restock' {only}) s "
        "LEFT JOIN LATERAL (SELECT sum(good) AS good FROM return_lines WHERE return_id = s.payload->>'return_id') n ON true "
        "GROUP BY s.saga_id, s.payload->>'return_id' HAVING count(*) > 1 OR sum(s.units) <> coalesce(sum(n.good), 0)",
        narrow="t.saga_id",
    ),
    Law(
        name="R5_received_returns_move",
        says="a return whose goods are back has an open step that asks for its refund",
        breaches="SELECT r.order_id, r.id FROM returns r WHERE r.state = 'received' AND NOT EXISTS (SELECT FROM steps s "
        "WHERE s.saga_id = r.order_id AND s.subject_id = r.id AND s.kind = 'return.give_back' AND s.state = 'open') {only}",
        narrow="r.order_id",
    ),
    Law(
        name="returns_end",
        says="no return is under way, but for one that waits for its vendor and of which an operator was told",
        breaches="SELECT r.order_id, r.id, r.state FROM returns r WHERE r.state IN ('requested','authorized','in_transit','received') "
        "AND NOT (r.state IN ('requested','in_transit') AND EXISTS (SELECT FROM dead_letters d WHERE d.saga_id = r.order_id "
        "AND (d.step_id IN (r.authorize_id, r.inspect_id) OR d.source = 'return' AND d.identity LIKE 'return:' || r.id || ':%')))",
        settled=True,
    ),
)
