"""What a vendor has with us beside its holds (a bonus, money that came back) is transferred like a share, as a life of its own."""

from sqlalchemy import Integer, bindparam, func, literal, select

from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.ledger.tables import balances
from hub.payments.states import STRIPE
from hub.runtime import steps
from hub.runtime.database import Database, Tx
from hub.runtime.steps import Outcome, Step, Verdict
from hub.transfers import release, store, transfer
from hub.transfers.store import CREDIT, NewTransfer
from hub.vendors.tables import vendors

AT_ONCE = 20


_OWED = (
    select(vendors.c.code, balances.c.currency, balances.c.balance)
    .join(balances, balances.c.account == literal(recipes.vendor_account("")) + vendors.c.code)
    .where(balances.c.balance > 0)
    .order_by(func.random())
    .limit(bindparam("at_most", type_=Integer))
)


async def due_credits(tx: Tx, limit: int) -> list[tuple[str, str, int]]:
    """(vendor, currency, minor units) of vendors to whom we owe; any of them, so that none bars another's way.

    Amounts are of this moment: they are to be read again under `ledger.lock` before anything is moved.
    """
    return [(row.code, row.currency, row.balance) for row in await tx.rows(_OWED, {"at_most": limit})]


async def open_credit(tx: Tx, vendor: str, currency: str, *, at_least: int = 1) -> str | None:
    """Set what a vendor has with us aside and have it transferred; the transfer's id, None if that is less than `at_least`."""
    account = recipes.vendor_account(vendor)
    await ledger.lock(tx, account)
    amount = await ledger.balance(tx, account, currency)
    if amount < at_least:
        return None
    opened = await store.open_transfer(tx, NewTransfer(kind=CREDIT, vendor=vendor, gateway=STRIPE, currency=currency))
    await ledger.post(tx, "credit", vendor=vendor, cause=opened.id, moves=recipes.credit(vendor, opened.id, amount, currency))
    await steps.add(tx, release.release_step(opened, after=0, asked=False))
    return opened.id


async def conclude_release(tx: Tx, step: Step, outcome: Outcome) -> None:
    """As for a share."""
    if outcome.verdict is Verdict.OK:
        await release.released(tx, None, step, outcome)
    elif outcome.verdict is Verdict.REFUSED:
        await release.not_released(tx, step, outcome)


async def conclude_transfer(tx: Tx, step: Step, outcome: Outcome) -> None:
    """As for a share."""
    if outcome.verdict is Verdict.OK:
        await transfer.transferred(tx, step, outcome)
    elif outcome.verdict is Verdict.REFUSED:
        await steps.add(tx, release.again_step(await transfer.refused(tx, step, outcome)))


PERFORM = {release.RELEASE_CREDIT: release.perform_release, transfer.CREDIT_STEP: transfer.perform_transfer}
CONCLUDE = {release.RELEASE_CREDIT: conclude_release, transfer.CREDIT_STEP: conclude_transfer}


async def pay_credits(database: Database) -> None:
    """Open a credit for each vendor that has something with us, each in a transaction of its own."""
    async with database.reading() as tx:
        due = await due_credits(tx, AT_ONCE)
    for vendor, currency, _ in due:
        async with database.tx() as tx:
            await open_credit(tx, vendor, currency)
