"""A marketplace to be put through it: a database, a sandbox some weeks behind, four vendors with their own terms, two workers."""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import func, select, text

from hub.app import cart_rules
from hub.cart.ask_price import AskPrice, ask_price
from hub.cart.open_cart import OpenCart, open_cart
from hub.cart.rules import CartRules
from hub.catalog.model import Described, OfferOfSku
from hub.checkout.begin import PlaceOrder
from hub.checkout.placing import Place, Wish
from hub.customers.register import NewCustomer, register
from hub.gateways.stripe.gateway import StripeGateway
from hub.gateways.stripe.wire import InProcess
from hub.inventory.offers import put_many
from hub.kernel.money import Money
from hub.runtime.database import Actor
from hub.runtime.idempotency import Asker
from hub.runtime.together import Together
from hub.runtime.trace import Trace
from hub.sandbox.app import SECRET, create_sandbox
from hub.settings import load_settings
from hub.wiring import Wiring, wire
from hub.worker.accounts import open_accounts
from hub.worker.dispatch import Dispatcher
from tests.chaos.trouble import SANDBOX, CrashingDatabase, CrashingGateway, ShakyWire, Switches, Trouble
from tests.hub_api import ADDRESS, settings_for
from tests.sandbox.controls import turn
from tests.shop import Shop
from vendor_sdk.messages import Address

BEHIND_SECONDS = 35 * 86_400
"""The sandbox begins so long ago, so that its clock can be moved and still be where the books' clock is at the end."""
LEFT_SECONDS = 18 * 3600
AT_ONCE = 48

VENDORS: dict[str, dict[str, Any]] = {
    "acme": {},
    "bolt": {"reserve_bps": 1000},
    "cedar": {"hold_seconds": 0, "commission_bps": 2000},
    "dune": {"bears_disputes": False, "reserve_bps": 500, "hold_seconds": 0},
}
NEVER_OVERDRAWN = "dune"
"""Its shares are transferred at once and its account gives back only what has arrived: reversals are refused in every run."""
PRICES = (333, 990, 1250, 2499, 7001)

COMMISSION = """
[[rules]]
name = "standard"
bps = 1500
[[rules]]
name = "card"
group = "payment fee"
bps = 140
fixed = {{ {currency} = 31 }}
per = "part"
of = "both"
on_refund = "keep"
[[rules]]
name = "listing"
group = "listing fee"
bps = 75
per = "unit"
max = {{ {currency} = 99 }}
tax_bps = 700
[tax]
default_bps = 1900
"""

COUPONS = """
[[promotions]]
code = "OURS"
name = "Ours"
fixed = {{ {currency} = 300 }}
borne_by = "platform"
[[promotions]]
code = "SHARED"
name = "Shared"
bps = 770
borne_by = "shared"
platform_bps = 3300
[[promotions]]
code = "THEIRS"
name = "Theirs"
bps = 1000
vendors = ["acme", "dune"]
borne_by = "vendor"
[[promotions]]
code = "FREESHIP"
name = "Free shipping"
bps = 10000
on = "shipping"
borne_by = "platform"
[[promotions]]
code = "GIFT"
name = "Everything is free"
bps = 10000
max = {{ {currency} = 5000 }}
borne_by = "platform"
"""

ADJUSTMENTS = """
[[rules]]
name = "declined"
on = "declined"
kind = "fine"
fixed = {{ {currency} = 45 }}
"""


_CURSORS = f"""
INSERT INTO provider_cursors (gateway, stream, seen_until, due_at)
SELECT 'stripe', stream, now() - interval '{BEHIND_SECONDS + 86_400} s', now() FROM unnest(ARRAY['platform', 'connect']) stream
"""
"""The provider's events are looked through from its first day on."""


@dataclass
class Market:
    """The parts of one run. `shop` is what people touch, where nothing crashes; the workers live in trouble."""

    shop: Shop
    currency: str
    trouble: Trouble
    switches: Switches
    stripe: CrashingGateway
    workers: list[Dispatcher]
    offers: dict[tuple[str, int], str]
    counts: Counter[str] = field(default_factory=Counter[str])
    over: list[str] = field(default_factory=list[str])
    """Orders whose time for returns ends with this round."""
    _rules: CartRules = field(init=False)

    def __post_init__(self) -> None:
        self._rules = cart_rules(self.shop.wiring.settings)

    async def place(self, lines: dict[str, int], coupons: list[str], **more: Any) -> str:
        """An order; its id. Raises as the hub does."""
        async with self.shop.wiring.database.tx(self.shop.buyer) as tx:
            cart = await open_cart(tx, self._rules, OpenCart(currency=self.currency, lines=lines))
            asked = AskPrice(address=msgspec.convert(ADDRESS, Address), coupons=coupons)
            quote = await ask_price(tx, self._rules, cart.id, asked)
            now = await tx.scalar(select(func.now()))
        wiring, asker = self.shop.wiring, Asker(self.shop.buyer, Trace.new(), None)
        placed = await Together(wiring.database, Place(wiring.timing))(asker, Wish(PlaceOrder(quote_id=quote.id, **more), now))
        return str(msgspec.json.decode(placed.body)["id"])

    async def make_due(self, within: float, *, fresh: bool = True) -> None:
        """So many seconds pass for what waits; with `fresh` False only for what was tried before."""
        tried = "" if fresh else "AND attempt > 0"
        await self._due(f"due_at < now() + make_interval(secs => {within}) {tried}")

    async def end_holds(self) -> None:
        """The time for returns is over for some orders: what is held, and what is kept as reserve, is due."""
        ending, self.over = self.over, []
        await self._due("kind = 'payout.release' AND saga_id = ANY(:ids)", ids=ending)

    async def _due(self, which: str, **values: Any) -> None:
        """What somebody else has locked is his."""
        await self.sql(
            "UPDATE steps SET due_at = now() WHERE id IN (SELECT id FROM steps WHERE state = 'open' AND target = '@hub' AND NOT waiting "
            f"AND due_at > now() AND {which} FOR UPDATE SKIP LOCKED)",
            **values,
        )

    async def work(self) -> None:
        """Both workers do what is due, and what follows from it, once: what is in doubt stays so."""
        while await self.shop.scalar(
            "SELECT 1 FROM steps WHERE state = 'open' AND target = '@hub' AND due_at <= now() AND NOT waiting LIMIT 1"
        ):
            for worker in self.workers:
                await worker.once()
            if self.trouble.on and self.trouble.random.random() < 0.1:  # a lease that ended too early: two ask at once
                await self.make_due(60, fresh=False)
                await self.workers[0].once()
            for worker in self.workers:
                await worker.idle()
        if self.stripe.inner.breaker.state == "open":
            self.counts["breaker opened"] += 1
            self.stripe.inner = self.connect()

    def connect(self) -> StripeGateway:
        """A worker begun anew."""
        return StripeGateway(SECRET, base_url=SANDBOX, rate_per_second=None, wire=ShakyWire(self.shop.sandbox, self.trouble))

    async def sql(self, statement: str, **values: Any) -> None:
        """Something that no part of the hub does, such as time passing."""
        async with self.shop.wiring.database.tx() as tx:
            await tx.execute(text(statement), values)

    async def rows(self, query: str, **values: Any) -> list[Any]:
        """What is there."""
        async with self.shop.wiring.database.reading() as tx:
            return list(await tx.rows(text(query), values))

    async def pass_time(self, seconds: int) -> None:
        """At the provider."""
        await self.switches.turn("advance", {"seconds": seconds})

    async def catch_up(self) -> None:
        """The provider's clock shows nearly what ours does; the rest is for what is still to come."""
        await self.pass_time(int(time.time()) - self.shop.sandbox.now() - LEFT_SECONDS)


