"""A provider on virtual time, one process that asks it, and a test's script."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hub.simulation.loop import run
from hub.simulation.nature import Nature
from hub.simulation.process import Process, factory
from hub.simulation.provider import Provider, SimulatedGateway
from tests.gateways.contract import AMOUNT, ORDER

HOUR = 3_600
PATIENCE = 20.0


class World:
    """A provider on virtual time, and one process that asks it."""

    def __init__(self, rates: dict[str, float] | None = None, *, seed: int = 1, telling: bool = False, **how: Any) -> None:
        self.nature = Nature(seed, rates or {}, telling=telling)
        self.provider = Provider(self.nature, **how)
        self.process = Process(self.nature, "worker")
        self.gateway = SimulatedGateway(self.provider, self.process)

    async def opened(self, key: str = "pay", amount: int = AMOUNT, method: str = "pm_card_visa", order: str = ORDER) -> str:
        made = await self.gateway.open_payment(key, order_id=order, amount=amount, currency="EUR", payment_method=method)
        return made.reference

    async def held(self, method: str = "pm_card_visa") -> str:
        return (await self.gateway.authorize("confirm", await self.opened(method=method))).reference

    async def taken(self, amount: int = AMOUNT, method: str = "pm_card_visa") -> str:
        return (await self.gateway.capture("capture", await self.held(method), amount)).charge

    async def vendor(self) -> str:
        account = await self.gateway.open_account("account", vendor="acme", name="Acme", country="DE")
        self.provider.onboard(account)
        return account

    async def share(self, key: str, charge: str | None, account: str, amount: int) -> str:
        return await self.gateway.transfer(key, charge=charge, account=account, amount=amount, currency="EUR", order_id=ORDER)

    async def refund(self, key: str, charge: str, amount: int) -> Any:
        return await self.gateway.refund(key, charge=charge, amount=amount, currency="EUR", order_id=ORDER)

    def kinds(self) -> list[str]:
        self.provider.arrive()
        return [event.kind for event in self.provider.events(since=0, accounts=False)]

    def now(self) -> float:
        return asyncio.get_running_loop().time()


Play = Callable[[World], Coroutine[Any, Any, Any]]


def play(rates: dict[str, float], script: Play, **how: Any) -> World:
    world = World(rates, **how)

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(factory)  # pyright: ignore[reportArgumentType]  # asyncio would take generators too; nobody makes any
        await script(world)

    run(main())
    return world


async def fails(call: Coroutine[Any, Any, Any], how: type[Exception]) -> Exception:
    with pytest.raises(how) as error:
        await call
    return error.value
