"""What follows when a step of a return has ended, and what vendors and operators decide by hand."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from hub.kernel.errors import Conflict
from hub.orders import store as orders
from hub.orders.model import Order
from hub.returns import authorize, give_back, receive, store
from hub.returns.model import Authorize, Refuse, Return
from hub.returns.rules import ReturnRules
from hub.returns.states import ReturnState
from hub.runtime.database import Tx
from hub.runtime.steps import Outcome, Step, Verdict
from vendor_sdk.messages import Inspected


async def _inspected(tx: Tx, rules: ReturnRules, order: Order, step: Step, outcome: Outcome) -> None:
    del rules
    it = await store.get(tx, step.payload["return_id"])
    if it.inspect_id != step.id:
        return  # it was asked again since
    if outcome.verdict is Verdict.OK:
        await receive.receive(
            tx, order.part(it.sub_order_id), it, msgspec.convert(outcome.data["items"], list[Inspected]), told_at=outcome.at
        )
    else:
        await authorize.overdue(tx, step, it)


async def _nothing(_tx: Tx, _rules: ReturnRules, _order: Order, _step: Step, _outcome: Outcome) -> None:
    """The vendor was told; nothing waits for that."""


ON: dict[str, Callable[[Tx, ReturnRules, Order, Step, Outcome], Awaitable[None]]] = {
    authorize.AUTHORIZE: authorize.answered,
    authorize.CANCEL: _nothing,
    receive.INSPECT: _inspected,
    receive.RESTOCK: _nothing,
    give_back.GIVE_BACK: give_back.give_back,
}
"""By kind of step."""


async def decide_authorize(
    tx: Tx, rules: ReturnRules, return_id: str, said: Authorize, *, vendor: str | None = None, why: str = ""
) -> Return:
    """By hand: the buyer may send it. Raises `NotFound`, with `vendor` also for another vendor's, and `Conflict` where it is decided."""
    it, order = await _locked(tx, return_id, vendor)
    await authorize.authorize(tx, rules, order, it, said, reason=why)
    return await store.get(tx, it.id)


async def decide_refuse(tx: Tx, return_id: str, said: Refuse, *, vendor: str | None = None) -> Return:
    """By hand: nothing is taken back. Raises as `decide_authorize`; a vendor that has agreed rejects units once it has seen them."""
    it, _ = await _locked(tx, return_id, vendor)
    if vendor is not None and it.state is not ReturnState.REQUESTED:
        raise Conflict("not_awaited", f"the return is {it.state}; this answer is not awaited", state=str(it.state))
    await authorize.refuse(tx, it, said)
    return await store.get(tx, it.id)


async def decide_receive(tx: Tx, return_id: str, found: Sequence[Inspected], *, vendor: str | None = None) -> Return:
    """By hand: this has come back. Raises as `decide_authorize`, and `Invalid` as `rules.inspected` does."""
    it, order = await _locked(tx, return_id, vendor)
    await receive.receive(tx, order.part(it.sub_order_id), it, found)
    return await store.get(tx, it.id)


async def _locked(tx: Tx, return_id: str, vendor: str | None) -> tuple[Return, Order]:
    seen = await store.get(tx, return_id, vendor=vendor)
    await orders.lock(tx, seen.order_id)
    return await store.get(tx, return_id), await orders.load(tx, seen.order_id)
