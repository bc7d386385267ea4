"""A whole marketplace for stories: API, worker, spokes and payment sandbox in this process, on a real PostgreSQL and NATS."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from hub.app import create_app
from hub.customers.register import NewCustomer, register
from hub.embedded.nats import Nats
from hub.embedded.nats_config import BrokerUser, VendorAccount, nats_config
from hub.embedded.nkey import new_seed, public_of
from hub.kernel.money import Money
from hub.ops import invariants
from hub.ops.invariants import Breach
from hub.runtime import auth
from hub.runtime.database import Actor
from hub.sandbox.app import SECRET, Sandbox, create_sandbox
from hub.sandbox.serve import running as sandbox_running
from hub.settings import load_settings
from hub.vendors.admit import admit
from hub.vendors.model import Capability, NewVendor, ShippingOption
from hub.wiring import Wiring, gateways, wire
from hub.worker import Worker
from tests.hub_api import ADDRESS, settings_for
from vendor_sdk.fleet import Fleet

ALL: Sequence[Capability] = ("stock", "orders", "shipping")

FAULTS = """
[config.at_most]
few = 2

[config.damaged]
fragile = 1

[[config.faults]]
do = "refuse"
on = "stock.reserve"
sku = "refused"

[[config.faults]]
do = "refuse"
on = "orders.submit"
sku = "declined"
reason = "discontinued"

[[config.faults]]
do = "silence"
on = "stock.reserve"
sku = "silent"

[[config.faults]]
do = "unsupported"
on = "orders.submit"
sku = "unsupported"

[[config.faults]]
do = "pend"
on = "orders.submit"
sku = "pending"

[[config.faults]]
do = "pend"
on = "shipping.ship"
sku = "slow-boat"

