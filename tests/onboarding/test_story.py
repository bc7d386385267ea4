"""A vendor's whole way: invited, onboarding, in review, active, served over its own account, keys changed under load, away, gone."""

import asyncio
import time
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import nats
import pytest_asyncio
from nats.aio.client import Client
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from hub.embedded.doorkeeper import Doorkeeper
from hub.embedded.nats_config import BrokerUser, nats_config
from hub.embedded.nkey import public_of
from hub.runtime.callers import Callers
from tests.onboarding.conftest import OPTIONS, TAX, VERSION, passed
from tests.problem import problem
from tests.sandbox.controls import turn
from tests.world import ALL, Building, World

CODE = "fern"
REPORT = {
    "adapter": "dummy",
    "sdk_version": "1",
    "levels": passed("wire", "stock", "orders", "shipping"),
    "made_at": "2026-01-01T00:00:00Z",
}
CONNECT_SECONDS = 10.0
"""Much more than it takes (below a second on a quiet machine)."""


@pytest_asyncio.fixture(scope="module")
async def world(database_url: str, scratch: Path) -> AsyncGenerator[World]:
    """A marketplace with one vendor, on a broker with a doorkeeper."""
    async with Building(database_url, scratch / "story", {"bolt": ALL}, orders__reserve_seconds="20") as built:
        yield built


@pytest_asyncio.fixture(scope="module")
async def door(world: World, database_url: str) -> AsyncGenerator[Doorkeeper]:
    """Lets vendors in and out, as `hub run` does every second."""
    seeds = world.building_seeds
    hub, system = (BrokerUser(nkey=public_of(seeds[name])) for name in ("hub", "system"))
    engine = create_async_engine(database_url)
    text_of = partial(nats_config, hub=hub, system=system)
    yield Doorkeeper(world.nats, engine, None, text_of, system_seed=seeds["system"], tell=lambda _: None)
    await engine.dispose()


