"""A marketplace without a broker, for tests of money: vendors work by hand, the hub's own steps are driven one round at a time."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import text

from hub.app import cart_rules
from hub.cart.ask_price import AskPrice, ask_price
from hub.cart.open_cart import OpenCart, open_cart
from hub.catalog.model import Described, OfferTerms
from hub.checkout import cancel, vendor_acts
from hub.checkout.begin import PlaceOrder
from hub.checkout.placing import Place, Wish
from hub.customers.register import NewCustomer, register
from hub.gateways.bank.gateway import BankGateway
from hub.gateways.stripe.gateway import StripeGateway
from hub.gateways.stripe.wire import InProcess
from hub.inventory.offers import put_one
from hub.kernel.money import Money
from hub.ledger import store as ledger
from hub.ops import invariants
from hub.ops.invariants import Breach
from hub.orders import store as orders
from hub.orders.model import Order
from hub.orders.states import SubOrderState
from hub.payments.ports import PaymentGateway
from hub.refunds import store as refunds
from hub.refunds.store import Refund
from hub.runtime.database import Actor, Tx
from hub.runtime.idempotency import Asker
from hub.runtime.together import Together
from hub.runtime.trace import Trace
from hub.sandbox.app import SECRET, Sandbox, create_sandbox
from hub.settings import load_settings
from hub.vendors.admit import admit
from hub.vendors.model import NewVendor, ShippingOption
from hub.wiring import Wiring, bank_account, wire
from hub.worker import provider
from hub.worker.accounts import open_accounts
from hub.worker.dispatch import Dispatcher
from tests.hub_api import ADDRESS, settings_for
from tests.sandbox.controls import turn
from vendor_sdk.messages import Address, Parcel, Shortfall

S = SubOrderState
ROUNDS_MAX = 400
OPERATOR = Actor("operator", "olga")
PATIENCE = 4
"""Rounds without a change after which what is still open waits for somebody else."""


@dataclass
class Shop:
    """The parts, and what people do in it."""

    wiring: Wiring
    sandbox: Sandbox
    app: Any
    gateways: dict[str, PaymentGateway]
    buyer: Actor
    currency: str = "EUR"
    _dispatcher: Dispatcher = field(init=False)
    _offers: dict[tuple[str, str, int, int], str] = field(default_factory=dict[tuple[str, str, int, int], str])

    def __post_init__(self) -> None:
        self._dispatcher = Dispatcher(self.wiring, self.gateways, lambda _: None)

    async def vendor(self, code: str, **terms: Any) -> None:
        """Admit a vendor who works by hand."""
        options = [ShippingOption(code="post", name="Post", price=Money(amount=490, currency=self.currency), days=3)]
        async with self.wiring.database.tx() as tx:
            await admit(tx, NewVendor(code=code, name=code.title(), country="DE", shipping_options=options))
            for name, value in terms.items():
                await tx.execute(text(f"UPDATE vendors SET {name} = :value WHERE code = :code"), {"value": value, "code": code})

    async def place(self, *lines: tuple[str, str, int, int], coupons: Sequence[str] = (), **more: Any) -> str:
        """Order (vendor, sku, price, quantity); the order's id."""
        wanted = {await self._offer(vendor, sku, price): quantity for vendor, sku, price, quantity in lines}
        async with self.wiring.database.tx(self.buyer) as tx:
            rules = cart_rules(self.wiring.settings)
            cart = await open_cart(tx, rules, OpenCart(currency=self.currency, lines=wanted))
            asked = AskPrice(address=msgspec.convert(ADDRESS, Address), coupons=list(coupons))
            quote = await ask_price(tx, rules, cart.id, asked)
            order = msgspec.convert({"quote_id": quote.id, "payment_method": "pm_card_visa", **more}, PlaceOrder)
        placed = await Together(self.wiring.database, Place(self.wiring.timing))(Asker(self.buyer, Trace.new(), None), Wish(order, now()))
        return str(msgspec.json.decode(placed.body)["id"])

    async def run(self) -> None:
        """Do what is due, round after round, until nothing comes of it; time that something waits for passes at once."""
        idle = 0
        for _ in range(ROUNDS_MAX):
            before = await self._open()
            if not before:
                return
            await self._round()
            idle = idle + 1 if await self._open() == before else 0
            if idle == PATIENCE:
                return
        raise AssertionError(await self._open())

    async def one_step(self, kind: str) -> None:
        """Do what is due of one kind, once."""
        await self.sql("UPDATE steps SET due_at = now() + interval '1 hour' WHERE state = 'open' AND target = '@hub' AND NOT waiting")
        due = text("UPDATE steps SET due_at = now() WHERE state = 'open' AND kind = :kind")
        async with self.wiring.database.tx() as tx:
            await tx.execute(due, {"kind": kind})
        await self._dispatcher.once()
        await self._dispatcher.idle()

    async def accounts(self) -> None:
        """Open the accounts of vendors that have none."""
        await open_accounts(self.wiring, self.gateways)

    async def fund(self, amount: int) -> None:
        """Money of our own lies at the provider, available at once."""
        await turn(self.app, "movements", {"amount": amount, "currency": self.currency.lower(), "type": "adjustment"})

    async def paid(self, *lines: tuple[str, str, int, int], decline: Sequence[str] = (), **more: Any) -> Order:
        """An order placed, accepted (but by those who `decline`) and captured."""
        order_id = await self.place(*lines, **more)
        await self.run()
        for sub in (await self.order(order_id)).sub_orders:
            if sub.state is S.ROUTED:
                await self.vendor_says(sub.vendor, sub.id, "decline" if sub.vendor in decline else "accept")
        await self.run()
        return await self.order(order_id)

    async def deliver(self, order_id: str, *vendors: str) -> Order:
        """Ship and deliver what is accepted (of these vendors); the money that is due follows."""
        for sub in (await self.order(order_id)).sub_orders:
            if sub.state is S.ACCEPTED and (not vendors or sub.vendor in vendors):
                await self.vendor_says(sub.vendor, sub.id, "ship")
                await self.vendor_says(sub.vendor, sub.id, "deliver")
        await self.run()
        return await self.order(order_id)

    async def also(self, vendor: str, of: tuple[str, str, int], price: int, *, stock: int = 1000, shipping: int = 0) -> str:
        """Another vendor offers the same variant as (vendor, sku, price); its offer's id."""
        async with self.wiring.database.reading() as tx:
            variant = await tx.scalar(text("SELECT variant_id FROM offers WHERE id = :id"), {"id": await self._offer(*of)})
        money = Money(amount=price, currency=self.currency)
        added = Money(amount=shipping, currency=self.currency)
        terms = OfferTerms(price=money, stock=stock, variant_id=variant, shipping_price=added)
        async with self.wiring.database.tx(Actor("vendor", vendor)) as tx:
            return (await put_one(tx, vendor, f"{of[1]}-{price}-{vendor}", terms, None)).id

    async def vendor_says(self, vendor: str, sub_order_id: str, what: str, short: Sequence[Shortfall] = ()) -> None:
        """Accept (but for what is `short`), decline, ship or deliver."""
        timing = self.wiring.timing
        async with self.wiring.database.tx(Actor("vendor", vendor)) as tx:
            match what:
                case "accept":
                    await vendor_acts.accept(tx, timing, sub_order_id, short)
                case "decline":
                    await vendor_acts.decline(tx, timing, sub_order_id, "out_of_stock", "")
                case "ship":
                    await vendor_acts.ship(tx, timing, sub_order_id, [Parcel(carrier="post", tracking_number=sub_order_id)])
                case _:
                    await vendor_acts.deliver(tx, timing, sub_order_id)

    async def cancel(self, order_id: str) -> None:
        """The buyer wants out."""
        async with self.wiring.database.tx(self.buyer) as tx:
            await cancel.cancel(tx, order_id)

    async def dispute(self, order_id: str, **how: Any) -> str:
        """The buyer's bank contests the order's charge; the dispute's id at the provider."""
        charge = await self.scalar("SELECT charge FROM payments WHERE order_id = :id", id=order_id)
        made = await turn(self.app, f"charges/{charge}/dispute", how)
        await self.hear()
        return str(made["id"])

    async def close_dispute(self, reference: str, status: str) -> None:
        """The buyer's bank decides."""
        await turn(self.app, f"disputes/{reference}/close", {"status": status})
        await self.hear()

    async def hear(self) -> None:
        """Learn what has happened at the provider, as without any webhook, and do what follows."""
        await self.sql("UPDATE provider_cursors SET due_at = now() - interval '1 day'")
        await provider.sweep_events(self.wiring, self.gateways, every=0)
        await self.sql("UPDATE provider_events SET due_at = now() WHERE state IN ('new', 'parked')")
        await provider.apply_events(self.wiring, self.gateways)
        await self.run()

    async def order(self, order_id: str) -> Order:
        """As it stands."""
        async with self.wiring.database.reading() as tx:
            return await orders.load(tx, order_id)

    async def refunds(self, order_id: str) -> list[Refund]:
        """As they stand."""
        async with self.wiring.database.reading() as tx:
            return await refunds.refunds_of(tx, order_id)

    async def balance(self, account: str) -> int:
        """What an account of the books holds."""
        async with self.wiring.database.reading() as tx:
            return await ledger.balance(tx, account, self.currency)

    async def breaches(self, *, settled: bool = False) -> list[Breach]:
        """What breaks the laws now."""
        async with self.wiring.database.reading() as tx:
            return await invariants.check(tx, settled=settled)

    def at_provider(self, account: str = "") -> int:
        """What the provider holds for us, or for a connected account."""
        found = self.sandbox.store.find("balance_transaction", account, [])
        return sum(movement["net"] for movement in found)

    async def scalar(self, sql: str, **values: Any) -> Any:
        """The one value of a query."""
        async with self.wiring.database.reading() as tx:
            return await tx.scalar(text(sql), values)

    async def rows(self, sql: str, **values: Any) -> Sequence[Any]:
        """The rows of a query."""
        async with self.wiring.database.reading() as tx:
            return await tx.rows(text(sql), values)

    async def act(self, do: Callable[[Tx], Any], who: Actor = OPERATOR) -> Any:
        """Something in a transaction of somebody's."""
        async with self.wiring.database.tx(who) as tx:
            return await do(tx)

    async def close(self) -> None:
        """Let go of everything."""
        for gateway in self.gateways.values():
            await gateway.close()
        await self.wiring.close()
        self.sandbox.close()

    async def _round(self) -> None:
        await self.sql("UPDATE steps SET due_at = now() WHERE state = 'open' AND target = '@hub' AND NOT waiting")
        await self._dispatcher.once()
        await self._dispatcher.idle()

    async def _open(self) -> list[tuple[str, str]]:
        async with self.wiring.database.reading() as tx:
            rows = await tx.rows(text("SELECT id, kind FROM steps WHERE state = 'open' AND target = '@hub' ORDER BY id"))
            return [(row.id, row.kind) for row in rows]

    async def _offer(self, vendor: str, sku: str, price: int, shipping: int = 0) -> str:
        key = (vendor, sku, price, shipping)
        if key not in self._offers:
            terms = OfferTerms(
                price=Money(amount=price, currency=self.currency),
                stock=100_000,
                product=Described(title=f"{vendor} {sku}", category="test"),
            )
            async with self.wiring.database.tx(Actor("vendor", vendor)) as tx:
                self._offers[key] = (await put_one(tx, vendor, f"{sku}-{price}", terms, None)).id
        return self._offers[key]

    async def sql(self, sql: str) -> None:
        """A statement by hand."""
        async with self.wiring.database.tx() as tx:
            await tx.execute(text(sql))


