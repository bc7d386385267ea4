"""What buyers do: fill a cart, ask the price, order, ask again where no answer came; cancel, pay another way, want money back."""

import asyncio
from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

import msgspec

from hub.cart.ask_price import AskPrice, ask_price
from hub.cart.open_cart import OpenCart, open_cart
from hub.checkout import look
from hub.checkout.begin import Consent, PlaceOrder
from hub.checkout.cancel import cancel
from hub.checkout.pay_another_way import PayAnotherWay, pay_another_way
from hub.kernel.money import Money
from hub.orders import store as orders
from hub.orders.states import FALLEN
from hub.orders.view import OrderView
from hub.refunds import ask
from hub.refunds.model import SHIPPING, Asked
from hub.runtime.database import Actor, Tx
from hub.simulation import comebacks
from hub.simulation.edge import Answer, Edge, Request
from hub.simulation.market import DAY, PRICES, Market
from hub.simulation.nature import Nature
from vendor_sdk.messages import Address

OPERATOR = Actor("operator", "olga")
ADDRESS = Address(name="Ada", line1="Main Street 1", city="Berlin", postal_code="10115", country="DE")
METHODS = {
    "pm_card_visa": 80,
    "pm_card_chargeDeclined": 3,
    "pm_card_pendingRefund": 5,
    "pm_card_refundFail": 3,
    "pm_card_authenticationRequired": 6,
}
TRIES = 8
COMING_SECONDS = (0.05, 5.0)
"""Between two orders, on average: some worlds are quiet, in others a hundred orders are under way at once."""


class Placing(msgspec.Struct):
    """What a buyer was told of an order."""

    number: int
    quote_id: str
    told: str
    order_id: str | None = None


