"""The shop's people at work through the Admin API, the same before the double and before the real server."""

import base64
from typing import Any

import httpx

from tests.spokes.medusa.shop import Thing

CALL_SECONDS = 60.0


class People:
    """Whoever has the key of a server at `url`."""

    def __init__(self, url: str, key: str) -> None:
        credentials = base64.b64encode(f"{key}:".encode()).decode()
        self._client = httpx.AsyncClient(base_url=url, headers={"authorization": f"Basic {credentials}"}, timeout=CALL_SECONDS)

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(self, method: str, path: str, body: Thing | None = None, query: dict[str, str] | None = None) -> tuple[int, Thing]:
        answer = await self._client.request(method, path, json=body, params=query)
        return answer.status_code, answer.json()

    async def must(self, method: str, path: str, body: Thing | None = None, query: dict[str, str] | None = None) -> Thing:
        status, said = await self.ask(method, path, body, query)
        assert status == 200, (path, status, said)
        return said

    async def stock(self, sku: str, units: int, location: str, channel: str) -> None:
        """Sell so many units of a new product."""
        profiles = await self.must("GET", "/admin/shipping-profiles")
        product = {
            "title": sku.title(),
            "status": "published",
            "shipping_profile_id": profiles["shipping_profiles"][0]["id"],
            "sales_channels": [{"id": channel}],
            "options": [{"title": "Size", "values": ["One"]}],
            "variants": [
                {"title": "One", "sku": sku, "options": {"Size": "One"}, "prices": [{"currency_code": "eur", "amount": 12.5}]},
            ],
        }
        await self.must("POST", "/admin/products", product)
        item = (await self.must("GET", "/admin/inventory-items", None, {"sku": sku}))["inventory_items"][0]["id"]
        level = {"location_id": location, "stocked_quantity": units}
        await self.must("POST", f"/admin/inventory-items/{item}/location-levels", level)

    async def orders(self, fields: str, limit: int = 100) -> list[Thing]:
        """The latest orders."""
        query = {"created_at[$gte]": "2020-01-01T00:00:00Z", "limit": str(limit), "offset": "0", "order": "-created_at", "fields": fields}
        return (await self.must("GET", "/admin/orders", None, query))["orders"]

    async def order(self, sub_order_id: str) -> Thing:
        """The one order of a sub-order, looked for among all."""
        orders = await self.orders("id,metadata")
        (found,) = [each for each in orders if (each["metadata"] or {}).get("wheelwright_sub_order") == sub_order_id]
        fields = "id,status,total,payment_status,fulfillment_status,*items,*fulfillments"
        return (await self.must("GET", f"/admin/orders/{found['id']}", None, {"fields": fields}))["order"]

    async def send(self, sub_order_id: str, *numbers: str) -> None:
        """Ship what is packed of an order, in so many parcels."""
        order = await self.order(sub_order_id)
        (packed,) = [each for each in order["fulfillments"] if each["canceled_at"] is None]
        items = [{"id": item["id"], "quantity": item["quantity"]} for item in order["items"]]
        labels: list[Any] = [{"tracking_number": number, "tracking_url": "#", "label_url": "#"} for number in numbers]
        path = f"/admin/orders/{order['id']}/fulfillments/{packed['id']}/shipments"
        await self.must("POST", path, {"items": items, "labels": labels})

    async def deliver(self, sub_order_id: str) -> None:
        """Note that it has arrived."""
        order = await self.order(sub_order_id)
        for packed in order["fulfillments"]:
            await self.must("POST", f"/admin/orders/{order['id']}/fulfillments/{packed['id']}/mark-as-delivered", {})