def _settings(database_url: str, currency: str, folder: Path) -> dict[str, str]:
    files = {"orders__commission": COMMISSION, "orders__promotions": COUPONS, "money__adjustments": ADJUSTMENTS}
    chosen: dict[str, str] = {}
    for name, content in files.items():
        path = folder / f"{name}.toml"
        path.write_text(content.format(currency=currency))
        chosen[f"WHEELWRIGHT__{name.upper()}_FILE"] = str(path)
    more = {
        "WHEELWRIGHT__ORDERS__CURRENCY": currency,
        "WHEELWRIGHT__DATABASE__POOL_SIZE": "24",
        "WHEELWRIGHT__WORKER__POLL_SECONDS": "0.001",
        "WHEELWRIGHT__WORKER__CLAIM_PER_VENDOR": str(AT_ONCE),
        "WHEELWRIGHT__WORKER__CONCURRENCY": str(AT_ONCE),
        "WHEELWRIGHT__MONEY__DISPUTE_FEE": "vendor",
    }
    return settings_for(database_url) | chosen | more


async def open_market(database_url: str, seed: str, currency: str, folder: Path, spoil: Any = None) -> Market:
    """Vendors admitted, accounts open, offers for sale; from now on things break. `spoil` wraps the provider."""
    wiring = wire(load_settings(environ=_settings(database_url, currency, folder)), "chaos")
    sandbox = create_sandbox(clock=lambda: time.time() - BEHIND_SECONDS, onboard=True)
    calm = StripeGateway(SECRET, base_url=SANDBOX, rate_per_second=None, wire=InProcess(sandbox, 10.0))
    async with wiring.database.tx() as tx:
        buyer = Actor("customer", (await register(tx, NewCustomer(name="Ada", email="ada@example.com"))).customer.id)
    shop = Shop(wiring, sandbox, sandbox, {"stripe": calm}, buyer, currency)
    for code, terms in VENDORS.items():
        await shop.vendor(code, **terms)
    await open_accounts(wiring, {"stripe": calm})
    account = await shop.scalar("SELECT connected_account FROM vendors WHERE code = :code", code=NEVER_OVERDRAWN)
    await turn(sandbox, f"accounts/{account}/needs_funds")
    offers = await _put_offers(shop, currency)
    async with wiring.database.tx() as tx:
        await tx.execute(text(_CURSORS))
    trouble = Trouble(seed, sandbox)
    shaky = StripeGateway(SECRET, base_url=SANDBOX, rate_per_second=None, wire=ShakyWire(sandbox, trouble))
    stripe = CrashingGateway(shaky, trouble)
    whole: Any = stripe if spoil is None else spoil(stripe)
    worker_wiring: Wiring = msgspec.structs.replace(wiring, database=CrashingDatabase(wiring.database, trouble))
    workers = [Dispatcher(worker_wiring, {"stripe": whole}, lambda _: None) for _ in range(2)]
    return Market(shop, currency, trouble, Switches(sandbox), stripe, workers, offers)


async def _put_offers(shop: Shop, currency: str) -> dict[tuple[str, int], str]:
    offers: dict[tuple[str, int], str] = {}
    for vendor in VENDORS:
        prices = [price // 10 * 10 for price in PRICES] if currency == "KWD" else PRICES  # the provider takes no finer ones
        wanted = [
            OfferOfSku(
                sku=f"sku-{price}",
                price=Money(amount=price, currency=currency),
                stock=100_000,
                product=Described(title=f"{vendor} {price}", category="test"),
            )
            for price in prices
        ]
        async with shop.wiring.database.tx(Actor("vendor", vendor)) as tx:
            put = await put_many(tx, vendor, wanted)
        offers |= {(vendor, number): offer.id for number, offer in enumerate(put.data)}
    return offers
