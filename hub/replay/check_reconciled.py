"""Checks by the hub's own reconciliation that the provider's books are ours."""

from sqlalchemy import func, select

from hub.payments.ports import Gateways
from hub.reconcile import run, runs
from hub.reconcile.run import Rules
from hub.replay.verdict import Verdict, count, no_exceptions
from hub.runtime.database import Actor, Database
from hub.vendors.tables import vendors

OPERATOR = Actor("operator", "replay")


async def check_reconciled(database: Database, gateways: Gateways) -> list[Verdict]:
    """Yesterday and today, and each vendor's account; nothing may be in flight any more."""
    async with database.tx(OPERATOR) as tx:
        asked = await run.ask(tx, None, None)
        claimed = await runs.claim(tx, asked.id)
        accounts = int(await tx.scalar(select(func.count()).where(vendors.c.connected_account.is_not(None))))
    report = None if claimed is None else await run.perform(database, gateways, Rules(grace_seconds=0.0), claimed)
    if report is None:
        return [Verdict("reconciliation with the provider", "done", "failed")]
    differing = [f"{each.gateway} {each.currency}: {each.ours} here, {each.closing} there" for each in report.balances if each.difference]
    named = [f"{each.problem} {each.movement or each.booking}" for each in report.differences]
    accounts_off = [f"{each.vendor}: {each.ours} here, {each.theirs} there" for each in report.vendor_balances]
    return [
        no_exceptions("a balance that is not the provider's to the cent", differing),
        no_exceptions("a movement that only one side knows, or knows otherwise", named),
        count("vendors' accounts proved", accounts, report.vendors_checked),
        no_exceptions("a vendor's account that does not hold what we booked", accounts_off),
    ]
