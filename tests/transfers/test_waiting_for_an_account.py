"""Shares wait for their vendor's account without asking the provider for each of them, and go on as soon as it may receive."""

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from hub.payments.facts import AccountFacts
from hub.payments.ports import NotSent
from hub.runtime.steps import Step
from hub.transfers.release import RELEASE, RELEASE_CREDIT, perform_release
from hub.vendors import accounts
from hub.worker.accounts import refresh_accounts
from tests.conftest import MakeDatabase
from tests.refunds.crossing import ask_for, step_of
from tests.sandbox.controls import turn
from tests.shop import Shop, open_shop


class Counted:
    """A provider, and which accounts it was asked for."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.asked: list[str] = []

    async def look_account(self, account: str) -> AccountFacts:
        self.asked.append(account)
        found: AccountFacts = await self._real.look_account(account)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest_asyncio.fixture
async def shop(fresh_database: MakeDatabase) -> AsyncGenerator[Shop]:
    """Whose vendor has an account that is not onboarded."""
    opened = await open_shop(await fresh_database(), "acme", onboard=False)
    yield opened
    await opened.close()


@pytest.fixture
def provider(shop: Shop) -> Counted:
    """It, counted from now on."""
    counted: Any = Counted(shop.gateways["stripe"])
    shop.gateways["stripe"] = counted
    found: Counted = counted
    return found


async def delivered(shop: Shop, number: int) -> list[Step]:
    """The releases of so many shares."""
    orders = [await shop.paid(("acme", "mug", 1000, 1)) for _ in range(number)]
    for order in orders:
        for what in ("ship", "deliver"):
            await shop.vendor_says("acme", order.sub_orders[0].id, what)
    return [await step_of(shop, order.id, RELEASE) for order in orders]


async def released(shop: Shop, step: Step, attempt: int = 1) -> Any:
    return await perform_release(shop.wiring.database, shop.gateways, msgspec.structs.replace(step, attempt=attempt))


async def account(shop: Shop) -> str:
    return str(await shop.scalar("SELECT connected_account FROM vendors WHERE code = 'acme'"))


async def due(shop: Shop) -> int:
    """How many releases have been tried and are due now."""
    return int(await shop.scalar("SELECT count(*) FROM steps WHERE state = 'open' AND kind LIKE 'payout.release%' AND due_at <= now()"))


async def wait(shop: Shop) -> None:
    """As after a look in vain."""
    await shop.sql("UPDATE steps SET attempt = 1, due_at = now() + interval '6 hours' WHERE state = 'open' AND kind LIKE 'payout.release%'")


async def test_each_asks_once_as_long_as_it_is_known_that_the_account_receives_nothing(shop: Shop, provider: Counted) -> None:
    steps = await delivered(shop, 3)
    await refresh_accounts(shop.wiring, shop.gateways)
    for attempt in (1, 2, 3, 4):
        for step in steps:
            with pytest.raises(NotSent, match=r"may not be paid yet: .+"):
                await released(shop, step, attempt)
    assert provider.asked == [await account(shop)] * (1 + len(steps))


async def test_each_asks_again_where_nobody_has_looked_for_an_hour(shop: Shop) -> None:
    [step] = await delivered(shop, 1)
    await refresh_accounts(shop.wiring, shop.gateways)
    await shop.sql("UPDATE vendors SET account_seen_at = account_seen_at - interval '61 minutes'")
    await turn(shop.app, f"accounts/{await account(shop)}/onboard")
    assert (await released(shop, step, 2)).data == {"account": await account(shop)}


async def test_all_that_waits_goes_on_when_the_account_may_receive(shop: Shop) -> None:
    await delivered(shop, 2)
    await refresh_accounts(shop.wiring, shop.gateways)
    await shop.sql("UPDATE steps SET kind = 'payout.release_credit' WHERE id IN (SELECT max(id) FROM steps WHERE kind = 'payout.release')")
    await wait(shop)
    await turn(shop.app, f"accounts/{await account(shop)}/onboard")
    await shop.sql("UPDATE vendors SET account_seen_at = account_seen_at - interval '1 hour'")
    await refresh_accounts(shop.wiring, shop.gateways)
    assert await due(shop) == 2, f"{RELEASE} and {RELEASE_CREDIT}"


async def test_an_account_that_nobody_has_looked_at_is_asked_for(shop: Shop, provider: Counted) -> None:
    [step] = await delivered(shop, 1)
    await turn(shop.app, f"accounts/{await account(shop)}/onboard")
    outcome = await released(shop, step)
    assert outcome.data == {"account": await account(shop)}
    assert len(provider.asked) == 1


async def test_an_account_that_may_receive_no_more_is_looked_at_anew_and_wakes_whom_it_kept_waiting(shop: Shop, provider: Counted) -> None:
    steps = await delivered(shop, 3)
    acct = await account(shop)
    await turn(shop.app, f"accounts/{acct}/onboard")
    await refresh_accounts(shop.wiring, shop.gateways)
    await turn(shop.app, f"accounts/{acct}/capabilities", {"transfers": "inactive"})
    with pytest.raises(NotSent, match="may not be paid yet"):
        await released(shop, steps[0], 2)
    await refresh_accounts(shop.wiring, shop.gateways)  # at once, though it was looked at a moment ago
    asked = len(provider.asked)
    for step in steps[1:]:
        with pytest.raises(NotSent):
            await released(shop, step, 2)
    assert len(provider.asked) == asked
    await wait(shop)
    await turn(shop.app, f"accounts/{acct}/capabilities", {"transfers": "active"})
    await shop.sql("UPDATE vendors SET account_seen_at = account_seen_at - interval '1 hour'")
    await refresh_accounts(shop.wiring, shop.gateways)
    assert await due(shop) == 3
    await shop.run()
    assert await shop.breaches(settled=True) == []


async def test_a_share_of_which_nothing_is_left_waits_for_no_account(shop: Shop, provider: Counted) -> None:
    order = await shop.paid(("acme", "mug", 1000, 1))
    for what in ("ship", "deliver"):
        await shop.vendor_says("acme", order.sub_orders[0].id, what)
    await ask_for(shop, order)
    step = await step_of(shop, order.id, RELEASE)
    await refresh_accounts(shop.wiring, shop.gateways)
    assert (await released(shop, step)).data == {"account": None}
    assert len(provider.asked) == 1


async def test_what_was_found_before_the_last_look_is_no_doubt(shop: Shop) -> None:
    acct = await account(shop)
    await turn(shop.app, f"accounts/{acct}/onboard")
    async with shop.wiring.database.reading() as tx:
        before = await tx.now()
    await refresh_accounts(shop.wiring, shop.gateways)
    await shop.act(lambda tx: accounts.doubt(tx, acct, before))
    assert await shop.scalar("SELECT account_receives FROM vendors WHERE code = 'acme'")
