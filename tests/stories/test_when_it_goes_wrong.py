"""What happens when a vendor, the card or the buyer says no."""

import asyncio
from typing import Any

from sqlalchemy import text

from tests.world import World


def parts(order: dict[str, Any]) -> dict[str, str]:
    return {sub["vendor"]: sub["state"] for sub in order["sub_orders"]}


async def test_a_part_its_vendor_declines_is_not_charged(world: World) -> None:
    placed = await world.place(("acme", "mug", 1), ("bolt", "declined", 1))
    order = await world.until(placed["id"], "completed")
    assert parts(order) == {"acme": "settled", "bolt": "declined"}
    assert order["sub_orders"][1]["reason"] == "discontinued"
    assert order["payment"]["captured"]["amount"] == 1490
    await world.settled(order["id"])
    assert await world.breaches() == []


async def test_a_part_that_cannot_be_reserved_falls_out_before_payment(world: World) -> None:
    placed = await world.place(("acme", "mug", 1), ("bolt", "refused", 1))
    order = await world.until(placed["id"], "completed")
    assert parts(order) == {"acme": "settled", "bolt": "declined"}
    assert order["payment"]["amount"] == order["payment"]["captured"] == {"amount": 1490, "currency": "EUR"}


async def test_with_on_shortage_cancel_one_decline_ends_the_order(world: World) -> None:
    placed = await world.place(("acme", "mug", 1), ("bolt", "declined", 1), on_shortage="cancel")
    order = await world.until(placed["id"], "canceled")
    await world.settled(order["id"])
    order = await world.until(placed["id"], "canceled")
    assert parts(order) == {"acme": "canceled", "bolt": "declined"}
    assert order["payment"]["state"] == "voided"
    assert await world.breaches() == []


async def test_a_declined_card_releases_everything(world: World) -> None:
    placed = await world.place(("acme", "mug", 1), ("bolt", "book", 1), payment_method="pm_card_chargeDeclined")
    order = await world.until(placed["id"], "canceled")
    assert order["payment"]["state"] == "declined"
    assert {sub["reason"] for sub in order["sub_orders"]} == {"payment_declined"}
    await world.settled(order["id"])
    async with world.wiring.database.reading() as tx:
        from hub.runtime import steps

        kinds = sorted(step.kind for step in await steps.of_saga(tx, order["id"]) if step.undoes)
    assert kinds == ["stock.release", "stock.release"]
    assert await world.breaches() == []


async def test_an_order_all_of_whose_parts_are_declined_is_declined(world: World) -> None:
    placed = await world.place(("bolt", "declined", 1), ("cedar", "refused", 1))
    order = await world.until(placed["id"], "declined")
    await world.settled(order["id"])
    assert (await world.until(placed["id"], "declined"))["payment"]["state"] == "voided"
    assert await world.breaches() == []


async def test_a_silent_vendor_is_given_up_at_its_deadline_and_kept_for_triage(world: World) -> None:
    placed = await world.place(("acme", "mug", 1), ("bolt", "silent", 1))
    order = await world.until(placed["id"], "completed", seconds=30)
    assert parts(order) == {"acme": "settled", "bolt": "declined"}
    letters = (await world("olga", "GET", "/v1/admin/dead-letters")).json()["data"]
    mine = [letter for letter in letters if letter["saga_id"] == placed["id"]]
    assert [(letter["kind"], letter["target"]) for letter in mine] == [("stock.reserve", "bolt")]


async def test_a_permanent_error_is_a_dead_letter_at_once_and_decides_nothing_before_its_time(world: World) -> None:
    placed = await world.place(("acme", "mug", 1), ("bolt", "unsupported", 1))
    letters: list[Any] = []
    for _ in range(200):
        letters = (await world("olga", "GET", f"/v1/admin/dead-letters?order={placed['id']}")).json()["data"]
        if letters:
            break
        await asyncio.sleep(0.05)
    assert [(letter["kind"], letter["reason"], letter["state"]) for letter in letters] == [("orders.submit", "unsupported", "open")]
    one = (await world("olga", "GET", f"/v1/admin/dead-letters/{letters[0]['id']}")).json()
    assert letters[0].items() <= one.items()
    assert (one["at_risk"], one["failures"][0]["attempt"]) == ({"amount": 1490, "currency": "EUR"}, 1)
    assert parts(await world.until(placed["id"], "routed"))["bolt"] == "routed"
    async with world.wiring.database.tx() as tx:
        late = text("UPDATE steps SET deadline = now() WHERE saga_id = :order AND target = 'bolt' AND state = 'open'")
        await tx.execute(late, {"order": placed["id"]})
    order = await world.until(placed["id"], "completed", seconds=15)
    assert parts(order)["bolt"] == "declined"


