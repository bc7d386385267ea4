"""One vendor declines, one accepts two of three, one keeps silent: every line ends at another vendor, partly delivered or not charged."""

from typing import Any

from sqlalchemy import text

from tests.world import World

LINES = (("acme", "declined", 1), ("bolt", "few", 3), ("cedar", "pending", 1))


async def its_time_is_over(world: World, vendor: str) -> None:
    """A vendor has had its day to answer."""
    late = text("UPDATE steps SET deadline = now() WHERE target = :vendor AND kind = 'orders.submit' AND state = 'open'")
    async with world.wiring.database.tx() as tx:
        await tx.execute(late, {"vendor": vendor})


def ends(order: dict[str, Any]) -> set[tuple[str, str, int]]:
    """(vendor, state, units) of every part."""
    return {(sub["vendor"], sub["state"], sum(line["quantity"] for line in sub["lines"])) for sub in order["sub_orders"]}


async def placed(world: World, **consent: Any) -> dict[str, Any]:
    order = await world.place(*LINES, **consent)
    await world.until(order["id"], "routed")
    for _ in range(100):
        story = await world.story(order["id"])
        if story.count("sub_order.decline") >= 2:  # acme's part, and what bolt does not take on
            break
    await its_time_is_over(world, "cedar")
    return order


async def test_with_consent_others_deliver_what_they_can(world: World) -> None:
    await world.also("bolt", LINES[0][:2], 1000)
    await world.also("cedar", LINES[1][:2], 500)  # with a parcel of its own, still less than the unit was
    await world.also("acme", LINES[2][:2], 1050)
    order = await placed(world, on_shortage="reroute")
    order = await world.until(order["id"], "completed", seconds=40)
    await world.settled(order["id"])
    assert ends(order) == {
        ("acme", "declined", 1),
        ("bolt", "settled", 1),
        ("bolt", "settled", 2),
        ("bolt", "declined", 1),
        ("cedar", "settled", 1),
        ("cedar", "declined", 1),
        ("acme", "settled", 1),
    }
    standing = sum(sub["total"]["amount"] for sub in order["sub_orders"] if sub["state"] == "settled")
    assert order["payment"]["captured"]["amount"] == order["payable"]["amount"] == standing <= order["total"]["amount"]
    for sub in order["sub_orders"]:
        if sub["replaces"]:
            assert sub["total"]["amount"] <= sub["was"]["amount"], "nothing costs the buyer more than it agreed to"
    assert await world.breaches() == []


async def test_without_consent_the_buyer_pays_what_its_own_vendors_deliver(world: World) -> None:
    order = await placed(world)
    order = await world.until(order["id"], "completed", seconds=40)
    await world.settled(order["id"])
    assert ends(order) == {("acme", "declined", 1), ("bolt", "settled", 2), ("bolt", "declined", 1), ("cedar", "declined", 1)}
    assert order["payment"]["captured"]["amount"] == 2 * 1000 + 490
    assert await world.breaches() == []
