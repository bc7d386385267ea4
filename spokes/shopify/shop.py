"""The shop's GraphQL Admin API, call by call."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from spokes.shopify import failures, queries
from spokes.shopify.mapping import DEFINITION, KEY, NAMESPACE, search
from spokes.shopify.model import Done, Nodes, Order, Reply, Variant
from spokes.web.door import Door
from spokes.web.failures import Unsure, unreadable
from vendor_sdk.errors import AdapterError, Misconfigured

T = TypeVar("T")
NULL = b"null"
SKUS_AT_ONCE = 25
"""Of a hundred variants in one answer: a shop may give several the same SKU."""


class Shop:
    """One shop, with its app's token."""

    def __init__(self, door: Door, token: str, location: str) -> None:
        self._door = door
        self._location = location
        self._headers = {"content-type": "application/json", "x-shopify-access-token": token}

    async def variants(self, skus: Sequence[str]) -> dict[str, Variant]:
        """The variants with these SKUs. Raises `Misconfigured` for a SKU that two of them have."""
        found: dict[str, Variant] = {}
        wanted = sorted(set(skus))
        for start in range(0, len(wanted), SKUS_AT_ONCE):
            some = wanted[start : start + SKUS_AT_ONCE]
            variables = {"search": search(some), "location": self._location}
            for each in _read(await self._ask(queries.VARIANTS, variables), Nodes[Variant]).nodes:
                if each.sku in found:
                    raise Misconfigured(f"two variants have the SKU {each.sku!r}")
                if each.sku in some:
                    found[each.sku] = each
        return found

    async def move(self, changes: Mapping[str, Any], key: str) -> None:
        """Move units between states, once for each key. Raises `failures.Stale` if nothing was moved and the key is used up."""
        if changes["changes"]:
            _passed(_read(await self._ask(queries.MOVE, {"input": changes, "key": key}), Done))

    async def order(self, sub_order_id: str) -> Order | None:
        """A sub-order's order."""
        identity = {"namespace": NAMESPACE, "key": KEY, "value": sub_order_id}
        found = await self._ask(queries.ORDER, identity)
        return None if bytes(found) == NULL else _read(found, Order)

    async def create(self, variables: Mapping[str, Any]) -> Order:
        """A new order; the shop has no second one of the same sub-order."""
        return _order(_passed(_read(await self._ask(queries.CREATE, variables), Done)))

    async def pay(self, order_id: str) -> Order:
        """Mark an order as paid."""
        return _order(_passed(_read(await self._ask(queries.PAY, {"id": order_id}), Done)))

    async def cancel(self, order_id: str) -> None:
        """Ask to cancel an order; the shop does it a moment later."""
        _passed(_read(await self._ask(queries.CANCEL, {"id": order_id}), Done))

    async def define(self) -> None:
        """See to it that the metafield is there by which orders are found."""
        done = _read(await self._ask(queries.DEFINE, {"definition": DEFINITION}), Done)
        if [error.code for error in done.errors] != [failures.TAKEN]:
            _passed(done)

    async def _ask(self, query: str, variables: Mapping[str, Any]) -> msgspec.Raw:
        """What the one field of the query answers."""
        body = msgspec.json.encode({"query": query, "variables": variables})
        answer = await self._door.send("POST", f"/admin/api/{queries.API_VERSION}/graphql.json", headers=self._headers, body=body)
        if answer.status in failures.FROZEN:
            raise Misconfigured(f"HTTP {answer.status}: the shop is frozen or locked")
        if (error := answer.failure()) is not None:
            raise error
        reply = _read(answer.body, Reply)
        if reply.errors is not None:
            raise failures.of_query(reply.errors, reply.extensions.cost)
        fields = _read(reply.data, dict[str, msgspec.Raw])
        if len(fields) != 1:
            raise Unsure("the shop's answer is none: it has not the one field that was asked for")
        return next(iter(fields.values()))


def _read(body: bytes | msgspec.Raw, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise unreadable("the shop", error) from error


def _passed(done: Done) -> Done:
    error = failures.of_mutation(done.errors)
    if error is not None:
        raise error
    return done


def _order(done: Done) -> Order:
    if done.order is None:
        raise AdapterError("the shop names neither an order nor an error")
    return done.order
