"""Who acts by hand: vendors without a spoke, and the operators who look after what has failed."""

import asyncio
from collections.abc import Coroutine, Mapping
from contextvars import Context
from random import Random
from typing import Any

from hub.checkout import vendor_acts
from hub.checkout.timing import Timing
from hub.orders import store as orders
from hub.refunds import send
from hub.returns import answer
from hub.returns import store as returns
from hub.returns.model import Authorize, Refuse
from hub.runtime.database import Actor, Tx
from hub.simulation.back_room import found
from hub.simulation.buyers import OPERATOR
from hub.simulation.desk import Desk
from hub.simulation.edge import Edge, Request
from hub.simulation.market import DAY
from hub.simulation.nature import Nature
from hub.simulation.postgres.server import Memory
from vendor_sdk.messages import Parcel, ReturnItem, Shortfall

FAULTS = {
    "hand_silent": "a vendor who works by hand does not answer at all",
    "hand_declines": "a vendor who works by hand declines",
    "hand_accepts_partly": "a vendor who works by hand accepts but for one unit",
}
AFTER: Mapping[str, tuple[float, float]] = {
    "orders.submit": (10, 0.8 * DAY),
    "shipping.ship": (600, 2 * DAY),
    "shipping.track": (3600, 4 * DAY),
    "returns.authorize": (60, 0.8 * DAY),
    "returns.inspect": (DAY / 4, 6 * DAY),
}
"""How long a person takes for what."""
FINALLY = 3600.0
TRIES = 12
MAY_BE_SILENT = ("orders.submit", "returns.authorize", "returns.inspect")
"""Nothing goes on by itself where a vendor never tells that it has shipped."""
TAKES_BACK = ("returns.authorize", "returns.inspect")


class Hands:
    """Vendors without spokes; they hear of what waits for them as by mail."""

    def __init__(self, nature: Nature, edge: Edge, timing: Timing) -> None:
        self._nature = nature
        self._edge = edge
        self._timing = timing
        self._tasks: dict[asyncio.Task[None], None] = {}

    def told(self, at: Mapping[str, int], row: tuple[Any, ...], before: tuple[Any, ...] | None) -> None:
        """A step was written: it may wait for somebody's hand."""
        if before is None and row[at["waiting"]] and row[at["state"]] == "open":
            kind, payload = row[at["kind"]], row[at["payload"]]
            subject = payload["return_id"] if kind in TAKES_BACK else row[at["subject_id"]]
            self._begin(self._act(row[at["target"]], kind, subject))

    async def _act(self, vendor: str, kind: str, sub_order_id: str) -> None:
        nature = self._nature
        await nature.wait(f"hands {kind}", *AFTER.get(kind, (1, 60)))
        if kind in MAY_BE_SILENT and nature.strikes("hand_silent"):
            return
        if kind in TAKES_BACK:
            await self._take_back(vendor, kind, sub_order_id)
            return
        what = {"orders.submit": "accept", "shipping.ship": "ship", "shipping.track": "deliver"}[kind]
        if what == "accept" and nature.strikes("hand_declines"):
            what = "decline"
        elif what == "accept" and nature.strikes("hand_accepts_partly"):
            what = "accept partly"

        async def use_case(tx: Tx) -> str:
            return (await self._say(tx, what, sub_order_id)).state

        await self._edge.ask(Request(Actor("vendor", vendor), f"{what} {sub_order_id}", use_case, f"{what} {sub_order_id}"), tries=TRIES)

    async def _take_back(self, vendor: str, kind: str, return_id: str) -> None:
        refuses = kind == "returns.authorize" and self._nature.strikes("hand_declines")
        dice = Random(return_id)  # noqa: S311  # to be repeated

        async def use_case(tx: Tx) -> str:
            if kind == "returns.inspect":
                lines = (await returns.get(tx, return_id)).lines
                counted = found([ReturnItem(sku=line.sku, quantity=line.quantity, reason=line.reason) for line in lines], dice)
                return (await answer.decide_receive(tx, return_id, counted, vendor=vendor)).state
            if refuses:
                return (await answer.decide_refuse(tx, return_id, Refuse(reason="not_returnable"), vendor=vendor)).state
            return (await answer.decide_authorize(tx, self._timing.returns, return_id, Authorize(), vendor=vendor)).state

        what = f"{kind} {return_id}"
        await self._edge.ask(Request(Actor("vendor", vendor), what, use_case, what), tries=TRIES)

    async def _say(self, tx: Tx, what: str, sub_order_id: str) -> Any:
        match what:
            case "accept":
                return await vendor_acts.accept(tx, self._timing, sub_order_id)
            case "accept partly":
                order = await orders.load(tx, await orders.order_of(tx, sub_order_id))
                short = [Shortfall(sku=order.part(sub_order_id).lines[0].sku, quantity=1, reason="damaged")]
                return await vendor_acts.accept(tx, self._timing, sub_order_id, short)
            case "decline":
                return await vendor_acts.decline(tx, self._timing, sub_order_id, "out_of_stock", "")
            case "ship":
                return await vendor_acts.ship(tx, self._timing, sub_order_id, [Parcel(carrier="post", tracking_number=sub_order_id)])
            case _:
                return await vendor_acts.deliver(tx, self._timing, sub_order_id)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        # The hub commits this in a process of its own: what people do must not die with that.
        task = Context().run(asyncio.get_running_loop().create_task, work)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)


class Office:
    """Operators: a refund that has failed is sent again, and at last paid by hand."""

    def __init__(self, nature: Nature, edge: Edge, memory: Memory, timing: Timing) -> None:
        self._nature = nature
        self._edge = edge
        self._memory = memory
        self._desk = Desk(nature, edge, memory, timing)
        self._tried: dict[str, int] = {}

    async def open(self) -> None:
        """Look through what failed, every half day."""
        while True:
            await asyncio.sleep(DAY / 2)
            await self.failed_refunds()
            await self._desk.look()

    async def failed_refunds(self) -> None:
        """Send again, twice; then pay by hand."""
        table = self._memory.tables["refunds"]
        at = table.position
        for row in [row for row in table.rows.values() if row[at["state"]] == "failed"]:
            refund_id = row[at["id"]]
            tried = self._tried[refund_id] = self._tried.get(refund_id, 0) + 1

            async def use_case(tx: Tx, refund_id: str = refund_id, tried: int = tried) -> str:
                if tried <= 2:  # noqa: PLR2004  # twice
                    return (await send.retry(tx, refund_id)).id
                return (await send.settle_by_hand(tx, refund_id, "cash")).id

            await self._edge.ask(Request(OPERATOR, f"failed {refund_id}", use_case, f"failed {refund_id} {tried}"), tries=TRIES)
