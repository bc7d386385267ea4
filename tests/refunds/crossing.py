"""What tests of crossing answers share: steps caught open, disputes told by hand."""

from datetime import UTC, datetime

from hub.orders.model import Order
from hub.payments.facts import DisputeFacts, DisputePhase, Movement
from hub.refunds import ask, dispute
from hub.refunds.model import Asked
from hub.refunds.store import Refund
from hub.runtime import steps
from hub.runtime.steps import Step
from tests.shop import Shop


async def ask_for(shop: Shop, order: Order, *asked: Asked) -> Refund:
    sub = order.sub_orders[0]
    return await shop.act(lambda tx: ask.ask_refund(tx, order.id, sub.id, list(asked) or None, "damaged"))


async def step_of(shop: Shop, order_id: str, kind: str) -> Step:
    async with shop.wiring.database.reading() as tx:
        return next(step for step in await steps.of_saga(tx, order_id) if step.kind == kind and step.state == "open")


async def charge_of(shop: Shop, order_id: str) -> str:
    return str(await shop.scalar("SELECT charge FROM payments WHERE order_id = :o", o=order_id))


async def told(shop: Shop, facts: DisputeFacts) -> None:
    assert await shop.act(lambda tx: dispute.take_notice(tx, "stripe", facts))


def moved(name: str, amount: int, fee: int = 0) -> Movement:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Movement(id=name, kind="adjustment", source=None, amount=amount, fee=fee, net=amount - fee, currency="EUR", at=at)


async def disputed(shop: Shop, order: Order, name: str, phase: DisputePhase, *movements: Movement, amount: int = 0) -> DisputeFacts:
    facts = DisputeFacts(
        reference=f"dp_{name}",
        charge=await charge_of(shop, order.id),
        phase=phase,
        amount=amount or order.total,
        currency="EUR",
        movements=list(movements),
    )
    await told(shop, facts)
    return facts


async def dispute_balance(shop: Shop, name: str) -> int:
    return await shop.balance(f"dispute:{await shop.scalar('SELECT id FROM disputes WHERE reference = :r', r=f'dp_{name}')}")
