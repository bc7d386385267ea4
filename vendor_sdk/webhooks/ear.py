"""An endpoint of this machine at the hub: it is sent nothing, what happens is kept for it and looked at from here."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from vendor_sdk.client import AsyncClient
from vendor_sdk.client.answers.webhooks import Delivery, Endpoint

OVERLAP = timedelta(seconds=130)
"""What commits late stands further down in the list: of two transactions, each of which may last a minute."""
DESCRIPTION = "vendor-sdk listen"


def address(name: str) -> str:
    """By which the endpoint of a machine is known; nothing is ever sent there."""
    return f"https://listen.invalid/{name}"


async def find(client: AsyncClient, name: str) -> Endpoint | None:
    """The endpoint of a machine, if it has one."""
    async for endpoint in client.endpoints.all():
        if endpoint.url == address(name):
            return endpoint
    return None


def in_order(found: Iterable[Delivery]) -> list[Delivery]:
    """Oldest first; what the hub wrote down together, as it happened."""
    return sorted(found, key=lambda delivery: (delivery.created_at, delivery.position, delivery.id))


class Ear:
    """Hears what happens to a vendor from now on."""

    def __init__(self, client: AsyncClient, endpoint: Endpoint) -> None:
        self._client = client
        self.endpoint = endpoint
        self._heard: dict[str, datetime] = {}

    @classmethod
    async def open(cls, client: AsyncClient, name: str) -> "Ear":
        """The endpoint of `name`, made if it is not there; what it was told before is left alone."""
        endpoint = await find(client, name)
        if endpoint is None:
            made = await client.endpoints.register(address(name), description=DESCRIPTION, state="disabled")
            return cls(client, made.endpoint)
        ear = cls(client, endpoint)
        for newest in (await client.deliveries.page(endpoint=endpoint.id, limit=1)).data:
            ear.heard(newest)
            for before in await ear.fresh():
                ear.heard(before)
        return ear

    async def fresh(self) -> list[Delivery]:
        """What has not been `heard` yet, in its order."""
        found: list[Delivery] = []
        async for delivery in self._client.deliveries.all(endpoint=self.endpoint.id):
            if self._is_old(delivery.created_at):
                break
            if delivery.id not in self._heard:
                found.append(delivery)
        self._heard = {name: at for name, at in self._heard.items() if not self._is_old(at)}
        return in_order(found)

    def heard(self, delivery: Delivery) -> None:
        """It was passed on, or is of no interest."""
        self._heard[delivery.id] = delivery.created_at

    async def close(self) -> None:
        """The hub need not keep anything for it any more."""
        await self._client.endpoints.remove(self.endpoint.id)

    def _is_old(self, at: datetime) -> bool:
        return bool(self._heard) and at < max(self._heard.values()) - OVERLAP
