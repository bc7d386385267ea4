"""The only reader and writer of transfers (states go through their life)."""

from datetime import datetime

import msgspec
from sqlalchemy import BigInteger, Float, and_, bindparam, cast, false, func, insert, select, update

from hub.kernel.errors import NotFound
from hub.ledger import recipes
from hub.payments.tables import payments
from hub.runtime.database import Tx
from hub.runtime.life import Life, Seen
from hub.transfers.states import TRANSFER, TransferState
from hub.transfers.tables import transfers
from hub.vendors.tables import vendors

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
    version: int
    """How often its state has changed: each refusal of the provider is two such changes."""
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

    @property
    def seen(self) -> Seen:
        """For who moves it on, and has locked it."""
        return Seen(self.id, self.saga_id, self.state)


_COLUMNS = [transfers.c[name] for name in Transfer.__struct_fields__]


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """By which provider a share is paid, and how long it is held by the vendor's own terms; None is as the marketplace has it."""

    gateway: str
    hold_seconds: int | None


_HOLDING = (
    select(payments.c.gateway, vendors.c.hold_seconds)
    .select_from(payments.join(vendors, vendors.c.code == bindparam("of_vendor")))
    .where(payments.c.order_id == bindparam("of_order"), ~payments.c.replaced)
)


async def holding(tx: Tx, order_id: str, vendor: str) -> Holding:
    """How a vendor's share of an order is to be held. Raises `NotFound`."""
    found = await tx.one(_HOLDING, Holding, {"of_order": order_id, "of_vendor": vendor})
    if found is None:
        raise NotFound("unknown_payment", f"no payment for {order_id}")
    return found


class NewTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer to be opened; `order_id` and `sub_order_id` are None for a credit."""

    kind: str
    vendor: str
    gateway: str
    currency: str
    order_id: str | None = None
    sub_order_id: str | None = None
    seconds: float = 0


_AFTER = func.make_interval(0, 0, 0, 0, 0, 0, bindparam("seconds", type_=Float))
_OPEN = insert(transfers).values(hold_until=func.now() + _AFTER).returning(*_COLUMNS)


async def open_transfer(tx: Tx, new: NewTransfer) -> Transfer:
    """Held, to be released in `new.seconds`."""
    transfer_id = tx.ids.new("trf")
    saga_id = new.order_id or transfer_id
    row = {"id": transfer_id, "saga_id": saga_id, "state": TransferState.HELD, "amount": 0}
    opened = await tx.one(_OPEN, Transfer, row | msgspec.structs.asdict(new))
    assert opened is not None, "it was just written"
    TRANSFER_LIFE.born(tx, transfer_id, saga_id, data={"kind": new.kind, "sub_order_id": new.sub_order_id, "vendor": new.vendor})
    return opened


_ONE = select(*_COLUMNS).where(transfers.c.id == bindparam("transfer_id"))
_ONE_LOCKED = _ONE.with_for_update()


class ToRelease(Transfer, frozen=True, kw_only=True):
    """A transfer with what its release is decided by: its vendor's account and own terms, and its order's payment.

    `barred` is whether it has just been found, for `account_reason` or for what is due, that the account may not
    receive; all as of `asked_at`.
    `captured` (minor units) and `paid_with`, the charge of it, are None for money that is of no order.
    """

    connected_account: str | None
    barred: bool
    account_reason: str
    account_due: list[str]
    asked_at: datetime
    own_reserve_bps: int | None
    own_reserve_seconds: int | None
    disputed: bool
    captured: int | None
    paid_with: str | None
    drawn: int
    """What transfers have drawn on that charge; that a provider lets reversed money be drawn again is nowhere promised."""


_LATELY = func.now() - func.make_interval(0, 0, 0, 0, 1)
"""Longer than accounts that may not receive go unseen (`hub.vendors.accounts`): if nobody has looked since, it is asked for."""
_before = transfers.alias("before")
_DRAWN = (
    select(cast(func.coalesce(func.sum(_before.c.amount), 0), BigInteger))
    .where(_before.c.order_id == payments.c.order_id, _before.c.charge == payments.c.charge)
    .correlate(payments)
    .scalar_subquery()
)
_TO_RELEASE = (
    select(
        *_COLUMNS,
        _DRAWN.label("drawn"),
        vendors.c.connected_account,
        func.coalesce(and_(~vendors.c.account_receives, vendors.c.account_seen_at > _LATELY), false()).label("barred"),
        vendors.c.account_reason,
        vendors.c.account_due,
        func.now().label("asked_at"),
        vendors.c.reserve_bps.label("own_reserve_bps"),
        vendors.c.reserve_seconds.label("own_reserve_seconds"),
        func.coalesce(payments.c.disputed, false()).label("disputed"),
        payments.c.captured,
        payments.c.charge.label("paid_with"),
    )
    .select_from(
        transfers.join(vendors, vendors.c.code == transfers.c.vendor).outerjoin(
            payments, and_(payments.c.order_id == transfers.c.order_id, ~payments.c.replaced)
        )
    )
    .where(transfers.c.id == bindparam("transfer_id"))
)
_TO_RELEASE_LOCKED = _TO_RELEASE.with_for_update(of=transfers)


async def to_release(tx: Tx, transfer_id: str, *, lock: bool = False) -> ToRelease:
    """What the release of a transfer is decided by; its payment stands still for who has locked the order. Raises `NotFound`."""
    found = await tx.one(_TO_RELEASE_LOCKED if lock else _TO_RELEASE, ToRelease, {"transfer_id": transfer_id})
    if found is None:
        raise NotFound("unknown_transfer", f"no transfer {transfer_id}")
    if found.order_id is not None and found.captured is None:
        raise NotFound("unknown_payment", f"no payment for {found.order_id}")
    return found


async def get(tx: Tx, transfer_id: str, *, lock: bool = False) -> Transfer:
    """One transfer. Raises `NotFound`."""
    transfer = await tx.one(_ONE_LOCKED if lock else _ONE, Transfer, {"transfer_id": transfer_id})
    if transfer is None:
        raise NotFound("unknown_transfer", f"no transfer {transfer_id}")
    return transfer


_NO_CREDIT = transfers.c.kind != CREDIT
"""As the index by part says: PostgreSQL uses it only for who says the same."""
_OF_SUB_ORDER = select(*_COLUMNS).where(transfers.c.sub_order_id == bindparam("sub_order_id"), _NO_CREDIT).order_by(transfers.c.id)


async def of_sub_order(tx: Tx, sub_order_id: str) -> list[Transfer]:
    """The transfers of a sub-order's share and reserve, oldest first."""
    return await tx.all(_OF_SUB_ORDER, Transfer, {"sub_order_id": sub_order_id})


_ADD_REVERSED = (
    update(transfers)
    .where(transfers.c.id == bindparam("transfer_id"))
    .values(reversed=transfers.c.reversed + bindparam("more", type_=BigInteger))
)


async def add_reversed(tx: Tx, transfer_id: str, amount: int) -> None:
    """Note that `amount` comes back, or with a minus that it does not after all."""
    await tx.execute(_ADD_REVERSED, {"transfer_id": transfer_id, "more": amount})
