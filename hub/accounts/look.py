"""How a vendor's connected account stands: looked at, noted, and what has waited for it goes on."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, Update, bindparam, func, select, update

from hub.payments.facts import AccountFacts
from hub.payments.ports import GatewayRefused, PaymentGateway
from hub.payouts.send import PAYOUT_SEND
from hub.payouts.states import PayoutState
from hub.payouts.tables import payouts
from hub.runtime.database import Tx
from hub.runtime.steps import HUB_TARGET, StepState, steps
from hub.transfers.release import RELEASE, RELEASE_CREDIT
from hub.transfers.states import TransferState
from hub.transfers.tables import transfers
from hub.vendors import accounts
from hub.vendors.accounts import Standing


async def look(gateway: PaymentGateway, account: str) -> AccountFacts:
    """How an account stands; one that the provider refuses to speak of may do nothing. Raises `InDoubt` and `NotSent`."""
    try:
        return await gateway.look_account(account)
    except GatewayRefused as no:
        return AccountFacts(account=account, may_receive=False, may_pay_out=False, reason=no.code)


async def take_notice(tx: Tx, facts: AccountFacts, seen_at: datetime) -> bool:
    """Note how an account stood when it was asked for at `seen_at`, in any order; False if it is nobody's."""
    standing = Standing(receives=facts.may_receive, pays_out=facts.may_pay_out, due=facts.due, reason=facts.reason)
    noted = await accounts.note_account(tx, facts.account, standing, seen_at)
    for vendor in (each.vendor for each in noted if each.better):
        await _wake(tx, vendor)
    return bool(noted)


def _waking(kinds: Sequence[str], subjects: Select[tuple[str]]) -> Update:
    s = steps.c
    tried = (s.state == StepState.OPEN, s.target == HUB_TARGET, s.attempt > 0)
    # Nobody is waited for who may wait for us: what is claimed or put off at this very moment looks again by itself.
    waiting = select(s.id).where(*tried, s.kind.in_(kinds), s.subject_id.in_(subjects)).with_for_update(skip_locked=True)
    return update(steps).where(s.id.in_(waiting)).values(due_at=func.now())


_HELD = select(transfers.c.id).where(transfers.c.vendor == bindparam("vendor"), transfers.c.state == TransferState.HELD)
_ASKED = select(payouts.c.id).where(payouts.c.vendor == bindparam("vendor"), payouts.c.state == PayoutState.REQUESTED)
_WAKE = (_waking((RELEASE, RELEASE_CREDIT), _HELD), _waking((PAYOUT_SEND,), _ASKED))


async def _wake(tx: Tx, vendor: str) -> None:
    """Make due now what was tried and has waited for the vendor's account; what was never tried has its own time."""
    for waking in _WAKE:
        woken = await tx.execute(waking, {"vendor": vendor})
        tx.woken = tx.woken or woken > 0
