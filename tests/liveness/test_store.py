"""The signs of life in the table: who writes, what is kept, and that our own deafness is nobody's silence."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from hub.liveness import look, store
from hub.liveness.rules import Health, Watch
from hub.liveness.store import Beat
from tests.hub_api import Api
from vendor_sdk.messages import Heartbeat

WATCH = Watch()


def beat(boot: str = "boot-1", age: float = 0, **more: Any) -> Beat:
    told: dict[str, Any] = {"breakers": {"stock": "closed"}, "in_flight": 3} | more
    return Beat(Heartbeat(boot_id=boot, version="1.2", capabilities=["stock"], oldest_command_age=0.0, **told), age)


@pytest.fixture(autouse=True)
async def two_vendors(api: Api) -> None:
    """Acme has a spoke, bolt works by hand; nobody has been heard."""
    await api.sql("UPDATE vendors SET nkey_public = 'U', capabilities = '{stock,orders,shipping}' WHERE code = 'acme'")
    await api.sql("DELETE FROM vendor_liveness")


async def a_round(api: Api, beats: dict[str, Beat] | None = None, every: float = 0) -> bool:
    async with api.wiring.database.tx() as tx:
        if not await store.begin_round(tx, every=every):
            return False
        await store.expect_all(tx)
        await store.note(tx, beats or {})
        await store.measure(tx)
        return True


async def seen(api: Api, vendor: str = "acme") -> Any:
    async with api.wiring.database.reading() as tx:
        return await look.look(tx, WATCH, vendor)


async def test_before_anybody_listened_nothing_is_said(api: Api):
    assert (await seen(api)).health is None


async def test_a_beat_is_shown(api: Api):
    await a_round(api, {"acme": beat()})
    view = await seen(api)
    assert (view.health, view.sdk_version, view.in_flight, view.breakers) == (Health.UP, "1.2", 3, {"stock": "closed"})
    assert view.seen_at
    assert (await seen(api, "bolt")).health is None, "it has no spoke"


async def test_one_worker_writes_in_so_many_seconds(api: Api):
    assert await a_round(api, every=30)
    assert await asyncio.gather(*(a_round(api, every=30) for _ in range(4))) == [False] * 4
    await api.sql("UPDATE vendor_liveness SET seen_at = now() - interval '31 seconds' WHERE vendor = '@hub'")
    assert sum(await asyncio.gather(*(a_round(api, every=30) for _ in range(4)))) == 1


async def test_silence_goes_from_up_to_degraded_to_down_and_a_beat_ends_it(api: Api):
    await a_round(api, {"acme": beat()})
    await api.sql("UPDATE vendor_liveness SET since = now() - interval '1 hour'")
    for silence, health in (("5", "up"), ("11", "degraded"), ("61", "down")):
        await api.sql(f"UPDATE vendor_liveness SET seen_at = now() - interval '{silence} seconds' WHERE vendor = 'acme'")
        await a_round(api)
        assert (await seen(api)).health == health
    before = (await seen(api)).since
    await a_round(api, {"acme": beat()})
    after = await seen(api)
    assert after.health is Health.UP
    assert after.since > before, "it was away"


async def test_who_was_never_heard_has_its_minute_too(api: Api):
    await a_round(api)
    assert (await seen(api)).health is Health.UP
    assert (await seen(api)).seen_at is None
    await api.sql("UPDATE vendor_liveness SET since = now() - interval '2 minutes', seen_at = now() - interval '2 minutes'")
    await api.sql("UPDATE vendor_liveness SET seen_at = now() WHERE vendor = '@hub'")
    assert (await seen(api)).health is Health.DOWN


async def test_while_nobody_listened_nobody_was_silent(api: Api):
    await a_round(api, {"acme": beat()})
    await api.sql("UPDATE vendor_liveness SET since = now() - interval '1 hour', seen_at = now() - interval '10 minutes'")
    assert (await seen(api)).health is Health.UP, "as it was when we last listened"
    await a_round(api)
    assert (await seen(api)).health is Health.UP, "we have only just begun to listen again"


async def test_an_old_beat_does_not_undo_a_newer_one(api: Api):
    await a_round(api, {"acme": beat("boot-2")})
    await a_round(api, {"acme": beat("boot-1", age=5)})
    async with api.wiring.database.reading() as tx:
        assert (await store.of(tx, ["acme"]))["acme"].boot_id == "boot-2"


async def test_another_start_is_another_since(api: Api):
    await a_round(api, {"acme": beat("boot-1")})
    first = (await seen(api)).since
    await a_round(api, {"acme": beat("boot-1")})
    assert (await seen(api)).since == first
    await a_round(api, {"acme": beat("boot-2")})
    assert (await seen(api)).since > first


async def test_strangers_beats_are_not_kept(api: Api):
    await a_round(api, {"nobody": beat(), "bolt": beat()})
    async with api.wiring.database.reading() as tx:
        assert list(await store.of(tx, ["nobody", "bolt"])) == ["@hub"]


STEP = """
INSERT INTO steps (id, saga_id, subject_id, target, kind, payload, redrive_seconds, due_at, correlation_id, traceparent, created_at,
    attempt, verdict, waiting)