async def test_a_buyer_cancels_while_a_vendor_thinks(world: World) -> None:
    placed = await world.place(("acme", "mug", 1), ("bolt", "pending", 1))
    await world.until(placed["id"], "routed")
    answer = await world("ada", "POST", f"/v1/orders/{placed['id']}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "canceled")
    await world.settled(placed["id"])
    order = await world.until(placed["id"], "canceled")
    assert order["payment"]["state"] == "voided"
    again = await world("ada", "POST", f"/v1/orders/{placed['id']}/cancel")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/not_cancelable")
    assert await world.breaches() == []


async def test_a_buyer_cancels_what_is_paid_and_not_shipped_and_is_refunded(world: World) -> None:
    placed = await world.place(("acme", "mug", 1), ("bolt", "slow-boat", 1))
    order = await world.until(placed["id"], "partially_shipped", "partially_delivered")
    answer = await world("ada", "POST", f"/v1/orders/{placed['id']}/cancel")
    assert answer.status_code == 200, answer.text
    order = await world.until(placed["id"], "completed")
    await world.settled(order["id"])
    order = await world.until(placed["id"], "completed")
    assert parts(order) == {"acme": "settled", "bolt": "canceled"}
    assert order["payment"]["refunded"]["amount"] == 1490
    assert await world.breaches() == []


async def test_nobody_cancels_another_buyers_order(world: World) -> None:
    placed = await world.place(("acme", "mug", 1))
    assert (await world("bob", "POST", f"/v1/orders/{placed['id']}/cancel")).status_code == 404
    assert (await world("bob", "GET", f"/v1/orders/{placed['id']}")).status_code == 404
    await world.until(placed["id"], "completed")


async def test_a_vendor_without_a_spoke_works_by_hand(world: World) -> None:
    placed = await world.place(("dora", "vase", 2))
    await world.until(placed["id"], "routed")
    mine = (await world("dora", "GET", "/v1/vendor/orders")).json()["data"]
    sub = next(row for row in mine if row["order_id"] == placed["id"])
    assert sub["commission"]["amount"] == 200
    early = await world(
        "dora", "POST", f"/v1/vendor/orders/{sub['id']}/shipments", {"parcels": [{"carrier": "DHL", "tracking_number": "1"}]}
    )
    assert (early.status_code, early.json()["type"]) == (409, "/problems/not_awaited")
    assert (await world("acme", "POST", f"/v1/vendor/orders/{sub['id']}/accept")).status_code == 404
    assert (await world("dora", "POST", f"/v1/vendor/orders/{sub['id']}/accept")).json()["state"] == "accepted"
    parcels = {"parcels": [{"carrier": "DHL", "tracking_number": "JD01"}]}
    assert (await world("ada", "GET", f"/v1/orders/{placed['id']}", prefer="wait=10")).json()["course"] == "finished"
    shipped = await world("dora", "POST", f"/v1/vendor/orders/{sub['id']}/shipments", parcels)
    assert (shipped.status_code, shipped.json()["state"]) == (201, "shipped")
    assert (await world("dora", "POST", f"/v1/vendor/orders/{sub['id']}/delivery")).json()["state"] == "delivered"
    order = await world.until(placed["id"], "completed")
    assert order["sub_orders"][0]["parcels"] == parcels["parcels"]
    assert await world.breaches() == []


async def test_a_vendor_declines_by_hand(world: World) -> None:
    placed = await world.place(("dora", "vase", 1))
    order = await world.until(placed["id"], "routed")
    sub = order["sub_orders"][0]["id"]
    wrong = await world("dora", "POST", f"/v1/vendor/orders/{sub}/decline", {"reason": "No Way"})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "/reason")
    declined = await world("dora", "POST", f"/v1/vendor/orders/{sub}/decline", {"reason": "out_of_stock"})
    assert declined.json()["state"] == "declined"
    order = await world.until(placed["id"], "declined")
    await world.settled(order["id"])
    assert await world.breaches() == []


async def test_a_vendor_who_answers_everything_twice_changes_nothing_twice(world: World) -> None:
    placed = await world.place(("acme", "twice", 1))
    order = await world.until(placed["id"], "completed")
    story = await world.story(order["id"])
    assert len(story) == len(set(story)) + story.count("order.roll_up") - 1
    assert await world.breaches() == []
