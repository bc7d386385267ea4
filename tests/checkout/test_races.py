"""What happens between two lines: the API, a worker and a vendor meet at one order, in the worst order."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text, update

from hub.checkout.conclude import conclude
from hub.embedded.nkey import new_seed, public_of
from hub.inventory import promise
from hub.inventory.promise import Demand
from hub.kernel.money import Money
from hub.ops import invariants
from hub.orders import store
from hub.runtime import steps
from hub.runtime.steps import Outcome, Step, Verdict
from hub.vendors.admit import admit
from hub.vendors.model import Capability, NewVendor, ShippingOption
from hub.worker.deadlines import sweep
from tests.hub_api import ADDRESS, Api

PENDING = Outcome(verdict=Verdict.PENDING)
HELD = Outcome.ok(reference="pi_1", capture_before=None)


@pytest_asyncio.fixture(scope="module", autouse=True)
async def _vendors(api: Api) -> None:
    """Two vendors with whole spokes (cedar, delta) and one whose spoke only ships (echo); no worker sends them anything."""
    whole: list[Capability] = ["stock", "orders", "shipping"]
    spokes: dict[str, list[Capability]] = {"cedar": whole, "delta": whole, "echo": ["shipping"]}
    async with api.wiring.database.tx() as tx:
        for code, capabilities in spokes.items():
            standard = ShippingOption(code="standard", name="Standard", price=Money(amount=490, currency="EUR"), days=3)
            new = NewVendor(
                code=code,
                name=code.title(),
                country="DE",
                nkey_public=public_of(new_seed()),
                capabilities=capabilities,
                shipping_options=[standard],
            )
            api.keys[code] = (await admit(tx, new)).api_key or ""


async def quoted(api: Api, *lines: tuple[str, str]) -> dict[str, Any]:
    cart = await api.cart()
    for vendor, sku in lines:
        offer = await api.offer(sku, vendor=vendor, stock=1000)
        assert (await api("ada", "PUT", f"/v1/carts/{cart}/lines/{offer}", {"quantity": 1})).status_code == 200
    return (await api("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})).json()


async def placed(api: Api, *lines: tuple[str, str], **more: str) -> str:
    quote = await quoted(api, *lines)
    answer = await api("ada", "POST", "/v1/orders", {"quote_id": quote["id"], "payment_method": "pm_card_visa", **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def of(api: Api, order_id: str, kind: str) -> list[Step]:
    async with api.wiring.database.reading() as tx:
        return [step for step in await steps.of_saga(tx, order_id) if step.kind == kind]


async def sent(api: Api) -> None:
    """All that is due has gone out."""
    async with api.wiring.database.tx() as tx:
        await steps.claim(tx, per_target=1000, sending=True)


async def answer(api: Api, order_id: str, kind: str, outcome: Outcome | None = None) -> None:
    """Every open step of a kind is sent and answered so."""
    await sent(api)
    for step in await of(api, order_id, kind):
        if step.state == "open":
            async with api.wiring.database.tx() as tx:
                await conclude(tx, api.wiring.timing, step, outcome or Outcome.ok())


async def paid(api: Api, order_id: str) -> None:
    """Reserved, authorized, accepted and captured."""
    await answer(api, order_id, "stock.reserve")
    await answer(api, order_id, "payment.authorize", HELD)
    await answer(api, order_id, "orders.submit")
    for sub in (await order_of(api, order_id))["sub_orders"]:
        if sub["state"] == "routed":
            assert (await api(sub["vendor"], "POST", f"/v1/vendor/orders/{sub['id']}/accept")).status_code == 200


async def capture(api: Api, order_id: str) -> None:
    [step] = await of(api, order_id, "payment.capture")
    await answer(api, order_id, "payment.capture", Outcome.ok(charge=f"ch_{order_id}", amount=step.payload["amount"], fee=30, held=True))


async def order_of(api: Api, order_id: str) -> dict[str, Any]:
    return (await api("ada", "GET", f"/v1/orders/{order_id}")).json()


async def cancel(api: Api, order_id: str) -> int:
    return (await api("ada", "POST", f"/v1/orders/{order_id}/cancel")).status_code


async def lawful(api: Api) -> None:
    async with api.wiring.database.reading() as tx:
        assert await invariants.check(tx) == []


async def somebody_waits(api: Api) -> None:
    """Until some connection waits for a lock."""
    for _ in range(200):
        async with api.wiring.database.reading() as tx:
            if await tx.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                return
        await asyncio.sleep(0.02)
    raise AssertionError("nobody waits")


@pytest.mark.parametrize(
    ("stage", "undone_by"), [("stock.reserve", "stock.release"), ("payment.authorize", "payment.void"), ("orders.submit", "orders.recall")]
)
async def test_what_a_worker_claims_while_the_buyer_cancels_is_undone(api: Api, stage: str, undone_by: str) -> None:
    order_id = await placed(api, ("cedar", "mug"))
    if stage != "stock.reserve":
        await answer(api, order_id, "stock.reserve")
    if stage == "orders.submit":
        await answer(api, order_id, "payment.authorize", HELD)
    async with api.wiring.database.tx() as worker:
        claimed = await steps.claim(worker, per_target=1000, sending=True)
        assert stage in {step.kind for step in claimed if step.saga_id == order_id}
        canceling = asyncio.create_task(cancel(api, order_id))
        await somebody_waits(api)
    assert await canceling == 200
    [done] = await of(api, order_id, stage)
    assert done.attempt == 1
    assert [step.undoes for step in await of(api, order_id, undone_by)] == [done.id], "it was sent, so it must be undone"


async def test_what_a_vendor_still_thinks_about_is_recalled(api: Api) -> None:
    order_id = await placed(api, ("cedar", "mug"))
    await answer(api, order_id, "stock.reserve")
    await answer(api, order_id, "payment.authorize", HELD)
    await answer(api, order_id, "orders.submit", PENDING)
    assert await cancel(api, order_id) == 200
    assert len(await of(api, order_id, "orders.recall")) == 1


async def test_who_has_nothing_new_to_say_waits_for_nobody_at_the_order(api: Api) -> None:
    order_id = await placed(api, ("cedar", "mug"), ("delta", "book"))
    await paid(api, order_id)
    await capture(api, order_id)
    async with api.wiring.database.tx() as tx:
        await store.lock(tx, order_id)
        async with asyncio.timeout(5):
            await answer(api, order_id, "shipping.ship", PENDING)
    assert {step.verdict for step in await of(api, order_id, "shipping.ship")} == {"pending"}


async def test_nothing_new_changes_nothing_of_a_step_that_has_ended(api: Api) -> None:
    order_id = await placed(api, ("cedar", "mug"))
    await answer(api, order_id, "stock.reserve")
    [ended] = await of(api, order_id, "stock.reserve")
    async with api.wiring.database.tx() as tx:
        assert not await conclude(tx, api.wiring.timing, ended, PENDING)
    assert await of(api, order_id, "stock.reserve") == [ended]


async def test_what_is_canceled_while_it_is_captured_is_never_sent(api: Api) -> None:
    order_id = await placed(api, ("cedar", "mug"), ("delta", "book"))
    await paid(api, order_id)
    assert await cancel(api, order_id) == 200
    await capture(api, order_id)
    assert await of(api, order_id, "shipping.ship") == []
    assert (await order_of(api, order_id))["state"] == "canceled"
    assert len(await of(api, order_id, "orders.recall")) == len(await of(api, order_id, "payment.refund")) == 2
    await lawful(api)


async def test_what_nobody_was_told_to_ship_stops_at_once(api: Api) -> None:
    order_id = await placed(api, ("cedar", "mug"))
    await paid(api, order_id)
    await capture(api, order_id)
    assert await cancel(api, order_id) == 200
    assert [step.state for step in await of(api, order_id, "shipping.ship")] == ["canceled"]
    assert (await order_of(api, order_id))["state"] == "canceled"
    assert len(await of(api, order_id, "payment.refund")) == 1


async def test_what_a_spoke_without_recall_was_told_to_ship_is_not_refunded(api: Api) -> None:
    order_id = await placed(api, ("echo", "mug"))
    await paid(api, order_id)
    await capture(api, order_id)
    await sent(api)
    assert await cancel(api, order_id) == 409
    assert await of(api, order_id, "payment.refund") == []
    await answer(api, order_id, "shipping.ship", Outcome.ok(parcels=[{"carrier": "DHL", "tracking_number": "1"}]))
    assert (await order_of(api, order_id))["state"] == "shipped"


async def test_a_recall_that_is_given_up_can_be_asked_again(api: Api) -> None:
    order_id = await placed(api, ("cedar", "mug"))
    await paid(api, order_id)
    await capture(api, order_id)
    await sent(api)
    for outcome in (Outcome.dead("attempts"), Outcome.ok()):
        assert await cancel(api, order_id) == 200
        await answer(api, order_id, "orders.recall", outcome)
    assert (await order_of(api, order_id))["state"] == "canceled"


async def test_a_recalls_reason_is_a_word_the_vendor_can_read(api: Api) -> None:
    order_id = await placed(api, ("cedar", "mug"))
    await answer(api, order_id, "stock.reserve")
    await answer(api, order_id, "payment.authorize", HELD)
    await answer(api, order_id, "orders.submit", Outcome.dead("HTTP 502!"))
    [recall] = await of(api, order_id, "orders.recall")
    assert recall.payload["reason"] == "canceled"


@pytest.mark.parametrize("shortage", [False, True])
async def test_an_order_that_falls_and_one_that_is_placed_do_not_deadlock(api: Api, *, shortage: bool) -> None:
    first, last = await api.offer("early", vendor="cedar", stock=1000), await api.offer("late", vendor="delta", stock=1000)
    assert first < last
    order_id = await placed(api, ("delta", "late"), ("cedar", "early"), on_shortage="cancel")
    step = next(step for step in await of(api, order_id, "stock.reserve") if step.target == "delta")

    async def fall() -> None:
        if not shortage:
            assert await cancel(api, order_id) == 200
            return
        async with api.wiring.database.tx() as tx:
            await conclude(tx, api.wiring.timing, step, Outcome.refused("out_of_stock"))

    async with api.wiring.database.tx() as placing:
        await promise.promise(placing, [Demand(first, 1)])
        falling = asyncio.create_task(fall())
        await somebody_waits(api)
        await promise.promise(placing, [Demand(last, 1)])
        await promise.withdraw(placing, [Demand(first, 1), Demand(last, 1)])
    await falling
    assert (await order_of(api, order_id))["state"] in {"canceled", "declined"}


async def test_a_vendor_suspended_since_the_quote_sells_nothing(api: Api) -> None:
    quote = await quoted(api, ("bolt", "mug"))
    assert (await api("olga", "POST", "/v1/admin/vendors/bolt/suspend", {"reason": "fraud"})).status_code == 200
    answer = await api("ada", "POST", "/v1/orders", {"quote_id": quote["id"], "payment_method": "pm_card_visa"})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/offer_unavailable")
    assert (await api("olga", "POST", "/v1/admin/vendors/bolt/activate", {"reason": "cleared"})).status_code == 200


async def late(api: Api, step_id: str, **values: object) -> None:
    async with api.wiring.database.tx() as tx:
        await tx.execute(text("UPDATE steps SET created_at = now() - interval '2 days', deadline = now() - interval '1 day'"))
        await tx.execute(update(steps.steps).where(steps.steps.c.id == step_id).values(due_at=text("now() - interval '3 days'"), **values))


async def test_what_was_never_sent_is_not_late(api: Api) -> None:
    """The broker was away for longer than the vendor's whole time."""
    order_id = await placed(api, ("cedar", "mug"))
    [step] = await of(api, order_id, "stock.reserve")
    await late(api, step.id)
    await sweep(api.wiring)
    assert (await of(api, order_id, "stock.reserve"))[0].state == "open"
    await sent(api)
    await sweep(api.wiring)
    assert (await of(api, order_id, "stock.reserve"))[0].state == "open"
    await late(api, step.id)
    await sweep(api.wiring, hearing=False)
    assert (await of(api, order_id, "stock.reserve"))[0].state == "open", "it may have been answered, and nobody heard it yet"
    await sweep(api.wiring)
    assert (await of(api, order_id, "stock.reserve"))[0].state == "dead"


