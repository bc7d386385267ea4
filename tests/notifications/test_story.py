"""An order's way as its vendor's own system hears of it, from a real hub; and a worker that is killed while it tells."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest_asyncio
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook

from tests.notifications.desk import Receiver
from tests.world import ALL, Building, World

PATH = "/v1/vendor/webhook-endpoints"


@pytest_asyncio.fixture(scope="module")
async def world(database_url: str, scratch: Path) -> AsyncGenerator[World]:
    """Acme has a spoke, dora works by hand."""
    more = {"notifications__allow_private": "true"}
    async with Building(database_url, scratch / "webhooks-world", {"acme": ALL, "dora": ()}, **more) as built:
        yield built


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


async def registered(world: World, vendor: str, receiver: Receiver, **more: Any) -> str:
    """An endpoint's secret."""
    answer = await world(vendor, "POST", PATH, {"url": receiver.url(f"/{vendor}"), **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["secrets"][0]["secret"]


async def until(true: Callable[[], bool]) -> None:
    for _ in range(800):
        if true():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came true")


async def heard(receiver: Receiver, path: str, *types: str) -> list[str]:
    """What has come for a path, once all of these have."""
    await until(lambda: set(types) <= {message.type for message in receiver.at(path)})
    return [message.type for message in receiver.at(path)]


async def acted(world: World, path: str, body: Any) -> bool:
    """Whether dora may do this, as soon as the buyer's money is there."""
    for _ in range(200):
        if (await world("dora", "POST", path, body)).is_success:
            return True
        await asyncio.sleep(0.1)
    return False


async def test_each_vendor_hears_of_its_part_and_of_its_money(world: World, receiver: Receiver) -> None:
    secret = await registered(world, "acme", receiver)
    await registered(world, "dora", receiver, payload="thin")
    placed = await world.place(("acme", "mug", 2), ("dora", "rug", 1))
    await heard(receiver, "/dora", "order.routed")
    part = next(sub for sub in (await world("ada", "GET", f"/v1/orders/{placed['id']}")).json()["sub_orders"] if sub["vendor"] == "dora")
    for act in ("accept", "shipments", "delivery"):
        body = {"parcels": [{"carrier": "post", "tracking_number": "1"}]} if act == "shipments" else None
        assert await acted(world, f"/v1/vendor/orders/{part['id']}/{act}", body)
    await world.until(placed["id"], "completed")
    way = ["order.placed", "order.routed", "order.accepted", "order.shipped", "order.delivered", "transfer.sent"]
    assert await heard(receiver, "/acme", *way) == way
    assert await heard(receiver, "/dora", *way) == way
    for message in receiver.at("/acme"):
        data = Webhook(secret).verify(message.body, message.headers)["data"]
        assert data["object"]["id"] == data["id"]
        assert len(message.body) < 20_000
    full = receiver.at("/acme")[0].json["data"]
    assert (full["order_id"], full["object"]["lines"][0]["quantity"]) == (placed["id"], 2)
    assert all("object" not in message.json["data"] for message in receiver.at("/dora"))
    assert await world.breaches() == []


@asynccontextmanager
async def worker(world: World) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A worker in a process of its own, killed at the end."""
    s = world.wiring.settings
    ours = {
        "DATABASE__URL": s.database.address(),
        "NATS__URL": s.nats.url,
        "NATS__NKEY_SEED": s.nats.nkey_seed,
        "STRIPE__BASE_URL": s.stripe.base_url,
        "STRIPE__API_KEY": s.stripe.api_key,
        "NOTIFICATIONS__ALLOW_PRIVATE": "true",
    }
    environment = dict(os.environ) | {f"WHEELWRIGHT__{name}": value for name, value in ours.items()}
    with (world.data / "worker.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "hub.cli", "worker", env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_worker_killed_while_it_tells_loses_nothing(world: World, receiver: Receiver) -> None:
    await world.worker.stop()
    await registered(world, "dora", receiver, types=["vendor.updated"], description="killed")
    receiver.stuck.add("/dora")
    because = {"reason": "a look into the books"}
    async with worker(world) as dying:
        await world("olga", "POST", "/v1/admin/vendors/dora/suspend", because)
        async with asyncio.timeout(30):
            await receiver.told("/dora")
        dying.kill()
        await dying.wait()
    await world("olga", "POST", "/v1/admin/vendors/dora/activate", because)
    receiver.stuck.clear()
    async with world.wiring.database.tx() as tx:
        await tx.execute(text("UPDATE webhook_deliveries SET due_at = now(), leased_until = now() WHERE leased_until IS NOT NULL"))
    async with worker(world):
        await until(lambda: any(message.json["data"]["change"] == "activate" for message in receiver.came))
    first = [message.headers["webhook-id"] for message in receiver.came if message.json["data"]["change"] == "suspend"]
    assert [message.json["data"]["change"] for message in receiver.came] == ["suspend", "suspend", "activate"]
    assert len(first) == 2
    assert first[0] == first[1], "sent again, under the same id"