class Buyers:
    """All of them, each order a life of its own with dice of its own, so that to leave some out changes nothing for the others."""

    def __init__(self, nature: Nature, edge: Edge, market: Market, placings: list[Placing], did: Counter[str]) -> None:
        self._nature = nature
        self._edge = edge
        self._market = market
        self._placings = placings
        self._did = did
        self._pace = nature.seconds("pace", *COMING_SECONDS)

    async def live(self, number: int) -> None:
        """One order, from the wish to the last word about it."""
        dice = Random(f"{self._nature.seed}:life {number}")  # noqa: S311  # to be repeated
        await asyncio.sleep(number * self._pace * 2 * dice.random())
        who = Actor("customer", dice.choice(self._market.customers))
        order = await self._order(number, who, dice)
        if order is not None:
            await self._afterwards(number, who, order, dice)

    async def _order(self, number: int, who: Actor, dice: Random) -> OrderView | None:
        lines: dict[str, int] = {}
        vendors = sorted(self._market.offers)
        for vendor in dice.sample(vendors, dice.choices((1, 2, 3), (65, 28, 7))[0]):
            for place in dice.sample(range(len(PRICES)), dice.choices((1, 2), (75, 25))[0]):
                lines[self._market.offers[vendor][place][0]] = dice.randint(1, 3)
        coupons = [dice.choice(self._market.rules.coupons)] if dice.random() < 0.25 else []  # noqa: PLR2004  # a quarter of them
        quoted = await self._edge.ask(Request(who, f"quote {number}", self._quote(lines, coupons)), tries=TRIES)
        if quoted.kind == "refused" and coupons:
            quoted = await self._edge.ask(Request(who, f"quote {number}", self._quote(lines, [])), tries=TRIES)
        self._count("quote", quoted)
        if quoted.kind != "ok":
            return None
        quote_id, quoted_total = msgspec.json.decode(quoted.body, type=tuple[str, int])
        wanted = PlaceOrder(
            quote_id=quote_id,
            payment_method=dice.choices(list(METHODS), list(METHODS.values()))[0],
            **self._consent(dice, quoted_total),
        )
        placing = Placing(number, quote_id, "unknown")
        self._placings.append(placing)
        answer = await self._edge.ask(Request(who, f"order {number}", wanted, f"order {number}"), tries=TRIES)
        self._count("order", answer)
        placing.told = answer.kind if answer.kind != "refused" else f"refused: {answer.reason}"
        if answer.kind != "ok":
            return None
        order = msgspec.json.decode(answer.body, type=OrderView)
        placing.order_id = order.id
        return order

    def _quote(self, lines: dict[str, int], coupons: list[str]) -> Any:
        async def use_case(tx: Tx) -> tuple[str, int]:
            rules = self._market.rules.cart
            cart = await open_cart(tx, rules, OpenCart(currency=self._market.currency, lines=lines))
            quote = await ask_price(tx, rules, cart.id, AskPrice(address=ADDRESS, coupons=coupons))
            return quote.id, quote.total

        return use_case

    def _consent(self, dice: Random, total: int) -> dict[str, Any]:
        """What becomes of what a vendor does not deliver: half let another do it, some of them pay more for that or cannot wait."""
        on_shortage = dice.choices(("reroute", "partial", "cancel"), (50, 35, 15))[0]
        if on_shortage != "reroute" or dice.random() < 0.5:  # noqa: PLR2004  # half of those have no limits of their own
            return {"on_shortage": on_shortage}
        more = Money(amount=total + dice.randrange(1500), currency=self._market.currency)
        by = self._nature.now().date() + timedelta(days=dice.randint(2, 6))
        limits = Consent(price_limit=more if dice.random() < 0.7 else None, arrive_by=by if dice.random() < 0.5 else None)  # noqa: PLR2004  # as many
        return {"on_shortage": on_shortage, "reroute": limits}

    async def _afterwards(self, number: int, who: Actor, order: OrderView, dice: Random) -> None:
        """Second thoughts, each after a while."""
        plans: list[tuple[float, str]] = []
        if dice.random() < 0.12:  # noqa: PLR2004  # so many change their minds
            plans.append((_after(dice, 0.1, DAY), "cancel"))
        if dice.random() < 0.08:  # noqa: PLR2004  # and so many their card
            plans.append((_after(dice, 0.5, 1800), "pay another way"))
        plans += [(_after(dice, 60, 8 * DAY), "refund") for _ in range(dice.choices((0, 1, 2, 3), (72, 16, 8, 4))[0])]
        plans += comebacks.plans(self._nature.seed, number)
        passed = 0.0
        for nth, (at, what) in enumerate(sorted(plans)):
            await asyncio.sleep(at - passed)
            passed = at
            use_case = self._deed(what, order, dice)
            by = OPERATOR if what == "refund" else who
            answer = await self._edge.ask(Request(by, f"{what} {number}", use_case, f"{what} {number} {nth}"), tries=TRIES)
            self._count(what, answer)

    def _deed(self, what: str, order: OrderView, dice: Random) -> Any:
        deeds = {"cancel": self._cancel, "pay another way": self._pay, "refund": self._refund}
        if what in deeds:
            return deeds[what](order, dice)
        return comebacks.use_case(what, self._market.rules.timing, order, Random(f"{order.id} {what}"))  # noqa: S311  # to be repeated

    @staticmethod
    def _cancel(order: OrderView, _: Random) -> Any:
        async def use_case(tx: Tx) -> str:
            await look.own(tx, order.id)
            return (await cancel(tx, order.id)).state

        return use_case

    def _pay(self, order: OrderView, dice: Random) -> Any:
        wanted = PayAnotherWay(payment_method=dice.choices(list(METHODS), list(METHODS.values()))[0])

        async def use_case(tx: Tx) -> str:
            await look.own(tx, order.id)
            return (await pay_another_way(tx, self._market.rules.timing, order.id, wanted, now=self._nature.now())).state

        return use_case

    @staticmethod
    def _refund(order: OrderView, dice: Random) -> Any:
        kind = dice.choices(("all", "part", "units", "amount", "shipping"), (10, 20, 25, 30, 15))[0]
        sub = dice.choice(order.sub_orders)
        line = dice.choice(sub.lines)
        units, share = dice.randint(1, line.quantity), dice.random()

        async def use_case(tx: Tx) -> list[str]:
            if kind == "all":
                return [refund.id for refund in await ask.ask_refund_of_all(tx, order.id, "damaged")]
            await orders.lock(tx, order.id)
            part = (await orders.load(tx, order.id)).part(sub.id)
            asked: list[Asked] | None = None
            if kind == "units":
                asked = [Asked(line_id=line.id, quantity=units)]
            elif kind == "shipping":
                asked = [Asked(line_id=SHIPPING)]
            elif kind == "amount" and part.state not in FALLEN and line.id in part.pieces:  # it may belong to another part by now
                piece = part.pieces[line.id]
                left = piece.paid - piece.returned(piece.refunded).paid
                asked = [Asked(line_id=line.id, amount=1 + int(share * max(0, left - 1)))]
            return [(await ask.ask_refund(tx, order.id, sub.id, asked, "damaged")).id]

        return use_case

    def _count(self, what: str, answer: Answer) -> None:
        self._did[f"{what}: {answer.reason or answer.kind}"] += 1


def _after(dice: Random, low: float, high: float) -> float:
    return float(low * (high / low) ** dice.random())