def now() -> datetime:
    """What the edge would say."""
    return datetime.now(UTC)  # noqa: TID251  # the tests stand for the edge


async def open_shop(database_url: str, *vendors: str, settings: Mapping[str, str] | None = None, onboard: bool = True) -> Shop:
    """A shop on an empty database with a schema; its vendors' accounts are open."""
    holds = {
        "WHEELWRIGHT__ORDERS__HOLD_SECONDS": "0",
        "WHEELWRIGHT__WORKER__POLL_SECONDS": "0.001",
        "WHEELWRIGHT__DATABASE__POOL_SIZE": "12",
    }
    wiring = wire(load_settings(environ=settings_for(database_url) | holds | dict(settings or {})), "shop")
    sandbox = create_sandbox(onboard=onboard)
    stripe = StripeGateway(SECRET, base_url="http://sandbox", timeout=5.0, rate_per_second=None, wire=InProcess(sandbox, 5.0))
    bank = BankGateway(wiring.database, bank_account(wiring.settings))
    async with wiring.database.tx() as tx:
        buyer = Actor("customer", (await register(tx, NewCustomer(name="Ada", email="ada@example.com"))).customer.id)
    shop = Shop(wiring, sandbox, sandbox, {"stripe": stripe, "bank": bank}, buyer)
    for code in vendors:
        await shop.vendor(code)
    await open_accounts(wiring, shop.gateways)
    await asyncio.sleep(0)
    return shop
