"""A real sandbox, the real gateway and the real ledger, side by side; what is done to one and not to the other is the test's."""

from collections.abc import AsyncIterator
from datetime import date

import msgspec
import pytest
from sqlalchemy import insert, select

from hub.gateways.stripe.gateway import StripeGateway
from hub.gateways.stripe.wire import InProcess
from hub.kernel.money import Money
from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.ledger.recipes import Posting, Share
from hub.letters.tables import dead_letters
from hub.payments.facts import Captured
from hub.payouts.tables import payouts
from hub.reconcile import run, runs, store
from hub.reconcile.report import Balance, Report
from hub.reconcile.run import Rules
from hub.reconcile.store import Kept
from hub.reconcile.tables import movements
from hub.runtime.database import Database
from hub.sandbox.app import SECRET, Sandbox, create_sandbox
from hub.transfers.tables import transfers
from hub.vendors import store as vendors
from hub.vendors.admit import admit
from hub.vendors.model import NewVendor, ShippingOption
from tests.conftest import MakeDatabase
from tests.sandbox.controls import turn

AT_ONCE = Rules(grace_seconds=0, accounts_max=10)
PATIENT = Rules(grace_seconds=3600, accounts_max=10)


class Stage:
    """Both sides."""

    def __init__(self, database: Database, sandbox: Sandbox) -> None:
        self.database = database
        self.sandbox = sandbox
        self.gateway = self.connect()
        self.gateways = {"stripe": self.gateway}
        self._number = 0

    def connect(self) -> StripeGateway:
        return StripeGateway(SECRET, base_url="http://sandbox", rate_per_second=None, wire=InProcess(self.sandbox, 10))

    def key(self, word: str = "k") -> str:
        self._number += 1
        return f"{word}_{self._number}"

    async def close(self) -> None:
        await self.gateway.close()
        await self.database.close()
        self.sandbox.close()

    async def turn(self, path: str, **body: object) -> None:
        await turn(self.sandbox, path, dict(body))

    async def charge(self, amount: int = 10_000, currency: str = "EUR") -> tuple[str, Captured]:
        """A buyer pays at the provider; an order's id."""
        order = self.key("ord")
        opened = await self.gateway.open_payment(
            self.key(), order_id=order, amount=amount, currency=currency, payment_method="pm_card_visa"
        )
        await self.gateway.authorize(self.key(), opened.reference)
        return order, await self.gateway.capture(self.key(), opened.reference, amount)

    async def book(self, kind: str, reference: str | None, moves: list[Posting], **more: str) -> str:
        async with self.database.tx() as tx:
            return await ledger.post(tx, kind, cause=self.key("cause"), moves=moves, reference=reference, **more)

    async def sell(self, amount: int = 10_000, currency: str = "EUR") -> tuple[str, Captured]:
        """A buyer pays, and our books know."""
        order, captured = await self.charge(amount, currency)
        fee = captured.fee
        moves = recipes.capture("stripe", order, amount, fee, currency)
        await self.book("capture", captured.charge, moves, order_id=order)
        commission = amount // 10
        share = Share(vendor="acme", sub_order_id=order, paid=amount, discount=0, share=amount - commission, commission=commission, tax=0)
        await self.book("allocate", None, recipes.allocate(order, [share], currency), order_id=order)
        return order, captured

    async def account(self, vendor: str = "acme") -> str:
        """A vendor with an onboarded account."""
        option = ShippingOption(code="standard", name="Standard", price=Money(amount=490, currency="EUR"), days=3)
        account = await self.gateway.open_account(self.key(), vendor=vendor, name=vendor, country="DE")
        await self.turn(f"accounts/{account}/onboard")
        async with self.database.tx() as tx:
            await admit(tx, NewVendor(code=vendor, name=vendor, country="DE", shipping_options=[option]))
            await vendors.set_connected_account(tx, vendor, account)
        return account

    async def pay_vendor(self, account: str, amount: int, charge: str, order: str, *, vendor: str = "acme") -> str:
        """A transfer, known to the books and to the table."""
        reference = await self.gateway.transfer(self.key(), charge=charge, account=account, amount=amount, currency="EUR", order_id=order)
        held = recipes.held_account(vendor, order)
        await self.book("transfer", reference, recipes.transfer("stripe", held, amount, "EUR"), vendor=vendor)
        await self.write_transfer(amount, reference, vendor)
        return reference

    async def write_transfer(self, amount: int, reference: str, vendor: str = "acme") -> None:
        async with self.database.tx() as tx:
            await tx.execute(
                insert(transfers).values(
                    id=self.key("trf"),
                    kind="credit",
                    saga_id=self.key("trf"),
                    vendor=vendor,
                    state="transferred",
                    amount=amount,
                    currency="EUR",
                    reference=reference,
                    hold_until=await runs.now(tx),
                )
            )

    async def write_payout(self, account: str, amount: int, reference: str, state: str = "paid", *, vendor: str = "acme") -> None:
        async with self.database.tx() as tx:
            await tx.execute(
                insert(payouts).values(
                    id=self.key("pyt"),
                    vendor=vendor,
                    gateway="stripe",
                    account=account,
                    state=state,
                    amount=amount,
                    currency="EUR",
                    step_id=self.key("step"),
                    reference=reference,
                    requested_by="vendor:acme",
                )
            )

    async def reconcile(
        self, *, rules: Rules = AT_ONCE, since: date | None = None, until: date | None = None, slot: str | None = None
    ) -> Report:
        """One run; its report."""
        async with self.database.tx() as tx:
            asked = await run.ask(tx, since, until)
            claimed = await runs.claim(tx, asked.id)
        assert claimed is not None
        report = await run.perform(self.database, self.gateways, rules, msgspec.structs.replace(claimed, slot=slot))
        async with self.database.reading() as tx:
            kept = await runs.get(tx, asked.id)
        assert report is not None, kept.reason
        assert kept.report == report
        return report

    async def kept(self, source: str) -> list[Kept]:
        async with self.database.reading() as tx:
            return await tx.all(select(*store.KEPT).where(movements.c.source == source).order_by(movements.c.amount), Kept)

    async def balance(self, account: str, currency: str = "EUR") -> int:
        async with self.database.reading() as tx:
            return await ledger.balance(tx, account, currency)

    async def mirrors(self, currency: str = "EUR") -> bool:
        """Law I2 to the cent, suspense included: what our books say lies there is what lies there."""
        there = (await self.gateway.funds()).get(currency)
        return -await self.balance("clearing:stripe", currency) == (there.available + there.pending if there else 0)

    async def letters(self) -> list[tuple[str, str]]:
        async with self.database.reading() as tx:
            rows = await tx.rows(select(dead_letters.c.reason, dead_letters.c.kind).order_by(dead_letters.c.id))
        return [(row.reason, row.kind) for row in rows]


def only(report: Report) -> Balance:
    assert len(report.balances) == 1
    return report.balances[0]


@pytest.fixture
async def stage(fresh_database: MakeDatabase) -> AsyncIterator[Stage]:
    made = Stage(Database(await fresh_database(), pool_size=8), create_sandbox(None))
    yield made
    await made.close()
