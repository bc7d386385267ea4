"""A clerk by the script: takes on what is on the shelf, sends what is to be sent, tells what has arrived, through the vendor API."""

from collections.abc import Sequence

from vendor_sdk.client import AsyncClient
from vendor_sdk.client.answers.orders import Order
from vendor_sdk.messages import Document, Parcel, Shortfall

YEAR_SECONDS = 365 * 86_400


class Clerk:
    """One vendor's. `shelf` is what is really there: of what is not, as many units as anybody asks for are missing."""

    def __init__(self, hub: AsyncClient) -> None:
        self._hub = hub
        self.shelf: dict[str, int] = {}

    async def look(self) -> None:
        """Do one thing for every order that waits; one in a state that the script has not is left alone."""
        for order in [order async for order in self._hub.orders.all(due_within=YEAR_SECONDS)]:
            match order.state:
                case "routed":
                    await self._decide(order)
                case "accepted":
                    await self._hub.orders.ship(order.id, [_parcel(order)], documents=_papers(order))
                case "shipped":
                    await self._hub.orders.deliver(order.id)
                case _:
                    pass

    async def _decide(self, order: Order) -> None:
        missing = {line.sku: max(0, line.quantity - self.shelf.get(line.sku, 0)) for line in order.lines}
        if all(missing[line.sku] == line.quantity for line in order.lines):
            await self._hub.orders.decline(order.id, "out_of_stock")
            return
        await self._hub.orders.accept(order.id, short=[Shortfall(sku=sku, quantity=units) for sku, units in missing.items() if units])
        for line in order.lines:
            self.shelf[line.sku] -= line.quantity - missing[line.sku]


def _parcel(order: Order) -> Parcel:
    return Parcel(carrier="Post", tracking_number=f"T-{order.id}")


def _papers(order: Order) -> Sequence[Document]:
    return [Document(kind="packing_slip", url=f"https://clerk.example/{order.id}", name="Packing slip")]
