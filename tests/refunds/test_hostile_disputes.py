"""Disputes over money that is on its way, told late, in parts, or turned over."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from hub.checkout.conclude import conclude
from hub.kernel.errors import Conflict
from hub.orders.model import Order
from hub.payments.facts import DisputePhase
from hub.refunds import ask, dispute, send
from hub.refunds.dispute import SHARE_OUT
from hub.refunds.model import Asked
from hub.refunds.reverse import REVERSE
from hub.refunds.states import RefundState
from hub.runtime.steps import Outcome
from hub.transfers.release import RELEASE, perform_release
from hub.transfers.transfer import TRANSFER_STEP
from tests.conftest import MakeDatabase
from tests.refunds.crossing import ask_for, charge_of, dispute_balance, disputed, moved, step_of, told
from tests.sandbox.controls import turn
from tests.shop import Shop, open_shop


@pytest_asyncio.fixture
async def shop(fresh_database: MakeDatabase) -> AsyncGenerator[Shop]:
    """Vendors pay for disputes; bolt bears none. One for each test: debts of one would be netted in the next."""
    opened = await open_shop(await fresh_database(), "acme", "bolt", "cask", settings={"WHEELWRIGHT__MONEY__DISPUTE_FEE": "vendor"})
    await opened.sql("UPDATE vendors SET bears_disputes = false WHERE code = 'bolt'")
    yield opened
    await opened.close()


@pytest.mark.parametrize("waits_for_transfer", [False, True])
async def test_a_dispute_lost_while_a_refund_is_gathered(shop: Shop, waits_for_transfer: bool) -> None:
    order = await shop.paid(("acme", "mug", 1000, 2))
    sub = order.sub_orders[0]
    await shop.vendor_says("acme", sub.id, "ship")
    await shop.vendor_says("acme", sub.id, "deliver")
    await shop.one_step(RELEASE)
    if not waits_for_transfer:
        await shop.one_step(TRANSFER_STEP)
    losses = await shop.balance("losses")
    await ask_for(shop, order, Asked(line_id=sub.lines[0].id, quantity=1))
    made = await turn(shop.app, f"charges/{await charge_of(shop, order.id)}/dispute", {})
    await turn(shop.app, f"disputes/{made['id']}/close", {"status": "lost"})
    await told(shop, await shop.gateways["stripe"].look_dispute(str(made["id"])))
    await shop.one_step(SHARE_OUT)
    await shop.one_step(TRANSFER_STEP)
    await shop.one_step(REVERSE)
    await shop.run()
    assert await shop.balance("losses") == losses, "what was gathered for the buyer covers the dispute"
    assert {found.state for found in await shop.refunds(order.id)} == {RefundState.DISPUTED}
    assert await shop.breaches(settled=True) == []
    assert await shop.balance("clearing:stripe") == -shop.at_provider()


async def test_a_part_is_stopped_between_the_look_and_the_sharing_out(shop: Shop) -> None:
    order = await shop.paid(("acme", "mug", 1000, 1))
    losses = await shop.balance("losses")
    made = await turn(shop.app, f"charges/{await charge_of(shop, order.id)}/dispute", {})
    await turn(shop.app, f"disputes/{made['id']}/close", {"status": "lost"})
    await told(shop, await shop.gateways["stripe"].look_dispute(str(made["id"])))
    step = await step_of(shop, order.id, SHARE_OUT)
    looked = await dispute.perform_share_out(shop.wiring.database, shop.gateways, step)
    await shop.cancel(order.id)
    await shop.act(lambda tx: conclude(tx, shop.wiring.timing, step, looked))
    await shop.run()
    assert await shop.balance("losses") == losses
    assert {found.state for found in await shop.refunds(order.id)} == {RefundState.DISPUTED}
    assert await shop.breaches(settled=True) == []


async def test_a_release_put_off_between_its_look_and_its_end_goes_on_when_the_dispute_is_won(shop: Shop) -> None:
    order = await _delivered(shop, "acme")
    step = await step_of(shop, order.id, RELEASE)
    looked = await perform_release(shop.wiring.database, shop.gateways, step)
    await disputed(shop, order, "meanwhile", DisputePhase.OPEN)
    await shop.act(lambda tx: conclude(tx, shop.wiring.timing, step, looked))
    assert not await _is_due(shop, order.id)
    await disputed(shop, order, "meanwhile", DisputePhase.WON)
    assert await _is_due(shop, order.id)
    await shop.run()
    assert await shop.breaches(settled=True) == []


async def test_a_release_goes_on_when_nobody_but_us_bears_the_lost_dispute(shop: Shop) -> None:
    order = await _delivered(shop, "bolt")
    await disputed(shop, order, "ours", DisputePhase.LOST, moved("txn_ours", -order.total, 1500))
    await shop.one_step(RELEASE)
    assert not await _is_due(shop, order.id)
    await shop.one_step(SHARE_OUT)
    assert await _is_due(shop, order.id)
    await shop.run()
    assert await shop.breaches(settled=True) == []


async def test_a_hold_that_has_not_ended_is_not_ended_by_news_of_a_dispute(shop: Shop) -> None:
    await shop.sql("UPDATE vendors SET hold_seconds = 3600 WHERE code = 'acme'")
    order = await _delivered(shop, "acme")
    await disputed(shop, order, "early", DisputePhase.OPEN)
    await disputed(shop, order, "early", DisputePhase.WON)
    assert not await _is_due(shop, order.id)


async def _delivered(shop: Shop, vendor: str) -> Order:
    order = await shop.paid((vendor, "mug", 1000, 1))
    await shop.vendor_says(vendor, order.sub_orders[0].id, "ship")
    await shop.vendor_says(vendor, order.sub_orders[0].id, "deliver")
    return order


async def _is_due(shop: Shop, order_id: str) -> bool:
    return bool(
        await shop.scalar("SELECT due_at <= now() FROM steps WHERE saga_id = :o AND kind = :k AND state = 'open'", o=order_id, k=RELEASE)
    )


async def test_lost_before_its_movement_is_told(shop: Shop) -> None:
    order = await shop.deliver((await shop.paid(("acme", "mug", 1000, 1))).id)
    await disputed(shop, order, "late", DisputePhase.LOST)
    await shop.run()
    await disputed(shop, order, "late", DisputePhase.LOST, moved("txn_late", -order.total, 1500))
    await shop.run()
    assert await dispute_balance(shop, "late") == 0
    assert not await shop.scalar("SELECT disputed FROM payments WHERE order_id = :o", o=order.id)
    assert await shop.breaches(settled=True) == []


async def test_won_after_it_was_lost(shop: Shop) -> None:
    order = await shop.deliver((await shop.paid(("acme", "mug", 1000, 1), ("bolt", "nut", 700, 1))).id)
    before = {name: await shop.balance(name) for name in ("vendor:acme", "vendor:bolt", "losses", "commission", "tax", "discounts")}
    taken = moved("txn_taken", -order.total, 0)
    await disputed(shop, order, "back", DisputePhase.LOST, taken)
    await shop.run()
    await disputed(shop, order, "back", DisputePhase.WON, taken, moved("txn_back", order.total))
    await shop.run()
    assert await dispute_balance(shop, "back") == 0
    after = {name: await shop.balance(name) for name in before}
    acme = next(found for found in await shop.refunds(order.id) if found.vendor == "acme")
    assert after == before | {"vendor:acme": before["vendor:acme"] + acme.share}
    assert await shop.breaches(settled=True) == []
    await disputed(shop, order, "back", DisputePhase.WON, taken, moved("txn_back", order.total))
    assert {name: await shop.balance(name) for name in before} == after


async def test_each_dispute_costs_its_own_fee_once_and_only_who_bears_it(shop: Shop) -> None:
    order = await shop.deliver((await shop.paid(("acme", "mug", 1000, 2), ("bolt", "nut", 700, 1))).id)
    acme, bolt, fees = [await shop.balance(name) for name in ("vendor:acme", "vendor:bolt", "dispute_fees")]
    await disputed(shop, order, "first", DisputePhase.LOST, moved("txn_first", -1000, 1500), amount=1000)
    await shop.run()
    assert [await shop.balance(name) for name in ("vendor:acme", "vendor:bolt", "dispute_fees")] == [acme - 1500, bolt, fees]
    await disputed(shop, order, "second", DisputePhase.LOST, moved("txn_second", -500, 1500), amount=500)
    await shop.run()
    assert [await shop.balance(name) for name in ("vendor:acme", "vendor:bolt", "dispute_fees")] == [acme - 3000, bolt, fees]
    assert await shop.breaches(settled=True) == []


async def test_a_failed_refund_larger_than_what_was_taken(shop: Shop) -> None:
    order = await shop.deliver((await shop.paid(("acme", "mug", 1000, 2), payment_method="pm_card_refundFail")).id)
    sub = order.sub_orders[0]
    await ask_for(shop, order, Asked(line_id=sub.lines[0].id, quantity=1))
    await shop.run()
    await turn(shop.app, "advance", {"seconds": 7200})
    await shop.hear()
    assert [found.state for found in await shop.refunds(order.id)] == [RefundState.FAILED]
    await disputed(shop, order, "part", DisputePhase.LOST, moved("txn_part", -400), amount=400)
    await shop.run()
    assert await dispute_balance(shop, "part") == 0
    assert await shop.breaches(settled=True) == []


async def test_what_a_lost_dispute_took_cannot_be_refunded_again(shop: Shop) -> None:
    order = await shop.deliver((await shop.paid(("bolt", "nut", 1000, 1))).id)
    reference = await shop.dispute(order.id)
    await shop.close_dispute(reference, "lost")
    with pytest.raises(Conflict, match="dispute"):
        await ask_for(shop, order)
    with pytest.raises(Conflict, match="dispute"):
        await shop.act(lambda tx: ask.ask_refund_of_all(tx, order.id, "damaged"))
    assert await shop.breaches(settled=True) == []


async def test_a_part_is_stopped_while_its_dispute_is_open_and_won(shop: Shop) -> None:
    order = await shop.paid(("acme", "mug", 1000, 1))
    reference = await shop.dispute(order.id)
    await shop.cancel(order.id)
    await shop.run()
    (refund,) = await shop.refunds(order.id)
    assert refund.state is RefundState.FAILED
    assert await shop.scalar("SELECT count(*) FROM dead_letters WHERE kind = 'payment.refund'") == 1
    await shop.close_dispute(reference, "won")
    await shop.act(lambda tx: send.retry(tx, refund.id))
    await shop.run()
    assert [found.state for found in await shop.refunds(order.id)] == [RefundState.SUCCEEDED]
    assert await shop.breaches(settled=True) == []
    assert await shop.balance("clearing:stripe") == -shop.at_provider()


async def test_a_question_becomes_a_dispute_and_is_lost(shop: Shop) -> None:
    order = await shop.deliver((await shop.paid(("acme", "mug", 1000, 1))).id)
    reference = await shop.dispute(order.id, withdraw=False)
    await turn(shop.app, f"disputes/{reference}/escalate")
    await shop.close_dispute(reference, "lost")
    assert [found.state for found in await shop.refunds(order.id)] == [RefundState.DISPUTED]
    assert await shop.balance("vendor:acme") == -1500, "the fee"
    assert await shop.breaches(settled=True) == []
    assert await shop.balance("clearing:stripe") == -shop.at_provider()


async def test_disputes_lost_at_once_do_not_wait_for_each_other(shop: Shop) -> None:
    paid = [await shop.paid(("acme", "mug", 1000, 1), ("cask", "keg", 900, 1)) for _ in range(4)]
    for order in paid:
        made = await turn(shop.app, f"charges/{await charge_of(shop, order.id)}/dispute", {})
        await turn(shop.app, f"disputes/{made['id']}/close", {"status": "lost"})
        await told(shop, await shop.gateways["stripe"].look_dispute(str(made["id"])))
    found = [await step_of(shop, order.id, SHARE_OUT) for order in paid]
    await asyncio.gather(*(shop.act(lambda tx, s=s: conclude(tx, shop.wiring.timing, s, Outcome.ok())) for s in found))
    await shop.run()
    assert await shop.balance("vendor:acme") + await shop.balance("vendor:cask") == -4 * 1500
    assert await shop.breaches() == []


async def test_a_part_is_stopped_after_we_bore_its_dispute(shop: Shop) -> None:
    order = await shop.paid(("bolt", "nut", 1000, 1))
    await shop.close_dispute(await shop.dispute(order.id), "lost")
    assert await shop.balance("losses") == -order.total
    await shop.cancel(order.id)
    await shop.run()
    assert await shop.balance("losses") == 0, "nothing was sent, so the vendor's hold is ours"
    assert [found.state for found in await shop.refunds(order.id)] == [RefundState.DISPUTED]
    assert await shop.breaches(settled=True) == []
    assert await shop.balance("clearing:stripe") == -shop.at_provider()
