"""An operator says what something in suspense was: it goes to the account where it belongs, once, and who said so is kept."""

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError

from hub.kernel.errors import Conflict, Invalid, NotFound
from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.ledger.recipes import SUSPENSE as SUSPENSE_ACCOUNT
from hub.ledger.recipes import Posting
from hub.ledger.tables import balances
from hub.reconcile import store
from hub.reconcile.store import EXPLAINED, IN_SUSPENSE, SUSPENSE, SUSPENSE_EXPLAINED
from hub.runtime.database import Tx
from hub.runtime.life import Move, record
from hub.vendors import store as vendors

OURS = frozenset(
    {
        recipes.COMMISSION,
        recipes.TAX,
        recipes.DISCOUNTS,
        recipes.PROCESSING_FEES,
        recipes.DISPUTE_FEES,
        recipes.LOSSES,
        recipes.FINES,
        recipes.BONUSES,
        recipes.BANK,
    }
)
"""Accounts that may explain anything; beside them those of vendors, and of orders, refunds and disputes that there are."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`account` is whose the money is, or whose it was: ``processing_fees``, ``vendor:acme``, ``refund:ref_…``."""

    account: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[a-z_]+(:[A-Za-z0-9_-]+)*\Z")]
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """What was posted for it."""

    id: str
    transaction_id: str
    account: str
    moved: list[tuple[str, int]]
    """(currency, minor units): above zero into the account, below out of it."""


async def explain_movement(tx: Tx, movement_id: str, said: Explanation) -> Explained:
    """Move what a provider's movement put into suspense to an account.

    Raises `NotFound`, `Invalid` (``unknown_account``) and `Conflict` (``not_in_suspense``, ``account_too_low``).
    """
    gateway = await store.gateway_of(tx, movement_id)
    if gateway is None:
        raise NotFound("unknown_movement", f"no movement {movement_id}")
    await store.lock(tx, gateway)
    movement = await store.get(tx, movement_id)
    if movement.standing != IN_SUSPENSE:
        raise Conflict("not_in_suspense", f"{movement_id} is {movement.standing}")
    done = await _explain(tx, gateway, movement_id, said)
    await store.set_explained(tx, movement_id)
    return done


async def explain_booking(tx: Tx, transaction_id: str, said: Explanation) -> Explained:
    """Move what a transaction of ours, which nothing at the provider stands for, put into suspense to an account. As above."""
    gateway = await store.gateway_of_suspense(tx, transaction_id)
    if gateway is None:
        raise NotFound("unknown_booking", f"{transaction_id} is no transaction of ours that was put into suspense")
    await store.lock(tx, gateway)
    if transaction_id not in await store.suspended(tx, [transaction_id]) or await store.is_explained(tx, transaction_id):
        raise Conflict("not_in_suspense", f"{transaction_id} is not in suspense any more")
    return await _explain(tx, gateway, transaction_id, said)


async def _explain(tx: Tx, gateway: str, cause: str, said: Explanation) -> Explained:
    await _check(tx, said.account)
    found = await store.correction(tx, gateway, SUSPENSE, cause)
    moves = [
        Posting(SUSPENSE_ACCOUNT, said.account, net, currency) if net > 0 else Posting(said.account, SUSPENSE_ACCOUNT, -net, currency)
        for currency, net in found
        if net
    ]
    try:
        transaction_id = await ledger.post(tx, SUSPENSE_EXPLAINED, cause=cause, moves=moves)
    except IntegrityError as error:
        raise Conflict("account_too_low", f"{said.account} holds less than that", field="/account") from error
    data = {"account": said.account, "transaction_id": transaction_id}
    move = Move(
        life="movement",
        subject_id=cause,
        saga_id=cause,
        event="explain",
        before=IN_SUSPENSE,
        after=EXPLAINED,
        reason=said.reason,
        data=data,
    )
    record(tx, move)
    return Explained(id=cause, transaction_id=transaction_id, account=said.account, moved=found)


async def _check(tx: Tx, account: str) -> None:
    if account in OURS:
        return
    kind, _, rest = account.partition(":")
    if kind == "vendor":
        known = rest in await vendors.terms_of(tx, [rest])
    else:
        known = kind in {"order", "receipts", "held", "reserve", "refund", "dispute"} and bool(
            await tx.scalar(select(exists().where(balances.c.account == account)))
        )
    if not known:
        raise Invalid("unknown_account", f"there is no account {account} that could explain this", field="/account")
