"""A marketplace to buy in: vendors who work by hand, their offers, customers, and as many quotes as a run needs."""

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import text

from hub.replay.open_shops import each
from hub.replay.web import Web, session
from hub.runtime import auth
from hub.runtime.database import Actor, Database
from tests.bench.load.bear import bear
from tests.bench.load.work import Work

LINES = 3
CUSTOMERS = 64
STOCK = 1_000_000
STRIDE, SHIFT = 7, 1_111
"""From one buyer to the next, and from one of its lines to the next, another SKU."""
BULK = 500
"""Offers in one request."""
AT_ONCE = 8


class Customer(msgspec.Struct, frozen=True):
    """A buyer and its key."""

    id: str
    key: str


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """What a database that was opened for trade holds. `offers` are those of each vendor in turn."""

    operator: str
    vendors: list[str]
    offers: list[list[str]]
    customers: list[Customer]

    def lines(self, number: int) -> dict[str, int]:
        """Three offers of three vendors; over the numbers every offer comes up as often as any other."""
        return {
            self.offers[(number * LINES + k) % len(self.offers)][(number * STRIDE + k * SHIFT) % len(self.offers[0])]: 1
            for k in range(LINES)
        }

    def key(self, number: int) -> str:
        """A customer's."""
        return self.customers[number % len(self.customers)].key

    def wanted(self, first: int, count: int) -> list[Any]:
        """(key, lines) of so many buyers, for `buy` and `quote`."""
        return [(self.key(number), self.lines(number)) for number in range(first, first + count)]


Terms = Callable[[str], dict[str, Any]]


async def open_market(database: Database, port: int, *, vendors: int, skus: int, terms: Terms = lambda _: {}) -> Market:
    """Admit vendors, on `terms` of their own beside the usual ones, put their offers (`skus` over all of them), register customers."""
    async with database.tx() as tx:
        operator = await auth.issue(tx, Actor("operator", "bench"))
    codes = [f"bench-{number}" for number in range(vendors)]
    async with session() as http:
        web = Web(http, f"http://127.0.0.1:{port}")
        offers: dict[str, list[str]] = {}

        async def open_one(code: str) -> None:
            offers[code] = await _open_shop(web, operator, code, terms(code), max(1, skus // vendors))

        await each(codes, open_one, AT_ONCE)
        customers = [await _register(web, operator, number) for number in range(CUSTOMERS)]
    return Market(operator=operator, vendors=codes, offers=[offers[code] for code in codes], customers=customers)


async def _open_shop(web: Web, operator: str, code: str, terms: dict[str, Any], skus: int) -> list[str]:
    options = [
        {"code": name, "name": name, "price": {"amount": price, "currency": "EUR"}, "days": days}
        for name, price, days in (("standard", 490, 3), ("express", 990, 1))
    ]
    new = {"code": code, "name": code, "country": "DE", "shipping_options": options, **terms}
    key = (await web(operator, "POST", "/v1/admin/vendors", new))["api_key"]
    ids: list[str] = []
    for start in range(0, skus, BULK):
        offers = [_offer(code, number) for number in range(start, min(start + BULK, skus))]
        put = await web(key, "POST", "/v1/vendor/offers", {"offers": offers})
        ids += [offer["id"] for offer in put["data"]]
    return ids


def _offer(code: str, number: int) -> dict[str, Any]:
    return {
        "sku": f"sku-{number}",
        "price": {"amount": 500 + number % 997, "currency": "EUR"},
        "stock": STOCK,
        "product": {"title": f"Thing {number} of {code}", "category": "bench"},
    }


async def _register(web: Web, operator: str, number: int) -> Customer:
    made = await web(operator, "POST", "/v1/admin/customers", {"name": f"buyer {number}", "email": f"buyer{number}@example.com"})
    return Customer(made["customer"]["id"], made["api_key"])


_MODELS = text("CREATE TABLE IF NOT EXISTS bench_quotes (batch text, n bigint, id text, cart_id text, PRIMARY KEY (batch, n))")
_DROP = text("DELETE FROM bench_quotes WHERE batch = :batch")
_KEEP = text("INSERT INTO bench_quotes SELECT CAST(:batch AS text), row_number() OVER () - 1, id, cart_id FROM quotes WHERE id = ANY(:ids)")
_COUNTER = text("CREATE SEQUENCE IF NOT EXISTS bench_copies")
_MADE = text("SELECT count(*) FROM bench_quotes WHERE batch = :batch")
_TAKE = text("SELECT setval('bench_copies', nextval('bench_copies') + CAST(:count AS bigint)) - CAST(:count AS bigint)")
_OF = (
    "FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) c"
    " JOIN bench_quotes b ON b.batch = :batch AND b.n = c % CAST(:made AS bigint)"
)
_CART = "'cart_' || lpad(c::text, 26, '0')"
_QUOTE = "'quo_' || lpad(c::text, 26, '0')"
_CARTS = text(
    f"INSERT INTO carts (id, customer_id, currency, state, version, expires_at)"
    f" SELECT {_CART}, t.customer_id, t.currency, 'open', t.version, now() + interval '1 day' {_OF} JOIN carts t ON t.id = b.cart_id"
)
_LINES = text(
    f"INSERT INTO cart_lines (cart_id, offer_id, quantity) SELECT {_CART}, t.offer_id, t.quantity {_OF}"
    " JOIN cart_lines t ON t.cart_id = b.cart_id"
)
_QUOTES = text(
    f"INSERT INTO quotes (id, cart_id, customer_id, currency, body, expires_at) SELECT {_QUOTE}, {_CART}, t.customer_id, t.currency,"
    f" t.body || jsonb_build_object('id', {_QUOTE}, 'cart_id', {_CART}, 'expires_at', now() + interval '1 day'),"
    f" now() + interval '1 day' {_OF} JOIN quotes t ON t.id = b.id RETURNING id, customer_id"
)


class Quotes:
    """Quotes to place orders from: made over HTTP once, then copied row by row (cart, lines, quote) as often as they are needed."""

    def __init__(self, database: Database, market: Market, batch: str = "") -> None:
        """`batch` names those that were made together, where there are several kinds."""
        self._database = database
        self._batch = batch
        self._keys = {customer.id: customer.key for customer in market.customers}

    async def make(self, port: int, wanted: list[Any]) -> None:
        """Ask for a quote for each (key, lines). Raises `LoadFailed`."""
        heard = await bear(Work(ports=(port,), connections=AT_ONCE, journey="quote", given=wanted))
        async with self._database.tx() as tx:
            await tx.execute(_MODELS)
            await tx.execute(_DROP, {"batch": self._batch})
            await tx.execute(_KEEP, {"batch": self._batch, "ids": heard.ids})
            await tx.execute(_COUNTER)

    async def copies(self, count: int) -> list[tuple[str, str]]:
        """(key, quote) of so many more, none of them used."""
        async with self._database.tx() as tx:
            first = int(await tx.scalar(_TAKE, {"count": count}))
            made = await tx.scalar(_MADE, {"batch": self._batch})
            values = {"first": first, "last": first + count - 1, "batch": self._batch, "made": made}
            await tx.execute(_CARTS, values)
            await tx.execute(_LINES, values)
            rows = await tx.rows(_QUOTES, values)
        return [(self._keys[row.customer_id], row.id) for row in rows]
