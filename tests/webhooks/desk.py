"""A marketplace without a broker: a worker's own steps, performed until nothing is due, and a provider that tells what happened."""

from typing import Any

import httpx
from sqlalchemy import func, select, update

from hub.payments.ports import Gateways
from hub.runtime.steps import steps
from hub.sandbox.app import Sandbox
from hub.webhooks.tables import provider_cursors
from hub.worker.dispatch import Dispatcher
from hub.worker.provider import apply_events, sweep_events
from tests.hub_api import ADDRESS, Api
from tests.sandbox.controls import turn
from tests.webhooks.signing import let_pass

DAY = 86_400
ROUNDS_MAX = 12


class Desk:
    """One worker. `how` the provider tells: ``normal``, ``chaos`` (shuffled and repeated), or not at all: ``sweep``."""

    def __init__(self, api: Api, gateways: Gateways, sandbox: Sandbox, how: str) -> None:
        self.api = api
        self.gateways = gateways
        self.sandbox = sandbox
        self._how = how
        self._dispatcher = Dispatcher(api.wiring, gateways, lambda _: None)
        self.answered: list[int] = []
        sandbox.sender.post = self._post
        if how == "chaos":
            sandbox.sender.misbehave("chaos", 7)

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        if self._how == "sweep":
            raise ConnectionError("nobody listens")
        answer = await self.api.http.post(httpx.URL(url).path, content=body, headers=headers)
        self.answered.append(answer.status_code)
        return answer.status_code

    async def work(self) -> None:
        """Do what is due and hear what is told, until neither leads to anything new."""
        for _ in range(ROUNDS_MAX):
            before = await self._done()
            await self._perform()
            await self._hear()
            if before == await self._done() and not await self._due():
                return
        raise AssertionError("it does not come to rest")

    async def later(self, seconds: int) -> None:
        """The provider's clock goes on."""
        await turn(self.sandbox, "advance", {"seconds": seconds})
        await self.work()

    async def _perform(self) -> None:
        while await self._due():
            await self._dispatcher.once()
            await self._dispatcher.drain(10)
            self._dispatcher = Dispatcher(self.api.wiring, self.gateways, lambda _: None)

    async def _hear(self) -> None:
        if self._how == "sweep":
            async with self.api.wiring.database.tx() as tx:
                await tx.execute(update(provider_cursors).values(due_at=func.now()))
            await sweep_events(self.api.wiring, self.gateways)
        else:
            while await self.sandbox.deliver():
                pass
        await let_pass(self.api)
        await apply_events(self.api.wiring, self.gateways)

    async def _due(self) -> int:
        mine = (steps.c.state == "open", steps.c.target == "@hub", ~steps.c.waiting, steps.c.due_at <= func.now())
        async with self.api.wiring.database.reading() as tx:
            return await tx.scalar(select(func.count()).where(*mine))

    async def _done(self) -> Any:
        async with self.api.wiring.database.reading() as tx:
            return await tx.scalar(select(func.count()).select_from(steps).where(steps.c.state != "open"))

    async def order(self, payment_method: str = "pm_card_visa", vendor: str = "acme") -> dict[str, Any]:
        """An order of one vendor, placed and worked on."""
        cart = await self.api.cart()
        offer = await self.api.offer(vendor=vendor, stock=1000)
        assert (await self.api("ada", "PUT", f"/v1/carts/{cart}/lines/{offer}", {"quantity": 1})).status_code == 200
        quote = (await self.api("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})).json()
        placed = await self.api("ada", "POST", "/v1/orders", {"quote_id": quote["id"], "payment_method": payment_method})
        assert placed.status_code == 201, placed.text
        await self.work()
        return await self.see(placed.json()["id"])

    async def paid(self, payment_method: str = "pm_card_visa", vendor: str = "acme") -> dict[str, Any]:
        """The same, accepted and captured."""
        order = await self.order(payment_method, vendor)
        await self.act(order, "accept")
        return await self.see(order["id"])

    async def delivered(self, order: dict[str, Any]) -> None:
        """Shipped and arrived."""
        await self.act(order, "shipments", {"parcels": [{"carrier": "DHL", "tracking_number": "1"}]})
        await self.act(order, "delivery")

    async def act(self, order: dict[str, Any], what: str, body: Any = None) -> None:
        """What the vendor does with its part."""
        [sub] = order["sub_orders"]
        answer = await self.api(sub["vendor"], "POST", f"/v1/vendor/orders/{sub['id']}/{what}", body)
        assert answer.status_code < 300, answer.text
        await self.work()

    async def see(self, order_id: str) -> dict[str, Any]:
        """The order as an operator sees it."""
        return (await self.api("olga", "GET", f"/v1/admin/orders/{order_id}")).json()

    async def story(self, order_id: str) -> list[str]:
        """Its timeline in short."""
        moments = (await self.api("olga", "GET", f"/v1/admin/orders/{order_id}/timeline")).json()
        return [f"{moment['life']}.{moment['event']}" for moment in moments]