[[config.faults]]
do = "twice"
sku = "twice"
"""
"""How a dummy vendor fails, by what is ordered."""


@dataclass
class World:
    """The parts and the keys."""

    wiring: Wiring
    http: httpx.AsyncClient
    sandbox: Sandbox
    nats: Nats
    keys: dict[str, str]
    seeds: dict[str, str]
    fleet: Fleet
    data: Path
    worker: Worker
    building_seeds: dict[str, str]
    _offers: dict[tuple[str, str, int], str] = field(default_factory=dict[tuple[str, str, int], str])

    async def __call__(self, who: str, method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        """One request as `who`."""
        sent = {"Authorization": f"Bearer {self.keys[who]}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.http.request(method, path, json=json, headers=sent)

    async def offer(self, vendor: str, sku: str, price: int = 1000, stock: int = 1000) -> str:
        """An offer's id."""
        if (vendor, sku, price) not in self._offers:
            body = {
                "price": {"amount": price, "currency": "EUR"},
                "stock": stock,
                "product": {"title": f"{vendor} {sku}", "category": "test"},
            }
            answer = await self(vendor, "PUT", f"/v1/vendor/offers/{sku}", body)
            assert answer.status_code == 200, answer.text
            self._offers[vendor, sku, price] = answer.json()["id"]
        return self._offers[vendor, sku, price]

    async def also(self, vendor: str, of: tuple[str, str], price: int, stock: int = 1000) -> None:
        """Another vendor offers the same as (vendor, sku)."""
        await self.offer(*of)
        variant = (await self(of[0], "GET", f"/v1/vendor/offers/{of[1]}")).json()["variant_id"]
        body = {"price": {"amount": price, "currency": "EUR"}, "stock": stock, "variant_id": variant}
        answer = await self(vendor, "PUT", f"/v1/vendor/offers/{of[0]}-{of[1]}", body)
        assert answer.status_code == 200, answer.text

    async def quote(self, *lines: tuple[str, str, int], who: str = "ada") -> dict[str, Any]:
        """A quote for (vendor, sku, quantity)."""
        cart = (await self(who, "POST", "/v1/carts", {})).json()["id"]
        for vendor, sku, quantity in lines:
            put = await self(who, "PUT", f"/v1/carts/{cart}/lines/{await self.offer(vendor, sku)}", {"quantity": quantity})
            assert put.status_code == 200, put.text
        answer = await self(who, "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def place(self, *lines: tuple[str, str, int], who: str = "ada", **more: Any) -> dict[str, Any]:
        """Place an order for (vendor, sku, quantity); the answer's body."""
        quote = await self.quote(*lines, who=who)
        body = {"quote_id": quote["id"], "payment_method": "pm_card_visa", **more}
        answer = await self(who, "POST", "/v1/orders", body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def until(self, order_id: str, *states: str, who: str = "ada", seconds: float = 60) -> dict[str, Any]:
        """The order once it is in one of `states`."""
        deadline = time.monotonic() + seconds
        while True:
            order = (await self(who, "GET", f"/v1/orders/{order_id}")).json()
            if order["state"] in states:
                return order
            assert time.monotonic() < deadline, f"still {order['state']}: {await self.story(order_id)}"
            await asyncio.sleep(0.05)

    async def story(self, order_id: str) -> list[str]:
        """The timeline in short: ``life.event``."""
        moments = (await self("olga", "GET", f"/v1/admin/orders/{order_id}/timeline")).json()
        return [f"{moment['life']}.{moment['event']}" for moment in moments]

    async def settled(self, order_id: str, seconds: float = 60) -> None:
        """Wait until nothing of an order is under way."""
        deadline = time.monotonic() + seconds
        while await self._open(order_id):
            assert time.monotonic() < deadline, await self._open(order_id)
            await asyncio.sleep(0.05)

    async def breaches(self) -> list[Breach]:
        """What breaks the laws now."""
        async with self.wiring.database.reading() as tx:
            return await invariants.check(tx)

    async def _open(self, order_id: str) -> list[str]:
        from hub.runtime import steps

        async with self.wiring.database.reading() as tx:
            return [step.kind for step in await steps.of_saga(tx, order_id) if step.state == "open"]


class Building:
    """Builds a world and takes it down; `vendors` maps a code to its capabilities."""

    def __init__(self, database_url: str, folder: Path, vendors: dict[str, Sequence[Capability]], **settings: str) -> None:
        self._url = database_url
        self._folder = folder
        self._vendors = vendors
        self._settings = settings

    async def __aenter__(self) -> World:
        self._folder.mkdir(parents=True, exist_ok=True)
        hub, system = new_seed(), new_seed()
        seeds = {code: new_seed() for code in self._vendors}
        accounts = [VendorAccount(code, public_of(seed)) for code, seed in seeds.items()]
        text = nats_config(accounts, hub=BrokerUser(nkey=public_of(hub)), system=BrokerUser(nkey=public_of(system)))
        self.nats = Nats(self._folder / "nats", text)
        await asyncio.to_thread(self.nats.start)
        self.sandbox = create_sandbox(None, onboard=True)
        self._sandbox_running = sandbox_running(self.sandbox)
        stripe_url = await self._sandbox_running.__aenter__()
        environment = settings_for(
            self._url,
            **{
                "WHEELWRIGHT__NATS__URL": self.nats.url,
                "WHEELWRIGHT__NATS__NKEY_SEED": hub,
                "WHEELWRIGHT__STRIPE__BASE_URL": stripe_url,
                "WHEELWRIGHT__STRIPE__API_KEY": SECRET,
                "WHEELWRIGHT__STRIPE__RATE_PER_SECOND": "0",
                "WHEELWRIGHT__ORDERS__HOLD_SECONDS": "0.2",
                "WHEELWRIGHT__ORDERS__ASK_AGAIN_SECONDS": "1",
                **{f"WHEELWRIGHT__{name.upper()}": value for name, value in self._settings.items()},
            },
        )
        self.wiring = wire(load_settings(environ=environment), "test")
        await self.wiring.bus.start()
        keys = await self._people(seeds)
        self.providers = gateways(self.wiring)
        self.worker = Worker(self.wiring, self.providers)
        self.worker.start()
        self.fleet = Fleet(self._folder / "spokes", self._folder / "spoke-data")
        self._write_spokes(seeds)
        await self.fleet.scan()
        transport = httpx.ASGITransport(app=create_app(self.wiring), raise_app_exceptions=False)  # pyright: ignore[reportArgumentType]  # litestar's own ASGI types
        self.http = httpx.AsyncClient(transport=transport, base_url="http://hub", timeout=60)
        own = {"hub": hub, "system": system}
        return World(self.wiring, self.http, self.sandbox, self.nats, keys, seeds, self.fleet, self._folder, self.worker, own)

    async def __aexit__(self, *_: object) -> None:
        await self.fleet.stop()
        await self.worker.stop()
        await self.http.aclose()
        for provider in self.providers.values():
            await provider.close()
        await self.wiring.close()
        await self._sandbox_running.__aexit__(None, None, None)
        self.sandbox.close()
        await asyncio.to_thread(self.nats.stop)

    async def _people(self, seeds: dict[str, str]) -> dict[str, str]:
        async with self.wiring.database.tx() as tx:
            keys = {"olga": await auth.issue(tx, Actor("operator", "olga"))}
            for name in ("ada", "bob"):
                keys[name] = (await register(tx, NewCustomer(name=name, email=f"{name}@example.com"))).api_key or ""
            for code, capabilities in self._vendors.items():
                standard = ShippingOption(code="standard", name="Standard", price=Money(amount=490, currency="EUR"), days=3)
                express = ShippingOption(code="express", name="Express", price=Money(amount=990, currency="EUR"), days=1)
                new = NewVendor(
                    code=code,
                    name=code.title(),
                    country="DE",
                    nkey_public=public_of(seeds[code]),
                    capabilities=list(capabilities),
                    shipping_options=[standard, express],
                )
                keys[code] = (await admit(tx, new)).api_key or ""
        return keys

    def _write_spokes(self, seeds: dict[str, str]) -> None:
        folder = self._folder / "spokes"
        folder.mkdir(exist_ok=True)
        for code, capabilities in self._vendors.items():
            if not capabilities:
                continue
            (folder / f"{code}.nk").write_text(seeds[code])
            nats = f'[nats]\nurl = "{self.nats.url}"\nseed_file = "{code}.nk"\n'
            text = f'adapter = "dummy"\n{nats}[config]\ndeliver_after = 0.1\nreturn_after = 0.3\n{FAULTS}'
            (folder / f"{code}.toml").write_text(text)
