"""The only reader and writer of transfers (states go through their life)."""

from datetime import datetime

import msgspec
from sqlalchemy import func, insert, select, update

from hub.kernel.errors import NotFound
from hub.ledger import recipes
from hub.runtime.database import Tx
from hub.runtime.life import Life
from hub.transfers.states import TRANSFER, TransferState
from hub.transfers.tables import transfers

TRANSFER_LIFE = Life(TRANSFER, transfers, saga_column="saga_id")

SHARE, RESERVE, CREDIT = "share", "reserve", "credit"


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way to a vendor's connected account; amounts in minor units."""

    id: str
    kind: str
    order_id: str | None
    sub_order_id: str | None
    saga_id: str
    vendor: str
    gateway: str
    state: TransferState
    amount: int
    reversed: int
    netted: int
    currency: str
    account: str | None
    charge: str | None
    reference: str | None
    hold_until: datetime

    @property
    def source(self) -> str:
        """The account of the books that it is taken from."""
        if self.kind == RESERVE:
            return recipes.reserve_account(self.vendor, self.sub_order_id or self.id)
        return recipes.held_account(self.vendor, self.sub_order_id or self.id)


_COLUMNS = [transfers.c[name] for name in Transfer.__struct_fields__]


class NewTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer to be opened; `order_id` and `sub_order_id` are None for a credit."""

    kind: str
    vendor: str
    gateway: str
    currency: str
    order_id: str | None = None
    sub_order_id: str | None = None
    seconds: float = 0


async def open_transfer(tx: Tx, new: NewTransfer) -> Transfer:
    """Held, to be released in `new.seconds`."""
    transfer_id = tx.ids.new("trf")
    saga_id = new.order_id or transfer_id
    await tx.execute(
        insert(transfers).values(
            id=transfer_id,
            kind=new.kind,
            order_id=new.order_id,
            sub_order_id=new.sub_order_id,
            saga_id=saga_id,
            vendor=new.vendor,
            gateway=new.gateway,
            state=TransferState.HELD,
            amount=0,
            currency=new.currency,
            hold_until=func.now() + func.make_interval(0, 0, 0, 0, 0, 0, new.seconds),
        )
    )
    TRANSFER_LIFE.born(tx, transfer_id, saga_id, data={"kind": new.kind, "sub_order_id": new.sub_order_id, "vendor": new.vendor})
    return await get(tx, transfer_id)


async def get(tx: Tx, transfer_id: str) -> Transfer:
    """One transfer. Raises `NotFound`."""
    transfer = await tx.one(select(*_COLUMNS).where(transfers.c.id == transfer_id), Transfer)
    if transfer is None:
        raise NotFound("unknown_transfer", f"no transfer {transfer_id}")
    return transfer


async def of_sub_order(tx: Tx, sub_order_id: str) -> list[Transfer]:
    """The transfers of a sub-order's share and reserve, oldest first."""
    return await tx.all(select(*_COLUMNS).where(transfers.c.sub_order_id == sub_order_id).order_by(transfers.c.id), Transfer)


async def drawn(tx: Tx, charge: str) -> int:
    """What transfers have drawn on a charge; that a provider lets reversed money be drawn again is nowhere promised."""
    t = transfers.c
    sums = select(func.coalesce(func.sum(t.amount), 0)).where(t.charge == charge)
    return int(await tx.scalar(sums))


async def add_reversed(tx: Tx, transfer_id: str, amount: int) -> None:
    """Note that `amount` comes back, or with a minus that it does not after all."""
    await tx.execute(update(transfers).where(transfers.c.id == transfer_id).values(reversed=transfers.c.reversed + amount))
