"""Makes the planned troubles happen while the orders go their way: refunds as an operator, disputes and late failures at the sandbox."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import text

from hub.replay.files import Recorded
from hub.replay.sandbox import Provider
from hub.replay.trouble import FAILING, Kind, Trouble, Troubles
from hub.replay.web import Web
from hub.runtime.database import Database, Tx

T = TypeVar("T")

LOOK_SECONDS = 0.3
PATIENCE_SECONDS = 300.0
AT_ONCE = 8
REASON = "replay"
_READY = text(
    "SELECT o.id, o.state = 'completed' AS completed, p.state = 'captured' AS paid FROM orders o JOIN payments p ON p.order_id = o.id"
    " WHERE o.id = ANY(:ids)"
)
_REFUNDS = text("SELECT id, state, reference FROM refunds WHERE order_id = :order AND kind = 'refund' ORDER BY id")
_CHARGE = text("SELECT charge FROM payments WHERE order_id = :order AND state = 'captured'")
_DISPUTE = text("SELECT state FROM disputes WHERE reference = :reference")
_BORNE = text(
    "SELECT d.id FROM disputes d JOIN ledger_balances b ON b.account = 'dispute:' || d.id"
    " WHERE d.reference = :reference AND d.state = :state AND b.balance = 0"
    " AND NOT EXISTS (SELECT FROM refunds r WHERE r.dispute_id = d.id AND r.state <> 'disputed')"
)
_ACCOUNT = text("SELECT v.connected_account FROM vendors v JOIN sub_orders s ON s.vendor = v.code WHERE s.order_id = :order")
_OPEN = text(
    "SELECT kind, saga_id, attempt, to_char(due_at AT TIME ZONE 'UTC', 'HH24:MI:SS') AS due FROM steps"
    " WHERE state = 'open' AND saga_id = ANY(:ids) ORDER BY due_at DESC LIMIT 3"
)


class NotMade(RuntimeError):
    """A trouble could not be made, or its end did not come."""


class Troublemaker:
    """Makes each trouble once its order is where it has to be. `placed` maps recorded orders to the hub's."""

    def __init__(self, database: Database, through: tuple[Web, str, Provider], troubles: Troubles, placed: Mapping[str, str]) -> None:
        self._database = database
        self._web, self._operator, self._provider = through
        self._troubles = troubles
        self._placed = placed
        self._room = asyncio.Semaphore(AT_ONCE)
        self._made = {order: asyncio.Event() for order in troubles.of}
        self._open: list[str] = []
        self.made = 0

    async def gate(self, order: Recorded) -> None:
        """Let the order be placed once the debt is there that it is to be netted with. Raises `NotMade`."""
        debt = self._troubles.after.get(order.id)
        if debt is not None:
            await _within(self._made[debt].wait(), f"no debt by order {debt}")

    async def run(self, tell: Callable[[int], None]) -> None:
        """Make them all, and wait until nothing is under way any more. Raises `NotMade`."""
        waiting = dict(self._troubles.of)
        moved = time.monotonic()
        async with asyncio.TaskGroup() as group:
            while waiting:
                for order in await self._ready(waiting):
                    group.create_task(self._make(waiting.pop(order), tell))
                    moved = time.monotonic()
                if time.monotonic() - moved > PATIENCE_SECONDS:
                    raise NotMade(f"{len(waiting)} orders do not come to where their trouble begins: {', '.join(list(waiting)[:3])}")
                await asyncio.sleep(LOOK_SECONDS)
        if self._troubles.of:
            await self._until(self._still_open, self._at_rest)

    async def _ready(self, waiting: Mapping[str, Trouble]) -> list[str]:
        known = {self._placed[order]: order for order in waiting if order in self._placed}
        async with self._database.reading() as tx:
            rows = await tx.rows(_READY.bindparams(ids=list(known)))
        ours = [(known[row.id], row) for row in rows]
        return [order for order, row in ours if (row.paid if waiting[order].early else row.completed)]

    async def _make(self, trouble: Trouble, tell: Callable[[int], None]) -> None:
        order = self._placed[trouble.order.id]
        async with self._room:
            match trouble.kind:
                case Kind.WON | Kind.LOST:
                    await self._dispute(order, won=trouble.kind is Kind.WON)
                case Kind.UNIT | Kind.AMOUNT | Kind.SHIPPING:
                    await self._refund_piece(order, trouble)
                case _:
                    await self._refund_whole(order, trouble)
        self.made += 1
        self._made[trouble.order.id].set()
        tell(1)

    async def _refund_whole(self, order: str, trouble: Trouble) -> None:
        if trouble.kind is Kind.DEBT:
            account = await self._until("the vendor has no account", lambda tx: tx.scalar(_ACCOUNT.bindparams(order=order)))
            await self._provider.switch(f"accounts/{account}/needs_funds")
        await self._ask(f"/v1/admin/orders/{order}/refunds", {"reason": REASON}, f"{REASON}-{trouble.order.id}")
        refunds = await self._refunds(order, "succeeded")
        if trouble.kind in FAILING:
            for refund in refunds:
                await self._provider.switch(f"refunds/{refund.reference}/fail")
            for refund in await self._refunds(order, "failed"):
                if trouble.kind is Kind.RETRIED:
                    await self._ask(f"/v1/admin/refunds/{refund.id}/retry", None, f"retry-{refund.id}")
                else:
                    await self._ask(f"/v1/admin/refunds/{refund.id}/settle", {"note": REASON}, f"settle-{refund.id}")
            await self._refunds(order, "succeeded")

    async def _refund_piece(self, order: str, trouble: Trouble) -> None:
        seen = await self._web(self._operator, "GET", f"/v1/admin/orders/{order}")
        good = trouble.good
        sub = next(part for part in seen["sub_orders"] if good is not None and part["vendor"] == good.code)
        line = sub["lines"][0]["id"]
        what: dict[Kind, dict[str, Any]] = {
            Kind.UNIT: {"line_id": line, "quantity": 1},
            Kind.AMOUNT: {"line_id": line, "amount": trouble.amount},
            Kind.SHIPPING: {"line_id": "shipping"},
        }
        body = {"reason": REASON, "items": [what[trouble.kind]]}
        await self._ask(f"/v1/admin/sub-orders/{sub['id']}/refunds", body, f"{REASON}-{trouble.order.id}")
        await self._refunds(order, "succeeded")

    async def _dispute(self, order: str, *, won: bool) -> None:
        charge = await self._until("there is no charge", lambda tx: tx.scalar(_CHARGE.bindparams(order=order)))
        made = str((await self._provider.switch(f"charges/{charge}/dispute"))["id"])
        await self._until(f"dispute {made} is not known", lambda tx: tx.scalar(_DISPUTE.bindparams(reference=made)))
        ending = "won" if won else "lost"
        await self._provider.switch(f"disputes/{made}/close", status=ending)
        await self._until(
            f"dispute {made} is not {ending} and borne", lambda tx: tx.scalar(_BORNE.bindparams(reference=made, state=ending))
        )

    async def _refunds(self, order: str, state: str) -> list[Any]:
        """The order's refunds once all are in that state."""

        async def look(tx: Tx) -> list[Any] | None:
            rows = await tx.rows(_REFUNDS.bindparams(order=order))
            return list(rows) if rows and all(row.state == state for row in rows) else None

        return await self._until(f"the refunds of {order} are not {state}", look)

    async def _at_rest(self, tx: Tx) -> bool | None:
        rows = await tx.rows(_OPEN.bindparams(ids=list(self._placed.values())))
        self._open = [f"{row.kind} of {row.saga_id}, attempt {row.attempt}, due {row.due}" for row in rows]
        return None if rows else True

    def _still_open(self) -> str:
        return f"there are steps still open: {'; '.join(self._open)}"

    async def _ask(self, path: str, body: Any, key: str) -> Any:
        return await self._web(self._operator, "POST", path, body, {"Idempotency-Key": key})

    async def _until(self, complaint: str | Callable[[], str], look: Callable[[Tx], Awaitable[T | None]]) -> T:
        """What `look` finds, once it finds something. Raises `NotMade` with the complaint."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            async with self._database.reading() as tx:
                if (found := await look(tx)) is not None:
                    return found
            if time.monotonic() > until:
                said = complaint if isinstance(complaint, str) else complaint()
                raise NotMade(f"after {PATIENCE_SECONDS:.0f} s {said}")
            await asyncio.sleep(LOOK_SECONDS)


async def _within(wanted: Awaitable[object], complaint: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await wanted
    except TimeoutError:
        raise NotMade(f"after {PATIENCE_SECONDS:.0f} s there is {complaint}") from None
