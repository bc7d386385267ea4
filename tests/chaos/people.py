"""What buyers, vendors, operators and banks do to one order, drawn from the run's seed and the order's number."""

from collections.abc import Awaitable
from dataclasses import dataclass
from random import Random
from typing import Any

from hub.kernel.errors import Refusal
from hub.orders import store as orders
from hub.orders.states import FALLEN, SubOrderState
from hub.refunds import ask
from hub.refunds.model import SHIPPING, Asked
from hub.runtime.database import Actor, Tx
from tests.chaos.market import PRICES, VENDORS, Market

S = SubOrderState
OPERATOR = Actor("operator", "olga")
METHODS = {
    "pm_card_visa": 76,
    "pm_card_chargeDeclined": 3,
    "pm_card_createDispute": 4,
    "pm_card_createDisputeInquiry": 2,
    "pm_card_pendingRefund": 6,
    "pm_card_refundFail": 6,
    "pm_card_authenticationRequired": 3,
}
QUERY = """
SELECT o.id, o.state, o.course, p.state AS payment, p.reference, p.charge, s.id AS sub, s.vendor, s.state AS sub_state
FROM orders o JOIN payments p ON p.order_id = o.id JOIN sub_orders s ON s.order_id = o.id WHERE o.id = ANY(:ids) ORDER BY o.id, s.id
"""


@dataclass
class Life:
    """One order and what its people have in mind."""

    market: Market
    number: int
    random: Random
    patience: int = 0
    id: str = ""
    cancels: str = ""
    refunds: int = 0
    disputes: str = ""
    dispute: str | None = None

    @classmethod
    def of(cls, market: Market, seed: str, number: int) -> "Life":
        """Its plan."""
        r = Random(f"life {seed} {number}")
        life = cls(market, number, r, patience=r.randint(7, 12))
        life.cancels = r.choices(("", "early", "late"), (84, 8, 8))[0]
        life.refunds = r.choices((0, 1, 2, 4), (40, 25, 20, 15))[0]
        life.disputes = r.choices(("", "whole", "part"), (86, 8, 6))[0]
        return life

    async def begin(self) -> None:
        """Somebody orders."""
        r, lines = self.random, dict[str, int]()
        for vendor in r.sample(sorted(VENDORS), r.choices((1, 2, 3), (52, 34, 14))[0]):
            for number in r.sample(range(len(PRICES)), r.choices((1, 2), (70, 30))[0]):
                lines[self.market.offers[vendor, number]] = r.randint(1, 3)
        coupons = r.choices(([], ["OURS"], ["SHARED"], ["THEIRS"], ["FREESHIP"], ["SHARED", "OURS"], ["GIFT"]), (58, 9, 9, 9, 8, 5, 2))[0]
        if self.market.currency == "KWD":  # its amounts have to end in 0, which a percentage seldom does
            coupons = [code for code in coupons if code in {"OURS", "FREESHIP"}]
        method = r.choices(list(METHODS), list(METHODS.values()))[0]
        shortage = r.choices(("partial", "cancel"), (88, 12))[0]
        try:
            self.id = await self.market.place(lines, coupons, payment_method=method, on_shortage=shortage)
        except Refusal as no:  # a coupon for other vendors' goods
            self.market.counts[f"not placed: {no.slug}"] += 1
            self.id = await self.market.place(lines, [], payment_method=method, on_shortage=shortage)

    async def go_on(self, parts: list[Any]) -> None:
        """One round; `parts` are its sub-orders as they were when the round began."""
        self.patience -= 1
        r, order = self.random, parts[0]
        if order.payment == "waiting" and r.random() < 0.6:
            await self.market.switches.turn(f"payment_intents/{order.reference}/{'fail' if r.random() < 0.3 else 'authenticate'}")
        if self.cancels == "early" and order.payment != "captured" and r.random() < 0.3:
            self.cancels = ""
            await self._try("cancel early", self.market.shop.cancel(self.id))
        for part in parts:
            await self._vendor(part, r)
        if order.payment != "captured":
            return
        if self.cancels == "late" and r.random() < 0.5:
            self.cancels = ""
            await self._try("cancel late", self.market.shop.cancel(self.id))
        if self.refunds and r.random() < 0.4:
            self.refunds -= 1
            await self._try("refund", self._refund(r))
        if r.random() < 0.4 and any(part.sub_state in {S.DELIVERED, S.SETTLED} for part in parts):
            self.market.over.append(self.id)
        await self._contest(order.charge, r)

    async def _vendor(self, part: Any, r: Random) -> None:
        says = self.market.shop.vendor_says
        if part.sub_state == S.ROUTED and r.random() < 0.7:
            declines = r.random() < 0.13
            await self._try("decline" if declines else "accept", says(part.vendor, part.sub, "decline" if declines else "accept"))
        elif part.sub_state == S.ACCEPTED and part.payment == "captured" and self.cancels != "late" and r.random() < 0.6:
            await self._try("ship", says(part.vendor, part.sub, "ship"))
            await self._try("deliver", says(part.vendor, part.sub, "deliver"))
        elif part.sub_state == S.SHIPPED:
            await self._try("deliver", says(part.vendor, part.sub, "deliver"))

    async def _refund(self, r: Random) -> None:
        async with self.market.shop.wiring.database.tx(OPERATOR) as tx:
            kind = r.choices(("all", "part", "units", "amount", "shipping"), (8, 17, 25, 35, 15))[0]
            if kind == "all":
                await ask.ask_refund_of_all(tx, self.id, "damaged")
            else:
                await self._refund_piece(tx, r, kind)
            self.market.counts[f"refund of {kind}"] += 1

    async def _refund_piece(self, tx: Tx, r: Random, kind: str) -> None:
        await orders.lock(tx, self.id)
        order = await orders.load(tx, self.id)
        standing = [sub for sub in order.sub_orders if sub.state not in FALLEN]
        if not standing:
            return
        sub = r.choice(standing)
        line = r.choice(sub.lines)
        left = line.piece.paid - line.piece.returned(line.piece.refunded).paid
        asked = {
            "part": None,
            "units": [Asked(line_id=line.id, quantity=r.randint(1, line.quantity))],
            "amount": [Asked(line_id=line.id, amount=r.randint(1, max(1, left)))],
            "shipping": [Asked(line_id=SHIPPING)],
        }[kind]
        await ask.ask_refund(tx, self.id, sub.id, asked, "damaged")

    async def _contest(self, charge: str | None, r: Random) -> None:
        turn = self.market.switches.turn
        if self.dispute is None and self.disputes and charge is not None and r.random() < 0.3:
            captured = self.market.shop.sandbox.store.get(charge, "charge")
            assert captured is not None
            amount = captured["amount_captured"] if self.disputes == "whole" else r.randint(1, captured["amount_captured"])
            self.disputes = ""
            made = await turn(f"charges/{charge}/dispute", {"amount": amount})
            self.dispute = None if made is None else made["id"]
        elif self.dispute is not None and r.random() < 0.3:
            await turn(f"disputes/{self.dispute}/close", {"status": r.choice(("won", "lost"))})
            self.dispute = None

    async def _try(self, what: str, act: Awaitable[None]) -> None:
        """Do it; that the world has moved on meanwhile is an answer too."""
        try:
            await act
            self.market.counts[what] += 1
        except Refusal as no:
            self.market.counts[f"{what}: {no.slug}"] += 1
