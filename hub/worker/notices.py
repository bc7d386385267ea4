"""What each kind of provider event is a hint of: where to look, and who is told what was found."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec

from hub.accounts import look as account
from hub.orders import store as orders
from hub.payments import store as payments
from hub.payments.ports import PaymentGateway
from hub.payments.states import PaymentState
from hub.payouts import send as payout
from hub.refunds import dispute, send
from hub.runtime import steps
from hub.runtime.database import Tx
from hub.vendors import accounts
from hub.webhooks.kinds import OURS, THEIRS


class Hint(msgspec.Struct, frozen=True):
    """What several events may be about at once: one look does for all of them."""

    gateway: str
    topic: str
    subject: str
    account: str | None


Look = Callable[[PaymentGateway, Hint], Awaitable[Any]]
Take = Callable[[Tx, Hint, Any, datetime], Awaitable[bool]]


class Notice(msgspec.Struct, frozen=True):
    """How to follow a hint. `look` asks the provider; `take`, in one transaction, answers False if we do not know the object."""

    look: Look
    take: Take


def hint_of(gateway: str, kind: str, subject: str, account: str | None) -> Hint | None:
    """What an event hints at, of our own account or of a connected `account`; None if it is nothing to us."""
    topic = (OURS if account is None else THEIRS).get(kind)
    if topic is None:
        return None
    if topic in {"account", "bank"} and account is not None:
        subject, account = account, None  # a capability or a bank account changes what the whole account may do
    return Hint(gateway, topic, subject, account) if subject else None


async def _look_payment(_: PaymentGateway, hint: Hint) -> str:
    return hint.subject  # the order's own step looks, with its own key: all it needs is to be woken


async def _take_payment(tx: Tx, hint: Hint, reference: str, _: datetime) -> bool:
    payment = await payments.of_reference(tx, hint.gateway, reference)
    if payment is None:
        return False
    if payment.state is not PaymentState.CAPTURED or not payment.captured:  # what is captured has nothing left that waits for this
        await orders.lock(tx, payment.order_id)
        await steps.wake(tx, payment.order_id)
    return True


async def _look_refund(gateway: PaymentGateway, hint: Hint) -> Any:
    return await gateway.look_refund(hint.subject)


async def _take_refund(tx: Tx, _: Hint, facts: Any, __: datetime) -> bool:
    return await send.take_notice(tx, facts)


async def _look_dispute(gateway: PaymentGateway, hint: Hint) -> Any:
    return await gateway.look_dispute(hint.subject)


async def _take_dispute(tx: Tx, hint: Hint, facts: Any, _: datetime) -> bool:
    return await dispute.take_notice(tx, hint.gateway, facts)


async def _look_payout(gateway: PaymentGateway, hint: Hint) -> Any:
    return await gateway.look_payout(hint.subject, account=hint.account)


async def _take_payout(tx: Tx, _: Hint, facts: Any, __: datetime) -> bool:
    return await payout.take_notice(tx, facts)


async def _look_account(gateway: PaymentGateway, hint: Hint) -> Any:
    return await account.look(gateway, hint.subject)


async def _take_account(tx: Tx, _: Hint, facts: Any, seen_at: datetime) -> bool:
    return await account.take_notice(tx, facts, seen_at)


async def _look_nowhere(_: PaymentGateway, hint: Hint) -> str:
    return hint.subject  # that there is another bank account is all there is to know


async def _take_bank(tx: Tx, _: Hint, account_id: str, __: datetime) -> bool:
    return await accounts.note_bank_changed(tx, account_id)


NOTICES = {
    "bank": Notice(_look_nowhere, _take_bank),
    "payment": Notice(_look_payment, _take_payment),
    "refund": Notice(_look_refund, _take_refund),
    "dispute": Notice(_look_dispute, _take_dispute),
    "payout": Notice(_look_payout, _take_payout),
    "account": Notice(_look_account, _take_account),
}
