"""Checks that everybody can ask why this amount: the money stories of orders that went wrong answer over HTTP, and add up."""

from collections.abc import Mapping
from typing import Any

from hub.replay.files import CURRENCY
from hub.replay.trouble import Kind, Trouble
from hub.replay.verdict import Verdict, no_exceptions
from hub.replay.web import Refused, Web

_POTS = ("held", "reserved", "due")


class Stories:
    """Asks; `keys` are the operator's and, by vendor code, the vendors'."""

    def __init__(self, web: Web, operator: str, vendors: Mapping[str, str]) -> None:
        self._web = web
        self._operator = operator
        self._vendors = vendors
        self._silent: list[str] = []
        self._uneven: list[str] = []

    async def check(self, troubles: Mapping[str, Trouble], placed: Mapping[str, str], buyers: Mapping[str, str]) -> list[Verdict]:
        """One order of each kind of trouble, through all eyes; `buyers` are the buyers' keys by recorded order."""
        for trouble in samples(troubles).values():
            order = placed[trouble.order.id]
            seen = await self._get(buyers[trouble.order.id], f"/v1/orders/{order}")
            for path in (f"/v1/orders/{order}/refunds", f"/v1/orders/{order}/timeline"):
                await self._get(buyers[trouble.order.id], path)
            await self._even(await self._get(self._operator, f"/v1/admin/orders/{order}/ledger"), order)
            parts: list[dict[str, str]] = seen["sub_orders"] if seen else []
            for sub in parts:
                await self._vendor(sub["vendor"], sub["id"])
        for path in ("ledger/accounts", "ledger/transactions", "refunds", "disputes", "payouts", "reconciliations", "provider-events"):
            await self._get(self._operator, f"/v1/admin/{path}")
        return [
            no_exceptions("a story of money that is not told", self._silent),
            no_exceptions("a story of money that does not add up", self._uneven),
        ]

    async def _vendor(self, vendor: str, sub_order: str) -> None:
        key = self._vendors[vendor]
        for path in ("refunds", "payouts", "terms", "account", f"orders/{sub_order}/commission", f"orders/{sub_order}/ledger"):
            await self._get(key, f"/v1/vendor/{path}")
        statement = await self._get(key, "/v1/vendor/statements?limit=100")
        balance = await self._get(key, "/v1/vendor/balance")
        if statement is None or balance is None:
            return
        closing = [{pot: found[pot] for pot in _POTS} for found in statement["closing"] if found["currency"] == CURRENCY]
        has = [{pot: found[pot] for pot in _POTS} for found in balance if found["currency"] == CURRENCY]
        if closing != has:
            self._uneven.append(f"{vendor}: its statement closes with {closing}, its balance is {has}")

    async def _even(self, entries: list[dict[str, Any]] | None, order: str) -> None:
        """What an order's own accounts hold in the end: nothing."""
        held: dict[str, int] = {}
        for entry in entries or []:
            held[entry["destination"]] = held.get(entry["destination"], 0) + entry["amount"]
            held[entry["source"]] = held.get(entry["source"], 0) - entry["amount"]
        own = ("order:", "held:", "reserve:", "refund:", "dispute:")
        if left := {account: amount for account, amount in held.items() if amount and account.startswith(own)}:
            self._uneven.append(f"{order}: {left}")

    async def _get(self, key: str, path: str) -> Any:
        try:
            return await self._web(key, "GET", path)
        except Refused as refused:
            self._silent.append(str(refused))
            return None


def samples(troubles: Mapping[str, Trouble]) -> dict[Kind, Trouble]:
    """One trouble of each kind."""
    found: dict[Kind, Trouble] = {}
    for trouble in troubles.values():
        found.setdefault(trouble.kind, trouble)
    return found
