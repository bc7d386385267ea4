"""The shop's REST API v3, call by call. https://developer.woocommerce.com/docs/apis/rest-api/."""

import base64
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from spokes.web.door import Answer, Door
from spokes.web.failures import unreadable
from spokes.woocommerce.mapping import COMMAND_KEY
from spokes.woocommerce.model import Currency, Method, Order, Problem, Product, Tracking
from vendor_sdk.errors import AdapterError

T = TypeVar("T")
API = "/wp-json/wc/v3"
TRACKINGS = "/wp-json/wc-shipment-tracking/v3"
PAGE = 100
"""The most that the API gives at once."""
PAGES_MAX = 50
SKUS_AT_ONCE = 25
CLOCKS = timedelta(hours=1)
"""So far apart the shop's clock and ours may be when we look for an order that we asked for."""
NO_ORDER = frozenset({"woocommerce_rest_shop_order_invalid_id", "woocommerce_rest_order_invalid_id"})
NOT_FOUND = (400, 404)
BUSY = 429
REFUSALS = range(400, 500)


class Shop:
    """One shop, with its key."""

    def __init__(self, door: Door, key: str, secret: str) -> None:
        self._door = door
        credentials = base64.b64encode(f"{key}:{secret}".encode()).decode()
        self._headers = {"authorization": f"Basic {credentials}", "content-type": "application/json"}

    async def products(self, skus: Iterable[str]) -> dict[str, Product]:
        """The products and variations with these SKUs; one that the shop does not know is not there.

        A SKU with a comma cannot be asked for: the API would take it for two.
        """
        wanted = sorted({sku for sku in skus if "," not in sku})
        found: dict[str, Product] = {}
        for start in range(0, len(wanted), SKUS_AT_ONCE):
            some = wanted[start : start + SKUS_AT_ONCE]
            answer = await self._ask("GET", f"{API}/products", query={"sku": ",".join(some), "per_page": str(PAGE)})
            found |= {each.sku: each for each in _read(answer, list[Product])}
        return found

    async def order(self, order_id: int) -> Order | None:
        """An order; None if it was deleted for good."""
        answer = await self._door.send("GET", f"{API}/orders/{order_id}", headers=self._headers)
        if answer.status in NOT_FOUND and _problem(answer).code in NO_ORDER:
            return None
        return _read(_passed(answer), Order)

    async def create(self, order: dict[str, Any]) -> Order | AdapterError:
        """A new order, or why the shop surely made none. There is no idempotency key: look before.

        Raises where it may have made one: only the shop itself knows, by a problem of its own form, or too busy to begin.
        """
        answer = await self._door.send("POST", f"{API}/orders", headers=self._headers, body=msgspec.json.encode(order))
        error = answer.failure()
        if error is not None and (answer.status == BUSY or (answer.status in REFUSALS and _problem(answer).code)):
            return error
        return _read(_passed(answer), Order)

    async def update(self, order_id: int, changes: dict[str, Any]) -> Order:
        """Change some of an order."""
        return _read(await self._ask("PUT", f"{API}/orders/{order_id}", body=changes), Order)

    async def find(self, command_id: str, since: float) -> list[Order]:
        """The orders that a command created at `since` (unix seconds) or later, by its meta: one, unless the shop was very late.

        Page by page, for the API searches no meta. Raises `AdapterError` if there are too many orders to look through, and none is found.
        """
        after = datetime.fromtimestamp(since, UTC) - CLOCKS
        query = {"after": after.strftime("%Y-%m-%dT%H:%M:%S"), "dates_are_gmt": "true", "status": "any", "orderby": "id", "order": "asc"}
        found: list[Order] = []
        for page in range(1, PAGES_MAX + 1):
            answer = await self._ask("GET", f"{API}/orders", query={**query, "per_page": str(PAGE), "page": str(page)})
            orders = _read(answer, list[Order])
            found += [each for each in orders if any(meta.key == COMMAND_KEY and meta.value == command_id for meta in each.meta_data)]
            if len(orders) < PAGE:
                return found
        if found:
            return found
        raise AdapterError(f"more than {PAGE * PAGES_MAX} orders since {after.isoformat()}: cannot tell whether {command_id} is among them")

    async def trackings(self, order_id: int) -> list[Tracking]:
        """The parcels of the Shipment Tracking extension.

        https://woocommerce.com/document/shipment-tracking/shipment-tracking-rest-api-create-tracking-item/.
        """
        return _read(await self._ask("GET", f"{TRACKINGS}/orders/{order_id}/shipment-trackings"), list[Tracking])

    async def methods(self, zone: int) -> list[Method]:
        """All ways by which a zone is shipped to; this list has no pages."""
        return _read(await self._ask("GET", f"{API}/shipping/zones/{zone}/methods"), list[Method])

    async def currency(self) -> str:
        """What the shop sells in (ISO 4217)."""
        return _read(await self._ask("GET", f"{API}/data/currencies/current"), Currency).code

    async def _ask(self, method: str, path: str, *, query: dict[str, str] | None = None, body: dict[str, Any] | None = None) -> Answer:
        encoded = None if body is None else msgspec.json.encode(body)
        return _passed(await self._door.send(method, path, headers=self._headers, query=query, body=encoded))


def _passed(answer: Answer) -> Answer:
    error = answer.failure()
    if error is not None:
        raise error
    return answer


def _read(answer: Answer, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise unreadable("the shop", error) from error


def _problem(answer: Answer) -> Problem:
    try:
        return msgspec.json.decode(answer.body, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Problem()
