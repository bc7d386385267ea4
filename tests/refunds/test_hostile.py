"""What goes wrong between two lines: late facts, answers that cross, two at once."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from hub.checkout.conclude import conclude
from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.ledger.recipes import Adjustment
from hub.refunds import send
from hub.refunds.model import Asked
from hub.refunds.states import RefundState
from hub.refunds.store import Refund
from hub.transfers.credit import open_credit
from hub.transfers.release import RELEASE, perform_release
from tests.conftest import MakeDatabase
from tests.refunds.crossing import ask_for, step_of
from tests.sandbox.controls import turn
from tests.shop import Shop, open_shop


@pytest_asyncio.fixture
async def shop(fresh_database: MakeDatabase) -> AsyncGenerator[Shop]:
    """Vendors pay for disputes; bolt bears none. One for each test: debts of one would be netted in the next."""
    opened = await open_shop(await fresh_database(), "acme", "bolt", "cask", settings={"WHEELWRIGHT__MONEY__DISPUTE_FEE": "vendor"})
    await opened.sql("UPDATE vendors SET bears_disputes = false WHERE code = 'bolt'")
    yield opened
    await opened.close()


async def test_a_refund_that_fails_before_we_have_noted_its_success(shop: Shop) -> None:
    order = await shop.paid(("acme", "mug", 1000, 1), payment_method="pm_card_refundFail")
    refund = await ask_for(shop, order)
    step = await step_of(shop, order.id, send.REFUND)
    answered = await send.perform_refund(shop.wiring.database, shop.gateways, step)
    await turn(shop.app, "advance", {"seconds": 7200})
    facts = await shop.gateways["stripe"].look_refund(str(answered.data["reference"]))
    assert await shop.act(lambda tx: send.take_notice(tx, facts))
    await shop.act(lambda tx: conclude(tx, shop.wiring.timing, step, answered))
    await shop.run()
    (found,) = await shop.refunds(order.id)
    assert found.state is RefundState.FAILED, "the provider has the money back, and says so only once"
    assert await shop.balance(f"refund:{refund.id}") == order.total
    assert await shop.balance("clearing:stripe") == -shop.at_provider()


async def test_two_refunds_at_once_take_each_piece_once(shop: Shop) -> None:
    order = await shop.deliver((await shop.paid(("acme", "mug", 1000, 3))).id)
    line = order.sub_orders[0].lines[0].id
    asked = [ask_for(shop, order, Asked(line_id=line, amount=700)) for _ in range(6)]
    done: list[Any] = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, Refund) for one in done) == 4
    await shop.run()
    assert sum(found.amount for found in await shop.refunds(order.id)) == 2800
    assert await shop.breaches(settled=True) == []
    assert await shop.balance("clearing:stripe") == -shop.at_provider()


async def test_a_debt_is_netted_once_by_two_releases_at_once(shop: Shop) -> None:
    paid = [await shop.paid(("acme", "mug", 1000, 1)) for _ in range(2)]
    for order in paid:
        await shop.vendor_says("acme", order.sub_orders[0].id, "ship")
        await shop.vendor_says("acme", order.sub_orders[0].id, "deliver")
    await shop.act(
        lambda tx: ledger.post(tx, "fine", vendor="acme", cause="adj_1", moves=recipes.adjust(Adjustment.FINE, "acme", 1500, "EUR"))
    )
    found = [await step_of(shop, order.id, RELEASE) for order in paid]
    outcomes = [await perform_release(shop.wiring.database, shop.gateways, step) for step in found]
    timing = shop.wiring.timing
    await asyncio.gather(
        *(shop.act(lambda tx, s=s, o=o: conclude(tx, timing, s, o)) for s, o in zip(found, outcomes, strict=True)),
    )
    await shop.run()
    assert await shop.scalar("SELECT sum(netted) FROM transfers") == 1500
    assert await shop.balance("vendor:acme") == 0
    assert await shop.breaches(settled=True) == []


async def test_a_bonus_is_set_aside_once_by_two_workers_at_once(shop: Shop) -> None:
    await shop.fund(5000)
    bonus = recipes.adjust(Adjustment.BONUS, "acme", 700, "EUR")
    await shop.act(lambda tx: ledger.post(tx, "bonus", vendor="acme", cause="adj_1", moves=bonus))
    await asyncio.gather(*(shop.act(lambda tx: open_credit(tx, "acme", "EUR")) for _ in range(4)))
    await shop.run()
    assert await shop.scalar("SELECT array_agg(amount) FROM transfers WHERE kind = 'credit'") == [700]
    assert await shop.breaches(settled=True) == []


@pytest.mark.parametrize("first", ["refund", "release"])
async def test_a_refund_and_the_release_of_its_hold_at_once(shop: Shop, first: str) -> None:
    order = await shop.paid(("acme", "mug", 1000, 2))
    sub = order.sub_orders[0]
    await shop.vendor_says("acme", sub.id, "ship")
    await shop.vendor_says("acme", sub.id, "deliver")
    step = await step_of(shop, order.id, RELEASE)
    outcome = await perform_release(shop.wiring.database, shop.gateways, step)
    released = shop.act(lambda tx: conclude(tx, shop.wiring.timing, step, outcome))
    asked = ask_for(shop, order, Asked(line_id=sub.lines[0].id, quantity=1))
    await asyncio.gather(*((asked, released) if first == "refund" else (released, asked)))
    await shop.run()
    assert await shop.breaches(settled=True) == []
    assert await shop.balance("clearing:stripe") == -shop.at_provider()