async def test_one_step_that_cannot_be_ended_does_not_keep_the_others(api: Api) -> None:
    order_id = await placed(api, ("cedar", "mug"))
    await sent(api)
    async with api.wiring.database.tx() as tx:
        new = steps.NewStep(kind="orders.submit", target="cedar", saga_id="ord_nowhere", subject_id="sub_nowhere", payload={}, deadline=1)
        [hopeless] = await steps.add(tx, new)
    await late(api, hopeless, attempt=1)
    await sweep(api.wiring)
    assert (await of(api, order_id, "stock.reserve"))[0].state == "dead"
    async with api.wiring.database.tx() as tx:
        assert await steps.end(tx, hopeless, Outcome.ok())


async def test_money_is_asked_for_until_there_is_an_answer(api: Api) -> None:
    """The payment provider was away for hours: a capture is not given up, but an operator hears of it, once."""
    order_id = await placed(api, ("cedar", "mug"))
    await paid(api, order_id)
    [step] = await of(api, order_id, "payment.capture")
    for attempt in (50, 51, 52):
        async with api.wiring.database.tx() as tx:
            mine = update(steps.steps).where(steps.steps.c.id == step.id)
            await tx.execute(mine.values(attempt=attempt, due_at=text("now() - interval '1 second'")))
        await sweep(api.wiring)
    letters = (await api("olga", "GET", "/v1/admin/dead-letters")).json()["data"]
    assert [letter["kind"] for letter in letters if letter["saga_id"] == order_id] == ["payment.capture"]
    await capture(api, order_id)
    async with api.wiring.database.reading() as tx:
        assert (await store.load(tx, order_id)).course == "finished"
