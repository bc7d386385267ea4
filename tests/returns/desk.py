"""A shop in which things are sent back: what the buyer, a vendor and an operator do about it, each in one line."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hub.orders.model import Order, SubOrder
from hub.returns import answer, ask, store
from hub.returns.model import Asked, AskReturn, Authorize, Reason, Refuse, Return
from hub.returns.rules import ReturnRules
from hub.runtime.database import Actor
from tests.shop import OPERATOR, Shop, open_shop
from vendor_sdk.messages import Inspected, Parcel


@dataclass
class Desk:
    """The shop, and what people do in it about returns."""

    shop: Shop

    @property
    def rules(self) -> ReturnRules:
        """Those in force."""
        return self.shop.wiring.timing.returns

    async def bought(self, *lines: tuple[str, str, int, int], **more: Any) -> Order:
        """An order that has arrived."""
        return await self.shop.deliver((await self.shop.paid(*lines, **more)).id)

    async def ask(self, order: Order, sku: str, units: int, reason: Reason = "changed_mind", rules: ReturnRules | None = None) -> Return:
        """The buyer wants to send back so many units of the line whose SKU begins so."""
        line = next(line for sub in order.sub_orders for line in sub.lines if line.sku.startswith(sku))
        wanted = AskReturn(lines=[Asked(line_id=line.id, quantity=units, reason=reason)])
        opened = await self._act(lambda tx: ask.ask_return(tx, rules or self.rules, order.id, wanted), self.shop.buyer)
        return opened[0]

    async def authorized(self, order: Order, sku: str, units: int, reason: Reason = "changed_mind") -> Return:
        """The same, and its vendor agrees."""
        return await self.authorize(await self.ask(order, sku, units, reason))

    async def authorize(self, it: Return, who: Actor | None = None) -> Return:
        """Its vendor agrees, or somebody else for it."""
        vendor = it.vendor if who is None else None
        by = who or Actor("vendor", it.vendor)
        said = Authorize(reference="RMA 7")
        return await self._act(lambda tx: answer.decide_authorize(tx, self.rules, it.id, said, vendor=vendor), by)

    async def refuse(self, it: Return, who: Actor | None = None) -> Return:
        """Its vendor, or somebody else, says no."""
        vendor = it.vendor if who is None else None
        by = who or Actor("vendor", it.vendor)
        return await self._act(lambda tx: answer.decide_refuse(tx, it.id, Refuse(reason="not_returnable"), vendor=vendor), by)

    async def send(self, it: Return) -> Return:
        """The buyer has sent it."""
        parcel = Parcel(carrier="post", tracking_number=it.id)
        return await self._act(lambda tx: ask.send_back(tx, it.order_id, it.id, parcel), self.shop.buyer)

    async def cancel(self, it: Return) -> Return:
        """The buyer keeps it."""
        return await self._act(lambda tx: ask.cancel(tx, it.order_id, it.id), self.shop.buyer)

    async def receive(self, it: Return, *, operator: bool = False, **counts: int) -> Return:
        """So many good, damaged and rejected units are back; whatever follows is done."""
        who, vendor = (OPERATOR, None) if operator else (Actor("vendor", it.vendor), it.vendor)
        found = [Inspected(sku=it.lines[0].sku, reason="worn" if "rejected" in counts else "", **counts)]
        await self._act(lambda tx: answer.decide_receive(tx, it.id, found, vendor=vendor), who)
        await self.shop.run()
        return await self.look(it)

    async def look(self, it: Return) -> Return:
        """As it stands."""
        return await self._act(lambda tx: store.get(tx, it.id), OPERATOR)

    async def part(self, it: Return) -> SubOrder:
        """The part of the order that it is of."""
        return (await self.shop.order(it.order_id)).part(it.sub_order_id)

    async def stock(self, it: Return) -> dict[str, Any]:
        """Where the units of its offer are, and when they were counted."""
        rows = await self.shop.rows("SELECT * FROM stock WHERE offer_id = :offer", offer=it.lines[0].offer_id)
        return {name: getattr(rows[0], name) for name in ("on_hand", "reserved", "shipped", "received", "counted_at")}

    async def steps(self, it: Return) -> dict[str, str]:
        """The states of the steps by which its vendor is asked, by kind."""
        rows = await self.shop.rows("SELECT kind, state FROM steps WHERE id IN (:one, :other)", one=it.authorize_id, other=it.inspect_id)
        return {row.kind: row.state for row in rows}

    async def letters(self, it: Return) -> list[str]:
        """Why an operator was told of its order."""
        rows = await self.shop.rows("SELECT reason FROM dead_letters WHERE saga_id = :order ORDER BY id", order=it.order_id)
        return [row.reason for row in rows]

    async def _act(self, do: Callable[[Any], Any], who: Actor) -> Any:
        return await self.shop.act(do, who)


async def open_desk(database_url: str) -> Desk:
    """Two vendors, acme and bolt."""
    return Desk(await open_shop(database_url, "acme", "bolt"))
