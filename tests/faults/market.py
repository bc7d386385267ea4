"""A marketplace of real processes: PostgreSQL, broker, provider, API, workers and spokes, with a proxy on every way between them."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from hub.customers.register import NewCustomer, register
from hub.embedded.children import Python, Server
from hub.embedded.nats import Nats
from hub.embedded.nats_config import BrokerUser, VendorAccount, nats_config
from hub.embedded.nkey import new_seed, public_of
from hub.embedded.ports import LOOPBACK, free_port
from hub.embedded.postgres import Postgres
from hub.kernel.money import Money
from hub.runtime import auth
from hub.runtime.database import Actor, Database
from hub.sandbox.app import SECRET
from hub.vendors.admit import admit
from hub.vendors.model import NewVendor, ShippingOption
from tests.faults.proxy import Proxy
from tests.hub_api import settings_for
from tests.template import fill_template

READY_SECONDS = 60.0
LOOK_SECONDS = 0.05
WORKER, SECOND, API, SPOKES, PROVIDER = "worker", "second worker", "api", "spokes", "provider"


class Market:
    """The parts by name. What dies is started again at the next look, unless it is in `down`, which stops it; `deaths` are counted.

    The first worker reaches everything through proxies, the second directly: it is down until a test wants it.
    """

    def __init__(self, folder: Path, vendors: Mapping[str, str], **settings: str) -> None:
        self.folder = folder
        self._vendors = vendors
        self._settings = settings
        self.keys: dict[str, str] = {}
        self.parts: dict[str, Server] = {}
        self.down = {SECOND}
        self.deaths: dict[str, int] = {}
        self.accepted: list[str] = []
        """Every order that a customer was told of."""
        self._seeds = {code: new_seed() for code in vendors}
        self.hub_seed = new_seed()

    async def open(self) -> "Market":
        """Start everything; returns when orders can be placed."""
        (self.folder / "spokes").mkdir(parents=True)
        self.folder.chmod(0o711)  # PostgreSQL's account passes through it
        self.postgres = Postgres(self.folder / "postgres", fast_for_tests=True)
        self.postgres.start()
        await asyncio.to_thread(fill_template, self.postgres.url)
        self.broker = self.make_broker()
        self.broker.start()
        self.database = Database(self.postgres.url, pool_size=4)
        self.keys = await self._people()
        provider, api = free_port(), free_port()
        self.worker_database = await Proxy(self.postgres.port).start()
        self.api_database = await Proxy(self.postgres.port).start()
        self.worker_broker = await Proxy(self.broker.port).start()
        self.spokes_broker = await Proxy(self.broker.port).start()
        self.worker_provider = await Proxy(provider).start()
        self._hire(provider, api)
        self._write_spokes()
        for name, part in self.parts.items():
            if name not in self.down:
                part.launch()
        self.http = httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{api}", timeout=10)
        self._keeping = asyncio.create_task(self._keep())
        await self.ready()
        return self

    async def close(self) -> None:
        """End everything."""
        self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)
        await self.http.aclose()
        await self.database.close()
        for proxy in self.proxies:
            await proxy.stop()
        for part in self.parts.values():
            if isinstance(part, Python):
                part.ask_to_stop()
        for part in reversed(self.parts.values()):
            part.stop()
        self.broker.stop()
        self.postgres.discard()

    @property
    def proxies(self) -> list[Proxy]:
        """All of them."""
        return [self.worker_database, self.api_database, self.worker_broker, self.spokes_broker, self.worker_provider]

    def make_broker(self) -> Nats:
        """The broker's process; a test may put another in its place."""
        return Nats(self.folder / "nats", self.broker_text())

    def broker_text(self) -> str:
        """The broker's accounts."""
        accounts = [VendorAccount(code, public_of(seed)) for code, seed in self._seeds.items()]
        return nats_config(accounts, hub=BrokerUser(nkey=public_of(self.hub_seed)), system=BrokerUser(nkey=public_of(new_seed())))

    async def ready(self) -> None:
        """Wait until the API answers with everything behind it, and every part runs."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                if (await self.http.get("/health/ready")).status_code == 200 and all(
                    part.running for name, part in self.parts.items() if name not in self.down
                ):
                    return
            except httpx.HTTPError:
                pass
            assert time.monotonic() < deadline, f"not ready: {self.log(API)}"
            await asyncio.sleep(LOOK_SECONDS)

    def pid(self, name: str) -> int | None:
        """The process of a part, if it lives."""
        part = self.broker if name == "broker" else self.postgres if name == "PostgreSQL" else self.parts[name]
        return part.pid if isinstance(part, Python | Nats | Postgres) else None

    def kill(self, name: str) -> bool:
        """SIGKILL; whether it lived."""
        return self.signal(name, signal.SIGKILL)

    def signal(self, name: str, number: signal.Signals) -> bool:
        """Send a signal to a part; whether it lived."""
        pid = self.pid(name)
        if pid is not None:
            os.kill(pid, number)
        return pid is not None

    def log(self, name: str, characters: int = 3000) -> str:
        """The end of what a part wrote."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace")[-characters:] if path.exists() else ""

    def clear(self) -> None:
        """No more traps and troubles; what is down or stands still comes back."""
        self.signal(WORKER, signal.SIGCONT)
        for proxy in self.proxies:
            proxy.traps.clear()
            proxy.delay, proxy.refuses = 0.0, False
            proxy.flow()
        self.down = {SECOND}

    async def _keep(self) -> None:
        while True:
            for name, part in self.parts.items():
                if not part.running and name not in self.down:
                    self.deaths[name] = self.deaths.get(name, 0) + 1
                    part.launch()
                elif part.running and name in self.down:
                    part.stop()
            await asyncio.sleep(LOOK_SECONDS)

    def _hire(self, provider: int, api: int) -> None:
        def environment(database: int, broker: int, stripe: int) -> dict[str, str]:
            url = self.postgres.url.replace(f":{self.postgres.port}/", f":{database}/")
            ours = {
                "nats__url": f"nats://{LOOPBACK}:{broker}",
                "nats__nkey_seed": self.hub_seed,
                "stripe__base_url": f"http://{LOOPBACK}:{stripe}",
                "stripe__api_key": SECRET,
                "stripe__rate_per_second": "0",
                "stripe__timeout_seconds": "5",
                "orders__hold_seconds": "0.2",
                "orders__reserve_seconds": "600",  # no vendor is late only because this machine is slow
                "orders__ask_again_seconds": "1",
                "http__port": str(api),
            }
            ours = settings_for(url, **{f"WHEELWRIGHT__{name.upper()}": value for name, value in (ours | self._settings).items()})
            return {name: value for name, value in os.environ.items() if not name.startswith("WHEELWRIGHT")} | ours

        direct = environment(self.postgres.port, self.broker.port, provider)
        worker = environment(self.worker_database.port, self.worker_broker.port, self.worker_provider.port)
        served = environment(self.api_database.port, self.broker.port, provider)
        sandbox = ["sandbox", "--data", str(self.folder / "stripe.sqlite"), "--port", str(provider), "--onboard"]
        spokes = ["--all", "--config", str(self.folder / "spokes"), "--data", str(self.folder / "spoke-data")]
        self.parts = {
            PROVIDER: self._part(PROVIDER, "hub.cli", sandbox, direct),
            API: self._part(API, "hub.cli", ["api"], served),
            WORKER: self._part(WORKER, "hub.cli", ["worker"], worker),
            SECOND: self._part(SECOND, "hub.cli", ["worker"], direct),
            SPOKES: self._part(SPOKES, "spokes", spokes, dict(os.environ)),
        }

    def _part(self, name: str, module: str, words: list[str], env: Mapping[str, str]) -> Python:
        return Python(module, words, env=env, log=self.folder / f"{name}.log")

    def seed_of(self, vendor: str) -> str:
        """The nkey of a vendor's spoke."""
        return self._seeds[vendor]

    def spokes_url(self) -> str:
        """Where the spokes find the broker."""
        return f"nats://{LOOPBACK}:{self.spokes_broker.port}"

    async def _people(self) -> dict[str, str]:
        async with self.database.tx() as tx:
            keys = {"olga": await auth.issue(tx, Actor("operator", "olga"))}
            keys["ada"] = (await register(tx, NewCustomer(name="ada", email="ada@example.com"))).api_key or ""
            for code, seed in self._seeds.items():
                standard = ShippingOption(code="standard", name="Standard", price=Money(amount=490, currency="EUR"), days=3)
                new = NewVendor(
                    code=code,
                    name=code.title(),
                    country="DE",
                    nkey_public=public_of(seed),
                    capabilities=["stock", "orders", "shipping"],
                    shipping_options=[standard],
                )
                keys[code] = (await admit(tx, new)).api_key or ""
        return keys

    def _write_spokes(self) -> None:
        for code, config in self._vendors.items():
            seed = self.folder / "spokes" / f"{code}.nk"
            seed.write_text(self._seeds[code])
            seed.chmod(0o600)
            head = f'adapter = "dummy"\n[nats]\nurl = "{self.spokes_url()}"\nseed_file = "{code}.nk"\n[config]\ndeliver_after = 0.1\n'
            (self.folder / "spokes" / f"{code}.toml").write_text(head + config)
