"""What the vendor has and owes: each method is one transaction, on the disk when it returns, and the same when asked again."""

import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from spokes.flatfile import assortment, purchase, shelf, tariff
from spokes.flatfile.orders import File
from spokes.flatfile.purchase import LEFT, OVER, Purchase, State
from vendor_sdk.durable import Durable
from vendor_sdk.errors import Rejected
from vendor_sdk.feeds import Level, Offered, Rate
from vendor_sdk.messages import (
    Accepted,
    Declined,
    Delivered,
    Kept,
    Pending,
    PricedItem,
    Recall,
    Recalled,
    Refused,
    Release,
    Reserve,
    Reserved,
    Ship,
    Shipped,
    Submit,
)

T = TypeVar("T")


class Book:
    """One vendor's; many may share the file."""

    def __init__(self, vendor: str, file: Durable) -> None:
        self._vendor = vendor
        self._file = file

    async def levels(self) -> list[Level]:
        """What new orders could have."""
        free = await self._file.do(lambda db: shelf.free(db, self._vendor, time.time()))
        return [Level(sku=sku, stock=units) for sku, units in free.items()]

    async def offered(self, category: str) -> list[Offered]:
        """All that is sold; `category` is of what names none."""
        return await self._file.do(lambda db: assortment.all_of(db, self._vendor, category))

    async def rates(self) -> list[Rate]:
        """By what the vendor ships."""
        return await self._file.do(lambda db: tariff.all_of(db, self._vendor))

    async def reserve(self, command: Reserve, command_id: str) -> Reserved | Refused:
        """Hold all units, or none."""
        sub = command.sub_order_id

        def work(db: sqlite3.Connection) -> Reserved | Refused:
            now = time.time()
            if not shelf.is_held(db, self._vendor, command_id, now):
                if sku := shelf.lacking(db, self._vendor, sub, command.items, now):
                    return Refused(sub_order_id=sub, reason="out_of_stock", detail=f"not enough of {sku}")
                shelf.hold(db, self._vendor, (sub, command_id), command.items, command.expires_at.timestamp())
            return Reserved(sub_order_id=sub, reference=command_id)

        return await self._file.do(work)

    async def release(self, command: Release) -> None:
        """Give back what the reserve command holds."""
        await self._file.do(lambda db: shelf.give_back(db, self._vendor, command.reserve_command_id))

    async def submit(self, command: Submit, command_id: str, request: File | None) -> Accepted | Declined | Pending:
        """Take a sub-order on, or with `request` ask the vendor for it by that file."""
        sub = command.sub_order_id

        def work(db: sqlite3.Connection) -> Accepted | Declined | Pending:
            its = purchase.find(db, self._vendor, sub)
            if its is not None and (its.submit_command_id == command_id or its.state not in OVER):
                return purchase.decision(its)
            if sku := shelf.lacking(db, self._vendor, sub, command.items, time.time()):
                return Declined(sub_order_id=sub, reason="out_of_stock", detail=f"not enough of {sku}")
            shelf.hold(db, self._vendor, (sub, command_id), command.items, None)
            state = State.ASKED if request else State.ACCEPTED
            its = Purchase(sub_order_id=sub, state=state, submit_command_id=command_id, items=command.items)
            if request:
                self._out(db, sub, request)
            return purchase.decision(purchase.save(db, self._vendor, its))

        return await self._file.do(work)

    async def recall(self, command: Recall, cancellation: File) -> Recalled | Kept | None:
        """Stop a sub-order that is not ordered yet; None for one whose file is out, and has to be got back first."""
        sub = command.sub_order_id

        def work(db: sqlite3.Connection) -> Recalled | Kept | None:
            its = purchase.find(db, self._vendor, sub)
            if its is not None and its.state in LEFT:
                return Kept(sub_order_id=sub)
            if its is not None and its.state is State.ORDERED:
                return None
            if its is not None and its.state is State.RECALLED:
                return Recalled(sub_order_id=sub)
            if its is not None and self._was_asked_for(db, its):
                self._out(db, sub, cancellation)
            self._recalled(db, its or Purchase(sub_order_id=sub, state=State.RECALLED, submit_command_id=command.submit_command_id))
            return Recalled(sub_order_id=sub)

        return await self._file.do(work)

    async def withdrawn(self, sub_order_id: str) -> None:
        """The order's file has been got back: it is recalled."""

        def work(db: sqlite3.Connection) -> None:
            its = purchase.find(db, self._vendor, sub_order_id)
            if its is not None and its.state is State.ORDERED:
                self._recalled(db, its)

        await self._file.do(work)

    async def ship(self, command: Ship, command_id: str, order: Callable[[list[PricedItem]], File]) -> Shipped | Pending:
        """Order what is paid, once; later, its parcels. Raises `Rejected` for what was recalled, declined or never accepted."""
        sub = command.sub_order_id

        def work(db: sqlite3.Connection) -> Shipped | Pending:
            its = purchase.find(db, self._vendor, sub) or Purchase(sub_order_id=sub, state=State.ACCEPTED, submit_command_id="")
            if its.state in OVER or its.state is State.ASKED:
                raise Rejected(f"{sub} is {its.state}", reason=f"is_{its.state}")
            if its.state is State.ACCEPTED:
                self._out(db, sub, order(list(its.items)))
                shelf.hold(db, self._vendor, (sub, command_id), command.items, None)
                its = purchase.save(db, self._vendor, replace(its, state=State.ORDERED, ship_command_id=command_id))
            return purchase.dispatch(its)

        return await self._file.do(work)

    async def track(self, sub_order_id: str) -> Delivered | Pending:
        """Whether the vendor says that it arrived."""
        its = await self._file.do(lambda db: purchase.find(db, self._vendor, sub_order_id))
        arrived = its is not None and its.state is State.DELIVERED
        return Delivered(sub_order_id=sub_order_id) if arrived else Pending(sub_order_id=sub_order_id)

    async def order_path(self, sub_order_id: str) -> str:
        """Where the order's file was written."""
        found = await self._file.do(
            lambda db: db.execute(
                "SELECT path FROM outgoing WHERE vendor = ? AND sub_order_id = ? AND path LIKE 'orders/%'", (self._vendor, sub_order_id)
            ).fetchone()
        )
        return str(found[0])

    async def unwritten(self, sub_order_id: str) -> list[tuple[str, bytes, str]]:
        """Files of a sub-order that are still to be written: path, content, state."""
        mine = (self._vendor, sub_order_id)
        return await self._file.do(
            lambda db: db.execute(
                "SELECT path, body, state FROM outgoing WHERE vendor = ? AND sub_order_id = ? AND state <> 'written'", mine
            ).fetchall()
        )

    async def mark(self, path: str, state: str) -> None:
        """Note how far a file is."""
        await self._file.do(
            lambda db: db.execute("UPDATE outgoing SET state = ? WHERE vendor = ? AND path = ?", (state, self._vendor, path))
        )

    def _recalled(self, db: sqlite3.Connection, its: Purchase) -> None:
        shelf.let_go(db, self._vendor, its.sub_order_id)
        purchase.save(db, self._vendor, replace(its, state=State.RECALLED, reason="recalled"))

    def _was_asked_for(self, db: sqlite3.Connection, its: Purchase) -> bool:
        mine = (self._vendor, its.sub_order_id)
        return db.execute("SELECT 1 FROM outgoing WHERE vendor = ? AND sub_order_id = ?", mine).fetchone() is not None

    def _out(self, db: sqlite3.Connection, sub_order_id: str, file: File) -> None:
        db.execute("INSERT OR IGNORE INTO outgoing VALUES (?, ?, ?, ?, 'new')", (self._vendor, sub_order_id, *file))
