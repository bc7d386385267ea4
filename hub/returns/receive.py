"""Units are back and were looked at: the good ones are for sale again, and the buyer's refund follows."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from hub.inventory import promise
from hub.inventory.promise import Demand
from hub.kernel.errors import Conflict
from hub.orders.model import SubOrder
from hub.returns import rules as decide
from hub.returns import store
from hub.returns.give_back import give_back_step
from hub.returns.model import Return, ReturnLine
from hub.returns.rules import ReturnRules
from hub.returns.states import ReturnEvent, ReturnState
from hub.returns.store import RETURN_LIFE
from hub.runtime import steps
from hub.runtime.database import Tx
from hub.runtime.steps import NewStep, Step, StepState
from hub.runtime.withdraw import withdraw
from vendor_sdk.messages import Inspect, Inspected, Item, Restock, ReturnItem

INSPECT = "returns.inspect"
RESTOCK = "stock.restock"
CAPABILITY = "returns"
STOCK = "stock"
REJECTED = "rejected"


def items(it: Return) -> list[ReturnItem]:
    """A return's lines in the vendor's words."""
    return [ReturnItem(sku=line.sku, quantity=line.quantity, reason=line.reason) for line in it.lines]


def inspect_step(rules: ReturnRules, sub: SubOrder, it: Return) -> NewStep:
    """Ask what has arrived; a vendor without a spoke for it tells through the vendor API."""
    assert it.receive_by is not None, "it is authorized"
    command = Inspect(sub_order_id=sub.id, return_id=it.id, items=items(it), answer_by=it.receive_by)
    return NewStep(
        id=it.inspect_id,
        kind=INSPECT,
        target=sub.vendor,
        saga_id=sub.order_id,
        subject_id=sub.id,
        payload=command,
        deadline=rules.reception,
        waiting=CAPABILITY not in sub.capabilities,
    )


async def receive(tx: Tx, sub: SubOrder, it: Return, found: Sequence[Inspected], *, told_at: datetime | None = None) -> None:
    """Note what came back, and what follows from it; `told_at`: when its vendor's system said so. The order must be locked.

    Raises `Invalid` as `rules.inspected` does, and `Conflict` for a return of which nothing can be received (any more).
    """
    others = [each for each in await store.of_part(tx, sub.id) if each.id != it.id]
    lines = decide.inspected(it, sub, others, found)
    told = {"items": [msgspec.to_builtins(one) for one in found]}
    if not any(line.taken_back for line in lines):
        reason = next((line.rejected_reason for line in lines if line.rejected_reason), REJECTED)
        await RETURN_LIFE.advance(tx, it.id, ReturnEvent.REFUSE, reason=reason, data=told, values={"reason": reason})
    else:
        await RETURN_LIFE.advance(tx, it.id, ReturnEvent.RECEIVE, data=told, values={"reason": None})
        await _restock(tx, sub, it, lines, told_at)
        await steps.add(tx, give_back_step(it))
    await store.count(tx, it.id, lines)
    await withdraw(tx, it.authorize_id)
    await withdraw(tx, it.inspect_id)


async def awaited(tx: Tx, asked: Step, found: Sequence[Inspected]) -> Step | None:
    """The open step that ends when units are told to be back, be it told of this step or of the one that asked for the return.

    None if exactly these were counted before, or if it overtook the authorization: then the inspection will ask for it.
    Raises `Conflict` (``not_awaited``): goods are somewhere, and nobody waits for them. The order must be locked.
    """
    it = await store.get(tx, asked.payload["return_id"])
    step = await steps.get(tx, it.inspect_id or "")
    if step is not None and step.state == StepState.OPEN:
        return step
    counted = _counts(it.lines)
    if it.state is ReturnState.REQUESTED or (counted and counted == _counts(found)):
        return None
    raise Conflict("not_awaited", f"units have come back of the return {it.id}, which is {it.state}")


def _counts(units: Sequence[ReturnLine] | Sequence[Inspected]) -> list[tuple[str, int, int, int]]:
    return sorted((one.sku, one.good, one.damaged, one.rejected) for one in units if one.good + one.damaged + one.rejected)


async def _restock(tx: Tx, sub: SubOrder, it: Return, lines: Sequence[ReturnLine], told_at: datetime | None) -> None:
    """Good units are for sale again, here and in the vendor's own stock.

    Who is not asked to put them there has done it before it told us: its later counts hold them.
    """
    good = [line for line in lines if line.good]
    is_asked = STOCK in sub.capabilities
    counted = set[str]() if is_asked or told_at is None else await promise.counted_since(tx, [line.offer_id for line in good], told_at)
    await promise.take_back(tx, [Demand(line.offer_id, line.good) for line in good], counted=counted)
    if good and is_asked:
        units = [Item(sku=line.sku, quantity=line.good) for line in good]
        command = Restock(sub_order_id=sub.id, return_id=it.id, items=units)
        await steps.add(tx, NewStep(kind=RESTOCK, target=sub.vendor, saga_id=sub.order_id, subject_id=sub.id, payload=command))
