"""A vendor without any system works through the client, over real HTTP, while its spoke answers over NATS."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from hub.app import create_app
from tests.served import served
from tests.world import ALL, Building, World
from vendor_sdk.client import AsyncClient, Client
from vendor_sdk.client.answers.orders import Order
from vendor_sdk.client.connection import Patience
from vendor_sdk.client.errors import Conflict, NotFound
from vendor_sdk.messages import Parcel, Shortfall

BOX = Parcel(carrier="DHL", tracking_number="JD01")


@pytest_asyncio.fixture(scope="module")
async def world(database_url: str, scratch: Path) -> AsyncGenerator[World]:
    """One vendor with a dummy spoke (acme), and hal, who is to be hosted."""
    async with Building(database_url, scratch / "hosted", {"acme": ALL, "hal": ALL}) as built:
        yield built


@pytest_asyncio.fixture(scope="module")
async def url(world: World) -> AsyncGenerator[str]:
    """The hub's address; from now on hal's spoke is the hosted one."""
    async with served(create_app(world.wiring)) as address:
        folder = world.data / "spokes"
        (folder / "hal.key").write_text(world.keys["hal"])
        config = f'[config]\nbase_url = "{address}"\napi_key_file = "{folder / "hal.key"}"\n'
        nats = f'adapter = "hosted"\n[nats]\nurl = "{world.nats.url}"\nseed_file = "hal.nk"\n'
        (folder / "hal.toml").write_text(nats + config)
        await world.fleet.scan()
        yield address


@pytest_asyncio.fixture
async def hal(url: str, world: World) -> AsyncGenerator[AsyncClient]:
    """Who works by hand."""
    async with AsyncClient(url, world.keys["hal"], patience=Patience(first_pause=0.05)) as client:
        yield client


async def awaited(client: AsyncClient, order_id: str, answer: str) -> Order:
    """The part of an order once it waits for this of its vendor."""
    for _ in range(400):
        async for order in client.orders.all():
            if order.order_id == order_id and order.awaits is not None and order.awaits.answer == answer:
                return order
        await asyncio.sleep(0.05)
    raise AssertionError([order async for order in client.orders.all() if order.order_id == order_id])


async def test_an_order_is_accepted_in_part_shipped_and_delivered(hal: AsyncClient, world: World) -> None:
    placed = await world.place(("hal", "cup", 3), on_shortage="partial")
    order = await awaited(hal, placed["id"], "acceptance")
    assert order.awaits is not None
    assert order.awaits.by == order.accept_by is not None
    assert [each.id async for each in hal.orders.all(state="routed", due_within=366 * 86_400)] == [order.id]
    taken = await hal.orders.accept(order.id, short=[Shortfall(sku="cup", quantity=1, reason="damaged")])
    assert [line.quantity for line in taken.lines] == [2]
    order = await awaited(hal, placed["id"], "shipment")
    assert (await hal.orders.ship(order.id, [BOX])).state == "shipped"
    assert (await hal.orders.deliver(order.id)).state == "delivered"
    done = await world.until(placed["id"], "completed")
    assert {(part["state"], part["lines"][0]["quantity"]) for part in done["sub_orders"]} == {("settled", 2), ("declined", 1)}
    assert done["payment"]["captured"]["amount"] == order.total.amount
    assert (await hal.offers.get("cup")).stock == 1000 - 2, "the hub keeps the stock"
    await world.settled(placed["id"])
    assert await world.breaches() == []


async def test_an_order_is_declined_by_who_blocks(hal: AsyncClient, url: str, world: World) -> None:
    placed = await world.place(("hal", "jug", 1))
    order = await awaited(hal, placed["id"], "acceptance")
    with Client(url, world.keys["hal"]) as client:
        declined = await asyncio.to_thread(client.orders.decline, order.id, "out_of_stock", "the last one broke")
        assert (declined.state, declined.awaits) == ("declined", None)
        mine = await asyncio.to_thread(lambda: [each.id for each in client.orders.all(state="declined")])
        assert order.id in mine
    await world.until(placed["id"], "declined")
    await world.settled(placed["id"])
    assert (await hal.offers.get("jug")).stock == 1000
    assert await world.breaches() == []


async def test_a_buyer_who_cancels_gets_the_money_back_and_the_vendor_is_too_late(hal: AsyncClient, world: World) -> None:
    placed = await world.place(("hal", "cup", 1))
    await hal.orders.accept((await awaited(hal, placed["id"], "acceptance")).id)
    order = await awaited(hal, placed["id"], "shipment")
    await until_sent(world, placed["id"])
    assert (await world("ada", "POST", f"/v1/orders/{placed['id']}/cancel")).status_code == 200
    canceled = await world.until(placed["id"], "canceled")
    await world.settled(placed["id"])
    with pytest.raises(Conflict) as late:
        await hal.orders.ship(order.id, [BOX])
    assert (late.value.code, late.value.state) == ("not_awaited", "canceled")
    assert (await world("ada", "GET", f"/v1/orders/{canceled['id']}")).json()["payment"]["refunded"]["amount"] == order.total.amount
    assert "sub_order.recall" in await world.story(placed["id"]), "the vendor's spoke was asked"
    assert await world.breaches() == []


async def until_sent(world: World, order_id: str) -> None:
    """The spoke has been told to ship: canceling has to ask it."""
    from hub.runtime import steps

    for _ in range(400):
        async with world.wiring.database.reading() as tx:
            if any(step.kind == "shipping.ship" and step.attempt for step in await steps.of_saga(tx, order_id)):
                return
        await asyncio.sleep(0.05)
    raise AssertionError("nobody was told to ship")


async def test_a_shipment_and_a_cancellation_at_once_end_in_one_of_the_two(hal: AsyncClient, world: World) -> None:
    placed = await world.place(("hal", "cup", 1))
    await hal.orders.accept((await awaited(hal, placed["id"], "acceptance")).id)
    order = await awaited(hal, placed["id"], "shipment")
    await until_sent(world, placed["id"])

    async def ship() -> str:
        try:
            return (await hal.orders.ship(order.id, [BOX])).state
        except Conflict as error:
            return error.state or ""

    shipped, _ = await asyncio.gather(ship(), world("ada", "POST", f"/v1/orders/{placed['id']}/cancel"))
    assert shipped in {"shipped", "canceled"}
    if shipped == "shipped":
        await hal.orders.deliver(order.id)
    end = await world.until(placed["id"], "completed" if shipped == "shipped" else "canceled")
    await world.settled(end["id"])
    after = (await world("ada", "GET", f"/v1/orders/{placed['id']}")).json()
    assert after["payment"]["refunded"]["amount"] == (0 if shipped == "shipped" else order.total.amount)
    assert await world.breaches() == []


async def test_ten_who_accept_at_once_accept_once(hal: AsyncClient, world: World) -> None:
    placed = await world.place(("hal", "cup", 1))
    order = await awaited(hal, placed["id"], "acceptance")

    async def accept(key: str | None) -> str:
        try:
            return (await hal.orders.accept(order.id, key=key)).state
        except Conflict as error:
            return error.code

    said = await asyncio.gather(*(accept("one-key") for _ in range(5)), *(accept(None) for _ in range(5)))
    assert set(said) <= {"accepted", "not_awaited"}
    assert said.count("accepted") in {1, 5}, "one key, one answer"
    assert (await world.story(placed["id"])).count("sub_order.accept") == 1
    order = await awaited(hal, placed["id"], "shipment")
    await hal.orders.ship(order.id, [BOX])
    await hal.orders.deliver(order.id)
    await world.until(placed["id"], "completed")


async def test_nobody_sees_or_moves_anothers(hal: AsyncClient, url: str, world: World) -> None:
    placed = await world.place(("hal", "cup", 1))
    order = await awaited(hal, placed["id"], "acceptance")
    async with AsyncClient(url, world.keys["acme"]) as acme:
        tries: list[Callable[[], object]] = [
            lambda: acme.orders.get(order.id),
            lambda: acme.orders.accept(order.id),
            lambda: acme.orders.decline(order.id, "out_of_stock"),
            lambda: acme.orders.ship(order.id, [BOX]),
            lambda: acme.orders.stop(order.id),
        ]
        for attempt in tries:
            with pytest.raises(NotFound):
                await attempt()  # pyright: ignore[reportGeneralTypeIssues]  # each is awaited
        assert order.id not in [each.id async for each in acme.orders.all()]
    await hal.orders.decline(order.id, "out_of_stock")
