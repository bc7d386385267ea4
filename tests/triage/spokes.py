"""Vendors' spokes as the hub hears them: what is sent to them is claimed here, and what they tell is heard."""

from datetime import datetime
from typing import Any

import msgspec

from hub.checkout.hear import Heard, hear
from hub.letters.store import COLUMNS, Letter
from hub.letters.tables import dead_letters
from hub.orders.model import Order
from hub.runtime import steps
from hub.runtime.steps import Step
from hub.triage import drive
from hub.triage.settle import Settler
from tests.shop import Shop
from vendor_sdk import dead_letter, messages, subjects
from vendor_sdk.messages import Accepted, Delivered, Message, Parcel, Shipped

MUG = ("acme", "mug", 2000, 1)


class Spokes:
    """The shop, and what its vendors' spokes do."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.timing = shop.wiring.timing
        self.database = shop.wiring.database

    async def order(self, *lines: tuple[str, str, int, int], **more: Any) -> Order:
        """An order before its vendors."""
        order_id = await self.shop.place(*(lines or (MUG,)), **more)
        await self.shop.run()
        return await self.shop.order(order_id)

    async def asked(self) -> list[Step]:
        """What is due to be sent to vendors now, claimed."""
        async with self.database.tx() as tx:
            return [step for step in await steps.claim(tx, per_target=100, sending=True, own=0) if step.target != steps.HUB_TARGET]

    async def tell(self, step: Step, kind: str, body: Message, *, told_at: datetime | None = None, **headers: str) -> None:
        """An event about a command; `told_at` as the broker has noted."""
        said = {
            messages.EVENT_ID: f"{step.id}.{kind.rpartition('.')[2]}",
            messages.COMMAND_ID: step.id,
            messages.ATTEMPT: str(step.attempt),
            messages.MSG_ID: f"{step.id}.{kind}.{step.attempt}",
        }
        subject = subjects.event(step.target, kind)
        heard = Heard(vendor=step.target, subject=subject, headers=said | headers, body=messages.encode(body), told_at=told_at)
        await hear(self.database, self.timing, heard)

    async def dies(self, step: Step, detail: str = "ValueError: garbage", code: str = "failed") -> None:
        """The spoke gives a command up."""
        dead = dead_letter.build(step.kind, code, detail, attempts=1, payload=msgspec.json.encode(step.payload))
        await self.tell(step, "spoke.dead", dead)

    async def works(self, step: Step) -> None:
        """The spoke does what it is asked."""
        match step.kind:
            case "orders.submit":
                await self.tell(step, "orders.accepted", Accepted(sub_order_id=step.subject_id))
            case "shipping.ship":
                parcels = [Parcel(carrier="post", tracking_number=step.subject_id)]
                await self.tell(step, "shipping.shipped", Shipped(sub_order_id=step.subject_id, parcels=parcels))
            case _:
                await self.tell(step, "shipping.delivered", Delivered(sub_order_id=step.subject_id))

    async def work_off(self) -> None:
        """Every spoke does all it is asked, until nothing more comes of it."""
        for _ in range(20):
            asked = await self.asked()
            for step in asked:
                await self.works(step)
            await self.shop.run()
            if not asked:
                return

    async def dead_order(self, *lines: tuple[str, str, int, int], **more: Any) -> tuple[Order, Letter]:
        """An order whose (last) submission has died, and its letter."""
        order = await self.order(*lines, **more)
        for step in await self.asked():
            await self.dies(step)
        return order, (await self.letters())[-1]

    async def letters(self) -> list[Letter]:
        """All, the oldest first."""
        async with self.database.reading() as tx:
            return await tx.all(dead_letters.select().with_only_columns(*COLUMNS).order_by(dead_letters.c.id), Letter)

    async def settle(self) -> None:
        """What the worker's loop does."""
        await Settler(self.database).once()

    async def drive(self) -> None:
        """One round of every plan."""
        await self.shop.sql("UPDATE replay_plans SET due_at = now() WHERE state = 'running'")
        await drive.drive_plans(self.database, self.timing)
