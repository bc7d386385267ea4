"""The bank is reconciled by the same code: its lines against what we booked of them."""

from sqlalchemy import delete

from hub.gateways.bank.gateway import BankGateway
from hub.gateways.bank.model import BankAccount
from hub.gateways.bank.tables import bank_lines
from hub.reconcile import run, runs
from hub.reconcile.match import Mismatch
from hub.reconcile.report import Report
from hub.reconcile.run import Rules
from tests.hub_api import Api, api

__all__ = ["api"]

AT_ONCE = Rules(grace_seconds=0, offline_grace_seconds=0)
LINES = "bank_id,booked_on,amount,currency\nB-1,2026-01-31,120.00,EUR\nB-2,2026-01-31,-3.50,EUR\nB-3,2026-01-31,7.125,KWD\n"


async def reconciled(api: Api) -> Report:
    bank = BankGateway(api.wiring.database, BankAccount(holder="", iban="", bic=None))
    async with api.wiring.database.tx() as tx:
        asked = await run.ask(tx, None, None)
        claimed = await runs.claim(tx, asked.id)
    assert claimed is not None
    report = await run.perform(api.wiring.database, {"bank": bank}, AT_ONCE, claimed)
    assert report is not None
    return report


async def test_every_line_of_a_statement_is_booked_and_every_booking_is_a_line(api: Api):
    answer = await api("olga", "POST", "/v1/admin/bank/files", {"format": "csv", "content": LINES})
    assert answer.status_code == 200, answer.text
    report = await reconciled(api)
    assert report.equal, report
    assert [(each.currency, each.closing, each.ours) for each in report.balances] == [("EUR", 11_650, 11_650), ("KWD", 7125, 7125)]


async def test_a_line_that_vanished_before_it_was_read(api: Api):
    content = LINES.replace("B-", "C-")
    assert (await api("olga", "POST", "/v1/admin/bank/files", {"format": "csv", "content": content})).status_code == 200
    async with api.wiring.database.tx() as tx:
        await tx.execute(delete(bank_lines).where(bank_lines.c.bank_id == "C-2"))
    report = await reconciled(api)
    assert [(each.problem, each.ours, each.reference) for each in report.differences] == [(Mismatch.MISSING, -350, "C-2")]
