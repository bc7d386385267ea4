"""A hub at the simulated broker, as far as a test of the broker needs one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hub.simulation.broker import Broker, SimulatedBus
from hub.simulation.loop import run
from hub.simulation.nature import Nature
from hub.simulation.process import Process
from hub.simulation.streams import Delivery


class Hub:
    """A broker with one vendor, one process that publishes, and what was delivered when."""

    def __init__(self, *, seed: int = 1, rates: dict[str, float] | None = None) -> None:
        self.nature = Nature(seed, rates or {}, telling=True)
        self.broker = Broker(self.nature)
        self.broker.ensure("acme")
        self.process = Process(self.nature, "worker-1")
        self.bus = SimulatedBus(self.broker, self.process)
        self.heard: list[tuple[float, str, int]] = []

    async def begin(self) -> "Hub":
        await self.bus.start()
        await asyncio.sleep(0)
        return self

    async def command(self, name: str, area: str = "stock") -> Any:
        headers = {"Nats-Msg-Id": name, "Mk-Cmd-Id": name}
        return await self.bus.js.publish(f"cmd.acme.{area}.reserve", b"{}", timeout=3, headers=headers)

    def spoke(self, *, accepting: bool = True) -> None:
        def take(delivery: Delivery) -> None:
            self.hear(delivery)
            if accepting:
                delivery.accept()

        self.broker.serve("acme", take)

    def worker(self, process: Process, *, failing: int = 0) -> None:
        async def handler(delivery: Delivery) -> None:
            self.hear(delivery, f"{process.name} ")
            if delivery.metadata.num_delivered <= failing:
                raise ValueError("not today")
            await delivery.ack()

        self.broker.consume("EVT_acme", process, handler)

    def event(self, name: str) -> bool:
        return self.broker.tell("acme", "stock.reserved", {"Nats-Msg-Id": name}, b"{}")

    def hear(self, delivery: Delivery, who: str = "") -> None:
        name = delivery.headers["Nats-Msg-Id"]
        self.heard.append((round(asyncio.get_running_loop().time(), 2), who + name, delivery.metadata.num_delivered))


def play(story: Callable[[Hub], Awaitable[None]], *, seed: int = 1, **rates: float) -> Hub:
    async def main() -> Hub:
        hub = await Hub(seed=seed, rates=rates).begin()
        await story(hub)
        return hub

    return run(main())