VALUES ('cmd_{id}', 'ord_x', 'sub_x', '{target}', 'stock.reserve', '{{}}', 20, now() - interval '{due} seconds', 'c', 't',
    now() - interval '{age} seconds', {attempt}, {verdict}, {waiting})
"""


@pytest.mark.parametrize(
    ("step", "age"),
    [
        ({"attempt": 2}, 500),
        ({"attempt": 0, "due": 40}, 40),
        ({"attempt": 0, "due": -100}, 0),
        ({"attempt": 2, "verdict": "'pending'"}, 0),
        ({"attempt": 1, "waiting": "true"}, 0),
        ({"attempt": 1, "target": "bolt"}, 0),
    ],
)
async def test_the_oldest_command_without_any_answer(api: Api, step: dict[str, Any], age: float):
    values = {"id": "old", "target": "acme", "due": -10, "age": 500, "attempt": 0, "verdict": "NULL", "waiting": "false"} | step
    await api.sql(STEP.format(**values))
    try:
        await a_round(api, {"acme": beat()})
        view = await seen(api)
        assert view.oldest_seconds == pytest.approx(age, abs=5)
        assert view.health is (Health.DEGRADED if age > WATCH.slow else Health.UP)
    finally:
        await api.sql("DELETE FROM steps WHERE id = 'cmd_old'")
    await a_round(api)
    assert (await seen(api)).oldest_seconds == 0


async def test_a_full_stream_is_busy_for_a_while(api: Api):
    await a_round(api, {"acme": beat()})
    async with api.wiring.database.tx() as tx:
        await store.note_busy(tx, ["acme"])
    view = await seen(api)
    assert (view.busy, view.health) == (True, Health.DEGRADED)
    await api.sql("UPDATE vendor_liveness SET busy_at = now() - interval '1 minute'")
    assert (await seen(api)).health is Health.UP


async def test_it_is_kept_since_when_a_breaker_is_closed_again(api: Api):
    async def closed_at() -> dict[str, Any]:
        async with api.wiring.database.reading() as tx:
            return await tx.scalar(text("SELECT closed_at FROM vendor_liveness WHERE vendor = 'acme'"))

    await a_round(api, {"acme": beat(breakers={"stock": "closed", "orders": "closed"})})
    assert await closed_at() == {}, "it was never anything else"
    await a_round(api, {"acme": beat(breakers={"stock": "open", "orders": "closed"})})
    await a_round(api, {"acme": beat(breakers={"stock": "half-open", "orders": "closed"})})
    assert await closed_at() == {}
    await a_round(api, {"acme": beat(breakers={"stock": "closed", "orders": "closed"})})
    first = await closed_at()
    assert first.keys() == {"stock"}
    await a_round(api, {"acme": beat(breakers={"stock": "closed", "orders": "closed"})})
    assert await closed_at() == first
