"""Finds what a moment is about, for each vendor whom it concerns: only what that vendor may see."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import bindparam, select

from hub.kernel.money import Money
from hub.notifications.kinds import Told
from hub.notifications.register import BY_VENDOR
from hub.notifications.tables import webhook_endpoints
from hub.orders import documents
from hub.orders import store as orders
from hub.orders.states import FALLEN
from hub.orders.tables import sub_orders
from hub.orders.view import vendor_order_view
from hub.payouts import store as payouts
from hub.payouts.view import show
from hub.refunds import store as refunds
from hub.refunds.view import settled_view
from hub.returns import store as returns
from hub.returns.view import return_view
from hub.runtime.database import Tx
from hub.runtime.story import Moment
from hub.transfers import store as transfers


class Followed(Moment, frozen=True, kw_only=True):
    """A moment, and whose saga it is of."""

    saga_id: str


Tell = Callable[[Tx, Followed, frozenset[str]], Awaitable[list[Told]]]
"""What is told of a moment to those vendors who hear of anything at all."""

_VENDOR_OF = select(sub_orders.c.vendor).where(sub_orders.c.id == bindparam("part"))


async def _sub_order(tx: Tx, moment: Followed, who: frozenset[str]) -> list[Told]:
    vendor = await tx.scalar(_VENDOR_OF, {"part": moment.subject_id})
    if vendor not in who:
        return []
    order = await orders.load(tx, moment.saga_id)
    papers = (await documents.of_each(tx, [moment.subject_id])).get(moment.subject_id, ())
    view = vendor_order_view(order.part(moment.subject_id), order.currency, order.address, papers)
    thin = _thin(moment, order_id=moment.saga_id)
    return [Told(vendor=vendor, key=moment.subject_id, thin=thin, full=view)]


async def _refund(tx: Tx, moment: Followed, who: frozenset[str]) -> list[Told]:
    refund = await refunds.refund(tx, moment.subject_id)
    if refund.vendor not in who or refund.dispute_id is not None:
        return []  # what a dispute took is told as the dispute
    thin = _thin(moment, order_id=refund.order_id, sub_order_id=refund.sub_order_id)
    return [Told(vendor=refund.vendor, key=refund.sub_order_id, thin=thin, full=settled_view(refund))]


async def _return(tx: Tx, moment: Followed, who: frozenset[str]) -> list[Told]:
    it = await returns.get(tx, moment.subject_id)
    if it.vendor not in who:
        return []
    thin = _thin(moment, order_id=it.order_id, sub_order_id=it.sub_order_id)
    return [Told(vendor=it.vendor, key=it.sub_order_id, thin=thin, full=return_view(it))]


async def _transfer(tx: Tx, moment: Followed, who: frozenset[str]) -> list[Told]:
    transfer = await transfers.get(tx, moment.subject_id)
    if transfer.vendor not in who:
        return []
    thin = _thin(moment, order_id=transfer.order_id, sub_order_id=transfer.sub_order_id)
    full = {"id": transfer.id, "kind": transfer.kind, "amount": Money(amount=transfer.amount, currency=transfer.currency)}
    return [Told(vendor=transfer.vendor, key=transfer.sub_order_id or transfer.id, thin=thin, full=full)]


async def _payout(tx: Tx, moment: Followed, who: frozenset[str]) -> list[Told]:
    payout = await payouts.get(tx, moment.subject_id)
    return [Told(vendor=payout.vendor, key=payout.id, thin=_thin(moment), full=show(payout))] if payout.vendor in who else []


async def _dispute(tx: Tx, moment: Followed, who: frozenset[str]) -> list[Told]:
    """Each vendor of the order; not for how much, for that is of all of them."""
    order = await orders.load(tx, moment.saga_id)
    concerned = {sub.vendor for sub in order.sub_orders if sub.state not in FALLEN} & who
    return [Told(vendor=vendor, key=moment.subject_id, thin=_thin(moment, order_id=order.id)) for vendor in sorted(concerned)]


async def _vendor(_: Tx, moment: Followed, who: frozenset[str]) -> list[Told]:
    if moment.subject_id not in who:
        return []
    thin = _thin(moment, change=moment.event, changed=sorted(moment.data.get("changed", ())))
    return [Told(vendor=moment.subject_id, key=moment.subject_id, thin=thin)]


async def _endpoint(tx: Tx, moment: Followed, _: frozenset[str]) -> list[Told]:
    if moment.reason == BY_VENDOR:
        return []
    url = await tx.scalar(select(webhook_endpoints.c.url).where(webhook_endpoints.c.id == moment.subject_id))
    return [Told(vendor=moment.saga_id, key=moment.subject_id, thin=_thin(moment, url=url))]


TELL: dict[str, Tell] = {
    "sub_order": _sub_order,
    "return": _return,
    "refund": _refund,
    "transfer": _transfer,
    "payout": _payout,
    "dispute": _dispute,
    "vendor": _vendor,
    "webhook_endpoint": _endpoint,
}
"""By life."""


def _thin(moment: Followed, **more: Any) -> dict[str, Any]:
    """`state` is that after the event; the thing itself, where it is sent too, may have moved on meanwhile."""
    return {"id": moment.subject_id, "state": moment.to_state, "reason": moment.reason, **more}
