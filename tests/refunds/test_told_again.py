"""A provider tells again of a refund that failed, after it was paid by hand: nothing more follows."""

from sqlalchemy import text

from hub.refunds import ask, send
from tests.sandbox.controls import turn
from tests.shop import Shop


async def test_a_refund_paid_by_hand_does_not_fail_again(shop: Shop) -> None:
    order = await shop.paid(("acme", "mug", 1000, 1))
    await shop.act(lambda tx: ask.ask_refund_of_all(tx, order.id, "broken"))
    await shop.run()
    (refund,) = await shop.refunds(order.id)
    await turn(shop.app, f"refunds/{refund.reference}/fail", {})
    await shop.hear()
    await shop.act(lambda tx: send.settle_by_hand(tx, refund.id, "by bank transfer"))
    told = "UPDATE provider_events SET state = 'new', due_at = now() WHERE kind = 'refund.failed'"
    await shop.act(lambda tx: tx.execute(text(told)))
    await shop.hear()
    assert await shop.scalar("SELECT count(*) FROM provider_events WHERE kind = 'refund.failed' AND state <> 'applied'") == 0
    assert [str(found.state) for found in await shop.refunds(order.id)] == ["succeeded"]
    assert await shop.breaches() == []
