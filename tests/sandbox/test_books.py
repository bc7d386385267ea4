"""Whatever happens, the balance transactions of every owner add up to its balance, and no cap is broken."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import stripe

from tests.sandbox.controls import turn
from tests.sandbox.trade import DAY, charge, vendor
from tests.sandbox.watched import Watched

CARDS = [
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_createDispute",
    "pm_card_createDisputeInquiry",
    "pm_card_pendingRefund",
    "pm_card_refundFail",
]
STEPS = 200


class Life:
    """Random doings on one platform with three vendors; what Stripe refuses is part of life."""

    def __init__(self, client: stripe.StripeClient, app: Watched, seed: int) -> None:
        self.v1 = client.v1
        self.client = client
        self.app = app
        self.draw = random.Random(seed)
        self.accounts: list[str] = []
        self.done: dict[str, int] = {}

    def some(self, kind: str) -> dict[str, Any] | None:
        """Any object of a kind, from what the sandbox remembers."""
        rows = self.app.sandbox.store.db.execute("SELECT id, owner FROM objects WHERE kind = ? ORDER BY seq", (kind,)).fetchall()
        rows = [row for row in rows if not row[0].startswith("py")]
        if not rows:
            return None
        identity, owner = self.draw.choice(rows)
        return {"id": identity, "on": {"stripe_account": owner or None}}

    async def act(self) -> None:
        doings: list[Callable[[], Awaitable[Any]]] = [
            self.sell, self.sell, self.transfer, self.transfer, self.reverse, self.refund, self.dispute, self.decide, self.pay_out,
            self.fail, self.wait, self.fee,
        ]  # fmt: skip
        doing = self.draw.choice(doings)
        try:
            await doing()
        except (stripe.InvalidRequestError, AssertionError):
            return  # refused, or there is nothing yet to do it to
        self.done[doing.__name__] = self.done.get(doing.__name__, 0) + 1

    async def sell(self) -> None:
        amount = self.draw.randint(100, 9_999)
        await charge(self.client, amount, self.draw.randint(50, amount), payment_method=self.draw.choice(CARDS))

    async def transfer(self) -> None:
        source = self.some("charge")
        assert source
        asked: Any = {"currency": "eur", "destination": self.draw.choice(self.accounts), "source_transaction": source["id"]}
        await self.v1.transfers.create_async(asked | {"amount": self.draw.randint(1, 3_000)})

    async def reverse(self) -> None:
        moved = self.some("transfer")
        assert moved
        await self.v1.transfers.reversals.create_async(moved["id"], {"amount": self.draw.randint(1, 2_000)})

    async def refund(self) -> None:
        paid = self.some("charge")
        assert paid
        await self.v1.refunds.create_async({"charge": paid["id"], "amount": self.draw.randint(1, 2_000)})

    async def dispute(self) -> None:
        paid = self.some("charge")
        assert paid
        await turn(self.app, f"charges/{paid['id']}/dispute", {"amount": self.draw.randint(1, 500)})

    async def decide(self) -> None:
        case = self.some("dispute")
        assert case
        await turn(self.app, f"disputes/{case['id']}/close", {"status": self.draw.choice(["won", "lost"])})

    async def pay_out(self) -> None:
        on: Any = {"stripe_account": self.draw.choice([None, *self.accounts])}
        await self.v1.payouts.create_async({"amount": self.draw.randint(1, 2_000), "currency": "eur"}, on)

    async def fail(self) -> None:
        payout = self.some("payout")
        assert payout
        if self.draw.random() < 0.5:
            await self.v1.payouts.cancel_async(payout["id"], {}, payout["on"])
        else:
            await turn(self.app, f"payouts/{payout['id']}/fail")

    async def wait(self) -> None:
        await turn(self.app, "advance", {"seconds": self.draw.choice([1, 3_600, DAY, 3 * DAY])})

    async def fee(self) -> None:
        await turn(self.app, "movements", {"amount": -self.draw.randint(1, 50), "currency": "eur"})

    async def check(self) -> None:
        for account in (None, *self.accounts):
            on: Any = {"stripe_account": account}
            page = await self.v1.balance_transactions.list_async({"limit": 100}, on)
            entries = [one async for one in page.auto_paging_iter()]
            assert all(one.net == one.amount - one.fee == one.amount - sum(part.amount for part in one.fee_details) for one in entries)
            found = await self.v1.balance.retrieve_async({}, on)
            assert sum(part.amount for part in found.available) == sum(one.net for one in entries if one.status == "available")
            assert sum(part.amount for part in found.pending) == sum(one.net for one in entries if one.status == "pending")
        for paid in self.app.sandbox.store.find("charge", ""):
            assert 0 <= paid["amount_refunded"] <= paid["amount_captured"] <= paid["amount"]
        for moved in self.app.sandbox.store.find("transfer", ""):
            assert 0 <= moved["amount_reversed"] <= moved["amount"]


@pytest.mark.parametrize("seed", range(4))
async def test_the_books_of_a_random_life_add_up(client: stripe.StripeClient, watched: Watched, seed: int) -> None:
    life = Life(client, watched, seed)
    for number in range(3):
        account = await vendor(client, watched)
        asked: Any = {"settings": {"payouts": {"schedule": {"interval": ["manual", "daily", "manual"][number]}}}}
        await client.v1.accounts.update_async(account, asked)
        life.accounts.append(account)
    for step in range(STEPS):
        await life.act()
        if step % 20 == 0:
            await life.check()
    await turn(watched, "advance", {"seconds": 40 * DAY})
    await life.check()
    assert life.done.keys() >= {"sell", "transfer", "reverse", "refund", "dispute", "wait", "fee"}, life.done
