"""People who order at the same moment, through one process or two."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import text

from hub.app import cart_rules
from hub.cart.ask_price import AskPrice, ask_price
from hub.cart.open_cart import OpenCart, open_cart
from hub.catalog.model import Described, OfferTerms
from hub.checkout.begin import PlaceOrder
from hub.checkout.placing import Place, Placing, Wish
from hub.customers.register import NewCustomer, register
from hub.inventory.offers import put_one
from hub.kernel.errors import Refusal
from hub.kernel.money import Money
from hub.runtime.database import Actor, Database, Tx
from hub.runtime.idempotency import Answer, Asker, fingerprint
from hub.runtime.together import Together
from hub.runtime.trace import Trace
from tests.hub_api import ADDRESS
from tests.shop import Shop, now, open_shop
from vendor_sdk.messages import Address

WAITING = "pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@dataclass
class Ordering:
    """A shop with two processes that place orders; what was answered is an `Answer` or what was raised."""

    shop: Shop
    placing: Placing
    other_database: Database
    other: Placing

    async def offer(self, sku: str, stock: int, *, vendor: str = "acme", price: int = 1000) -> str:
        """An offer's id, put anew."""
        terms = OfferTerms(price=Money(amount=price, currency="EUR"), stock=stock, product=Described(title=f"A {sku}", category="test"))
        return (await self.shop.act(lambda tx: put_one(tx, vendor, sku, terms, None), Actor("vendor", vendor))).id

    async def customer(self, name: str) -> Actor:
        """Somebody new."""
        new = NewCustomer(name=name, email=f"{name}@example.com")
        return Actor("customer", (await self.shop.act(lambda tx: register(tx, new))).customer.id)

    async def quote(self, *offers: str, who: Actor | None = None, quantity: int = 1, coupons: Sequence[str] = ()) -> str:
        """A quote for a cart of its own; its id."""
        rules = cart_rules(self.shop.wiring.settings)

        async def ask(tx: Tx) -> str:
            cart = await open_cart(tx, rules, OpenCart(currency="EUR", lines=dict.fromkeys(offers, quantity)))
            asked = AskPrice(address=msgspec.convert(ADDRESS, Address), coupons=list(coupons))
            return (await ask_price(tx, rules, cart.id, asked)).id

        return await self.shop.act(ask, who or self.shop.buyer)

    async def quotes(self, number: int, *offers: str, **more: Any) -> list[str]:
        """Several."""
        return [await self.quote(*offers, **more) for _ in range(number)]

    async def place(  # one wish, all by name
        self,
        quote_id: str,
        *,
        key: str | None = None,
        body: bytes | None = None,
        who: Actor | None = None,
        by: Placing | None = None,
        at: datetime | None = None,
        **more: Any,
    ) -> Answer:
        """Order what was quoted."""
        wanted = msgspec.convert({"quote_id": quote_id, "payment_method": "pm_card_visa", **more}, PlaceOrder)
        claim = None if key is None else (key, fingerprint("POST", "/v1/orders", body or quote_id.encode()))
        return await (by or self.placing)(Asker(who or self.shop.buyer, Trace.new(), claim), Wish(wanted, at or now()))

    async def count(self, offer_id: str) -> Mapping[str, int]:
        """Where an offer's units are."""
        [row] = await self.shop.rows("SELECT on_hand, reserved, shipped, received FROM stock WHERE offer_id = :id", id=offer_id)
        return row._asdict()

    async def orders_of(self, quote_ids: Sequence[str]) -> list[str]:
        """Ids of the orders that came of these quotes."""
        rows = await self.shop.rows("SELECT id FROM orders WHERE quote_id = ANY (cast(:ids AS text[]))", ids=list(quote_ids))
        return [row.id for row in rows]

    async def keys(self, *keys: str) -> int:
        """How many of these keys are kept."""
        return await self.shop.scalar("SELECT count(*) FROM idempotency_keys WHERE key = ANY (cast(:keys AS text[]))", keys=list(keys))

    @asynccontextmanager
    async def held(self, offer_id: str) -> AsyncIterator[None]:
        """Somebody else has the stock of an offer; whoever places it waits."""
        async with self.shop.wiring.database.tx() as tx:
            await tx.execute(text("SELECT 1 FROM stock WHERE offer_id = :id FOR UPDATE"), {"id": offer_id})
            yield

    async def waiting(self) -> None:
        """Return as soon as a connection waits for a lock."""
        await self._until_some(f"SELECT pid FROM {WAITING}")

    async def cut(self) -> None:
        """End the connections that wait for a lock, as soon as there are any and before they give up."""
        await self._until_some(f"SELECT pg_terminate_backend(pid) FROM {WAITING}")

    async def _until_some(self, rows: str) -> None:
        for _ in range(400):
            if await self.shop.rows(rows):
                return
            await asyncio.sleep(0.01)
        raise AssertionError("nobody waits")


@asynccontextmanager
async def two_processes(database_url: str, *vendors: str, settings: Mapping[str, str] | None = None) -> AsyncIterator[Ordering]:
    """A shop, and a second process beside it."""
    shop = await open_shop(database_url, *vendors, settings=settings)
    other = Database(database_url, pool_size=4)
    timing = shop.wiring.timing
    yield Ordering(shop, Together(shop.wiring.database, Place(timing)), other, Together(other, Place(timing)))
    await other.close()
    await shop.close()


def order_id(answer: Answer | BaseException) -> str:
    """The order that was answered."""
    assert isinstance(answer, Answer), repr(answer)
    assert answer.status == 201
    return str(msgspec.json.decode(answer.body)["id"])


def slugs(answers: Sequence[Answer | BaseException]) -> list[str]:
    """What became of each: ``placed``, the slug of its refusal, or the name of what was raised."""
    return ["placed" if isinstance(each, Answer) else each.slug if isinstance(each, Refusal) else type(each).__name__ for each in answers]