async def ok(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


async def until_met(world: World, name: str, seconds: float = 60) -> None:
    """Wait until a requirement is met by itself."""
    async with asyncio.timeout(seconds):
        while True:
            seen = await ok(await world(CODE, "GET", "/v1/vendor/onboarding"))
            if name not in seen["missing"]:
                return
            await asyncio.sleep(0.1)


async def run_spoke(world: World, seed: str) -> None:
    """Run the vendor's spoke with this seed, instead of the one that ran with another."""
    folder = world.data / "spokes"
    (folder / f"{CODE}.nk").write_text(seed)
    nats_table = f'[nats]\nurl = "{world.nats.url}"\nseed_file = "{CODE}.nk"\n'
    settings = f'adapter = "dummy"\n{nats_table}[config]\ndeliver_after = 0.1\n# {public_of(seed)}\n'
    (folder / f"{CODE}.toml").write_text(settings)
    await world.fleet.scan()


async def its_bank_has_it(world: World) -> None:
    """Days pass at the provider, and it is asked what has happened meanwhile."""
    await turn(None, "advance", {"seconds": 3 * 86_400}, base=world.wiring.settings.stripe.base_url)
    async with world.wiring.database.tx() as tx:
        await tx.execute(text("UPDATE provider_cursors SET due_at = now()"))


async def enter(world: World, seed: str) -> Client:
    return await nats.connect(world.nats.url, nkeys_seed_str=seed, allow_reconnect=False)  # pyright: ignore[reportUnknownMemberType] - nats-py


async def test_the_way_in(world: World, door: Doorkeeper):
    new = {"code": CODE, "name": "Fern", "country": "DE", "email": "jo@fern.example"}
    token = (await ok(await world("olga", "POST", "/v1/admin/vendor-invitations", new)))["token"]
    begun = time.monotonic()
    body = {"token": token, "shipping_options": OPTIONS, "capabilities": list(ALL)}
    joined = await ok(await world.http.post("/v1/vendor-invitations/accept", json=body))
    world.keys[CODE], world.seeds[CODE] = joined["api_key"], joined["nkey_seed"]
    await door.look()
    client = await enter(world, world.seeds[CODE])
    assert time.monotonic() - begun < CONNECT_SECONDS
    await client.close()
    problem(await world(CODE, "POST", "/v1/vendor/onboarding/submit", {}), 409, "requirements_missing")
    await ok(await world(CODE, "PUT", "/v1/vendor/onboarding/terms/terms", {"version": VERSION, "who": "Jo Fern, owner"}))
    await ok(await world(CODE, "PUT", "/v1/vendor/onboarding/tax", TAX))
    await ok(await world(CODE, "PUT", "/v1/vendor/onboarding/channel", {"channel": "adapter", "adapter": "dummy"}))
    await ok(await world(CODE, "POST", "/v1/vendor/onboarding/certificates", REPORT))
    await until_met(world, "identity")
    await ok(await world(CODE, "POST", "/v1/vendor/onboarding/submit", {}))
    offer = await world.offer(CODE, "mug")
    cart = (await ok(await world("ada", "POST", "/v1/carts", {})))["id"]
    problem(await world("ada", "PUT", f"/v1/carts/{cart}/lines/{offer}", {"quantity": 1}), 409, "offer_unavailable")
    await ok(await world("olga", "POST", f"/v1/admin/vendors/{CODE}/onboarding/approve", {"reason": "welcome"}))
    await run_spoke(world, world.seeds[CODE])
    placed = await world.place((CODE, "mug", 1), ("bolt", "mug", 1))
    await world.until(placed["id"], "completed")


async def test_keys_change_over_under_load(world: World, door: Doorkeeper):
    old = world.seeds[CODE]
    watching = await enter(world, old)
    orders = [await world.place((CODE, "mug", 1)) for _ in range(3)]
    renewed = await ok(await world(CODE, "POST", "/v1/vendor/nkeys", {"overlap_seconds": 600}))
    key = await ok(await world(CODE, "POST", "/v1/vendor/keys", {"name": "second"}))
    await door.look()
    orders += [await world.place((CODE, "mug", 1)) for _ in range(3)]
    for placed in orders:
        await world.until(placed["id"], "completed", seconds=40)
    await run_spoke(world, renewed["seed"])
    orders = [await world.place((CODE, "mug", 1)) for _ in range(3)]
    assert not watching.is_closed
    revoked = await ok(await world(CODE, "POST", f"/v1/vendor/nkeys/{public_of(old)}/revoke"))
    assert [each["nkey_public"] for each in revoked["data"]] == [renewed["nkey_public"]]
    await door.look()
    orders += [await world.place((CODE, "mug", 1)) for _ in range(3)]
    async with asyncio.timeout(5):
        while not watching.is_closed:  # noqa: ASYNC110  # a closed connection has no event
            await asyncio.sleep(0.02)
    world.keys[CODE], world.seeds[CODE] = key["api_key"], renewed["seed"]
    for placed in orders:
        await world.until(placed["id"], "completed", seconds=40)
    assert await world.breaches() == []


async def test_away_nothing_is_sold_and_what_is_ordered_goes_on(world: World):
    placed = await world.place((CODE, "mug", 1))
    async with world.wiring.database.reading() as tx:
        now = await tx.now()
    away = {"ends": now.replace(year=now.year + 1, day=1).isoformat()}
    assert (await ok(await world(CODE, "PUT", "/v1/vendor/vacation", away)))["on_vacation"]
    cart = (await ok(await world("ada", "POST", "/v1/carts", {})))["id"]
    line = f"/v1/carts/{cart}/lines/{await world.offer(CODE, 'mug')}"
    problem(await world("ada", "PUT", line, {"quantity": 1}), 409, "offer_unavailable")
    await world.until(placed["id"], "completed")
    await ok(await world(CODE, "DELETE", "/v1/vendor/vacation"))
    await ok(await world("ada", "PUT", line, {"quantity": 1}))


async def test_the_way_out(world: World, door: Doorkeeper):
    placed = await world.place((CODE, "mug", 2))
    client = await enter(world, world.seeds[CODE])
    await ok(await world("olga", "POST", f"/v1/admin/vendors/{CODE}/suspend", {"reason": "a complaint"}))
    closing = await ok(await world("olga", "POST", f"/v1/admin/vendors/{CODE}/close", {"reason": "sells no more"}))
    assert closing["state"] == "closing"
    assert (await ok(await world("olga", "GET", f"/v1/admin/vendors/{CODE}/closing")))["open"]
    await world.until(placed["id"], "completed")
    seen: list[dict[str, Any]] = []
    deadline = time.monotonic() + 60
    while (now := await ok(await world("olga", "GET", f"/v1/admin/vendors/{CODE}/closing")))["state"] != "closed":
        if now not in seen and now["open"].keys() <= {"payouts"}:
            await its_bank_has_it(world)
        seen += [] if now in seen else [now]
        assert time.monotonic() < deadline, seen
        await asyncio.sleep(0.1)
    assert [each for each in seen if each["open"] == {"payouts": 1}], "its money goes to its bank before it is closed"
    assert (now["open"], now["with_us"]) == ({}, [])
    assert await Callers(world.wiring.database).look_up(world.keys[CODE], "") is None
    await door.look()
    async with asyncio.timeout(5):
        while not client.is_closed:  # noqa: ASYNC110  # a closed connection has no event
            await asyncio.sleep(0.02)
    payouts = await ok(await world("olga", "GET", f"/v1/admin/payouts?vendor={CODE}"))
    assert {payout["state"] for payout in payouts["data"]} <= {"paid", "sent"}
    problem(await world("olga", "POST", f"/v1/admin/vendors/{CODE}/activate", {"reason": "x"}), 409, "illegal_transition")
    assert await world.breaches() == []
