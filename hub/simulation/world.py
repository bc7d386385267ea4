"""One simulated world: what stands, who lives in it, how it begins, how it comes to rest."""

import asyncio
from collections import Counter

from hub.runtime import entropy
from hub.simulation import process
from hub.simulation.alarm import Bell
from hub.simulation.broker import Broker
from hub.simulation.buyers import Buyers, Placing
from hub.simulation.characters import character_for
from hub.simulation.dues import Dues
from hub.simulation.edge import Edge
from hub.simulation.hubs import RINGS, SELDOM, Ground, Hub, Worker
from hub.simulation.market import CURRENCIES, DAY, SPOKES, Market, open_market, rules_of
from hub.simulation.nature import Nature
from hub.simulation.people import Hands, Office
from hub.simulation.post import Post, TellingProvider
from hub.simulation.postgres.server import Memory, SimulatedDatabase
from hub.simulation.process import Process
from hub.simulation.provider.disputes import UNDECIDED
from hub.simulation.pulse import Pulse
from hub.simulation.vendors import Vendor
from hub.simulation.weather import Weather
from hub.simulation.witness import Witness
from hub.wiring import tables

APIS, WORKERS = 2, 2
REST_DAYS_MAX = 90
"""Virtual days after which what still moves is stuck."""
LOOK_SECONDS = DAY / 4
HEARD_SECONDS = 2 * SELDOM
"""After which a worker has looked through the provider's list for what no webhook brought."""


class World:
    """Made on the loop it runs on. `live` is its whole life."""

    def __init__(self, nature: Nature, orders: int) -> None:
        self.nature = nature
        self.orders = orders
        self.currency = CURRENCIES[nature.seed % len(CURRENCIES)]
        self.memory = Memory(tables(), nature)
        self.provider = TellingProvider(nature)
        self.broker = Broker(nature)
        self.witness = Witness(self.memory)
        self.broker.acknowledged, self.broker.published = self.witness.acknowledged, self.witness.published
        self.rules = rules_of(self.currency)
        self.market: Market
        self.placings: list[Placing] = []
        self.did: Counter[str] = Counter()
        """What people asked, and what was answered."""
        self.vendors: dict[str, Vendor] = {}
        self.hubs: list[Hub] = []
        self.apis: list[Hub] = []
        self.workers: list[Worker] = []
        self.edge = Edge(nature, self.apis)
        self.received: dict[str, int] = {}
        """How many units of each offer there were at the beginning."""
        self.ended = 0.0
        """The virtual second of its end."""
        self.rested = False
        """Whether everything came to an end by itself."""
        self._stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def live(self) -> None:
        """From the first vendor to the last cent."""
        asyncio.get_running_loop().set_task_factory(process.factory)  # pyright: ignore[reportArgumentType]  # the stubs also foresee generators
        dice = self.nature.dice("entropy")
        entropy.push(dice.randbytes)
        rates, self.nature.rates = self.nature.rates, {}
        try:
            await self._begin()
            self.nature.rates = rates
            trade = asyncio.ensure_future(self._trade())
            await asyncio.wait((trade, self._stopped), return_when=asyncio.FIRST_COMPLETED)
            if trade.done():
                trade.result()
        finally:
            entropy.pop()

    def stop(self) -> None:
        """It is broken: to go on would tell nothing new."""
        if not self._stopped.done():
            self._stopped.set_result(None)

    async def _begin(self) -> None:
        """Everybody is admitted in good weather."""
        nature = self.nature
        self.market = await open_market(
            SimulatedDatabase(self.memory, Process(nature, "opening")), self.rules, nature.dice("market"), self.currency
        )
        stock = self.memory.tables["stock"]
        self.received = {row[stock.position["offer_id"]]: row[stock.position["received"]] for row in stock.rows.values()}
        for code in (code for code, can in SPOKES.items() if can):
            self.broker.ensure(code)
            self.vendors[code] = Vendor(nature, self.broker, code, character_for(nature, code), self.stock_of(code))
            self.vendors[code].start()
        bells = {name: Bell(nature) for name in RINGS}
        self.memory.tables["steps"].readers.append(Hands(nature, self.edge, self.rules.timing).told)
        Dues(nature, self.memory, bells, self.workers)
        pulse = Pulse(nature, self.memory, self.vendors)
        ground = Ground(nature, self.memory, self.provider, self.broker, self.rules.settings, self.rules.timing, list(self.vendors), pulse)
        self.apis += [Hub(ground, f"api {number}") for number in range(1, APIS + 1)]
        self.workers += [Worker(ground, f"worker {number}", bells) for number in range(1, WORKERS + 1)]
        self.hubs += [*self.apis, *self.workers]
        post = Post(nature, self.edge)
        self.provider.told = post.take
        await asyncio.wait((self._stopped,), timeout=DAY)  # accounts are opened and onboarded

    def stock_of(self, vendor: str) -> dict[str, int]:
        """What a vendor has in its house, by SKU: what it has told us."""
        return {sku: self.received[offer_id] for offer_id, sku in self.market.offers[vendor]}

    async def _trade(self) -> None:
        """Everybody buys; then nothing goes wrong any more, and everything has to end."""
        nature, loop = self.nature, asyncio.get_running_loop()
        buyers = Buyers(nature, self.edge, self.market, self.placings, self.did)
        weather = Weather(nature, self.memory, self.broker, self.provider)
        office = loop.create_task(Office(nature, self.edge, self.memory, self.rules.timing).open())
        calm = False
        changing = loop.create_task(weather.change(self.hubs, lambda: calm))
        lives = [loop.create_task(buyers.live(number)) for number in range(self.orders)]
        await asyncio.gather(*lives)
        await asyncio.sleep(DAY)
        calm, nature.rates = True, {}
        await changing
        for _ in range(int(REST_DAYS_MAX * DAY / LOOK_SECONDS)):
            await asyncio.sleep(LOOK_SECONDS)
            if self.is_at_rest():
                self.rested = True
                break
        office.cancel()

    def is_at_rest(self) -> bool:
        """Whether nothing is under way, here or at the provider, and everything that the provider said has been heard."""
        under_way = {
            "steps": ("open",),
            "refunds": ("failed",),
            "dead_letters": ("replaying", "discarded"),
            "replay_plans": ("previewed", "running", "paused"),
            "provider_events": ("new", "parked"),
            "disputes": ("inquiry", "open"),
        }
        for name, states in under_way.items():
            table = self.memory.tables[name]
            state = table.position["state"]
            if any(row[state] in states for row in table.rows.values()):
                return False
        return self.provider.silent_since < self.nature.unix() - HEARD_SECONDS and not any(
            dispute.phase in UNDECIDED for dispute in self.provider.disputes()
        )

    def states(self) -> Counter[str]:
        """How many lives ended where."""
        found: Counter[str] = Counter()
        for name in (
            "orders",
            "sub_orders",
            "payments",
            "refunds",
            "reversals",
            "transfers",
            "disputes",
            "returns",
            "payouts",
            "steps",
            "dead_letters",
        ):
            table = self.memory.tables[name]
            found.update(f"{name}: {row[table.position['state']]}" for row in table.rows.values())
        return found
