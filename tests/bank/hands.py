"""A bank with a test's hands on it: buyers who pay, files that come, orders that are carried out."""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from datetime import date
from typing import Any, TypeVar

import msgspec
from sqlalchemy import func, select, text

from hub.gateways.bank import receive, send, store
from hub.gateways.bank.gateway import BankGateway
from hub.gateways.bank.model import BankLine, BankOrder, BankPayment, FileReport, Kind, NewLine
from hub.gateways.bank.tables import bank_orders, bank_payments
from hub.kernel.money import Money
from hub.ledger import store as ledger
from hub.payments import store as payments
from hub.payments.ports import PaymentGateway
from hub.runtime.database import Actor, Database
from hub.vendors.admit import admit
from hub.vendors.model import NewVendor, ShippingOption
from hub.vendors.money_terms import BankAccount
from tests.gateways import contract

T = TypeVar("T")

OURS = BankAccount(holder="Wheelwright Markets", iban="DE89370400440532013000", bic="COBADEFFXXX")
ADA = "FR1420041010050500013M02606"
BOB = "NL91ABNA0417164300"
ACME = BankAccount(holder="Acme", iban="AT611904300234573201")
OLGA = Actor("operator", "olga")


class Bank:
    """The gateway, and the other side of it; a provider for the contract of all gateways."""

    method = "bank_transfer"

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = Database(url, pool_size=8)
        self.gateway: PaymentGateway = BankGateway(self.database, OURS)
        self._numbers = iter(range(1, 10_000))

    async def order(self, order_id: str = contract.ORDER, amount: int = contract.AMOUNT) -> str:
        """An order whose buyer wants to pay by bank transfer; its payment's id."""
        async with self.database.tx() as tx:
            return payments.open_payment(tx, order_id=order_id, method=self.method, amount=amount, currency="EUR")

    async def expected(self, order_id: str, amount: int = contract.AMOUNT) -> str:
        """The reference of a payment that the buyer was told."""
        await self.order(order_id, amount)
        known = await self.gateway.open_payment(
            f"{order_id}.open", order_id=order_id, amount=amount, currency="EUR", payment_method=self.method
        )
        await self.gateway.authorize(f"{order_id}.confirm", known.reference)
        return known.reference

    def line(self, amount: int, said: str = "", **more: Any) -> NewLine:
        """A line of our account, of today."""
        number = next(self._numbers)
        values: dict[str, Any] = {
            "bank_id": f"B{number}",
            "booked_on": date(2026, 1, 31),
            "currency": "EUR",
            "payer_name": "Ada",
            "payer_iban": ADA,
            **more,
        }
        return NewLine(number=number, amount=amount, text=said, **values)

    async def file(self, *lines: NewLine) -> FileReport:
        """A file is booked."""
        async with self.database.tx(OLGA) as tx:
            return await receive.book_file(tx, lines, "file:test")

    async def sent(self, *orders: BankOrder) -> FileReport:
        """The bank carries orders out and says so."""
        return await self.file(*(self.line(-order.amount, end_to_end=order.end_to_end, currency=order.currency) for order in orders))

    async def payment(self, reference: str) -> BankPayment:
        async with self.database.reading() as tx:
            found = await store.payment(tx, reference)
        assert found is not None
        return found

    async def orders(self, state: str | None = None) -> list[BankOrder]:
        """Oldest first."""
        async with self.database.reading() as tx:
            return (await store.orders(tx, state=state, after=None, limit=100))[::-1]

    async def lines(self, *, unmatched: bool = False) -> list[BankLine]:
        """Oldest first."""
        async with self.database.reading() as tx:
            return (await store.lines(tx, unmatched=unmatched, after=None, limit=100))[::-1]

    async def balances(self) -> dict[str, int]:
        """Every account of the books that is not at zero, in euros' cents, the payments' by their order."""
        async with self.database.reading() as tx:
            names = {row.id: row.order_id for row in await tx.rows(text("SELECT id, order_id FROM payments"))}
            found = await ledger.balances(tx, "")
        return {_named(entry.account, names): entry.balance for entry in found}

    async def export(self) -> str | None:
        async with self.database.tx(OLGA) as tx:
            return (await send.export(tx)).id

    async def buyer_pays(self, reference: str, amount: int) -> None:
        """The contract's buyer."""
        await self.file(self.line(amount, reference))

    async def settle(self) -> None:
        """Everything that is ordered is executed."""
        await self.export()
        await self.sent(*await self.orders("exported"))

    async def advance(self, seconds: int) -> None:
        """A bank's days make no difference."""
        del seconds

    async def vendor(self, *, ready: bool = True) -> str:
        """A vendor's code."""
        standard = ShippingOption(code="standard", name="Standard", price=Money(amount=490, currency="EUR"), days=3)
        async with self.database.tx() as tx:
            await admit(tx, NewVendor(code="acme", name="Acme", country="AT", shipping_options=[standard]))
            if ready:
                statement = text("UPDATE vendors SET bank_account = CAST(:account AS jsonb) WHERE code = 'acme'")
                await tx.execute(statement, {"account": msgspec.json.encode(ACME).decode()})
        return "acme"

    def count(self, kind: contract.Kind) -> int:
        """Asked without awaiting, so by a loop of its own."""
        return _elsewhere(self._count(kind))

    async def _count(self, kind: contract.Kind) -> int:
        kinds = {"refunds": Kind.REFUND, "transfers": Kind.TRANSFER}
        query = select(func.count()).select_from(bank_payments if kind == "payments" else bank_orders)
        query = query.where(bank_orders.c.kind == kinds[kind]) if kind in kinds else query
        database = Database(self.url, pool_size=1)
        try:
            async with database.reading() as tx:
                return int(await tx.scalar(query))
        finally:
            await database.close()


def _named(account: str, names: dict[str, str]) -> str:
    kind, _, payment = account.partition(":")
    return f"{kind}:{names[payment]}" if payment in names else account


def _elsewhere(work: Coroutine[Any, Any, T]) -> T:
    found: list[T] = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(work)))
    thread.start()
    thread.join()
    return found[0]


def total(lines: Sequence[BankLine]) -> int:
    """What lies on the account."""
    return sum(line.amount for line in lines)
