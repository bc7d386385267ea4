"""A broker of three servers: how many copies there are, its leader killed, its quorum lost."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import nats
import pytest
import pytest_asyncio
from nats.js import JetStreamContext
from nats.js.errors import APIError, NoStreamResponseError, ServerError
from sqlalchemy import text

from hub.embedded.nats import Nats
from hub.embedded.nats_config import BrokerUser, VendorAccount, nats_config
from hub.embedded.nkey import new_seed, public_of
from hub.runtime import steps, topology
from hub.runtime.steps import NewStep
from hub.settings import load_settings
from hub.wiring import Wiring, wire
from hub.worker.dispatch import Dispatcher
from hub.worker.listen import Listener
from tests.faults.buying import Buyers
from tests.faults.cluster import Cluster, ClusterMarket, Node
from tests.faults.conftest import Proof, Suite
from tests.faults.market import Market
from tests.faults.proof import time_passes
from tests.hub_api import settings_for

WITHOUT_QUORUM_SECONDS = 12.0
PLACED_SECONDS_MAX = 5.0
LEADERS_KILLED = 2
COPIES_SECONDS = 60.0
"""A stream that gets more copies has no leader for ten seconds (seen with 2.15.1)."""


async def test_three_copies_on_one_server_are_refused_and_nothing_is_lost(market: Market, suite: Suite) -> None:
    """A wrong setting must not cost what the stream holds."""
    client = await nats.connect(market.broker.url, nkeys_seed_str=market.hub_seed)
    js = client.jetstream()
    await topology.ensure_vendor(js, "acme")
    before = await js.stream_info("CMD_acme")
    with pytest.raises(ServerError):
        await topology.ensure_vendor(js, "acme", 3)
    after = await js.stream_info("CMD_acme")
    await client.close()
    assert (after.created, after.config.num_replicas) == (before.created, 1)
    suite.is_sound = True


@pytest_asyncio.fixture
async def wiring(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[Wiring, Nats]]:
    """A worker's parts on a database and a broker of their own."""
    seed = new_seed()
    hub, system = (BrokerUser(nkey=public_of(one)) for one in (seed, new_seed()))
    broker = Nats(tmp_path / "nats", nats_config([VendorAccount("acme", public_of(new_seed()))], hub=hub, system=system))
    await asyncio.to_thread(broker.start)
    more = {"WHEELWRIGHT__NATS__URL": broker.url, "WHEELWRIGHT__NATS__NKEY_SEED": seed}
    made = wire(load_settings(environ=settings_for(database_url, **more)), "test")
    await made.bus.start()
    assert await made.bus.connected(5)
    yield made, broker
    await made.close()
    await asyncio.to_thread(broker.stop)


async def _streams(wiring: Wiring, broker: Nats, how: str) -> None:
    """As without a quorum they do not answer, and the connection stays."""
    was = "disabled" if how == "enabled" else "enabled"
    await asyncio.to_thread(broker.reload, broker.config_text.replace(f"jetstream: {was}", f"jetstream: {how}"))
    assert await wiring.bus.connected(5)


async def test_a_broker_whose_streams_are_away_is_not_heard(wiring: tuple[Wiring, Nats]) -> None:
    """While nobody hears vendors, their silence must not count against them."""
    listener, heard = Listener(wiring[0]), list[bool]()
    await listener.once()
    for how in ("disabled", "enabled"):
        heard.append(listener.hearing_since is not None)
        await _streams(*wiring, how)
        await listener.once()
    heard.append(listener.hearing_since is not None)
    await listener.stop()
    assert heard == [True, False, True]


async def test_what_no_stream_took_was_not_sent(wiring: tuple[Wiring, Nats]) -> None:
    """However long the streams are away: no attempt is used up, and no time of the vendor's runs."""
    parts, missing = wiring[0], list[str]()
    await _streams(*wiring, "disabled")
    new = NewStep(kind="stock.release", target="acme", saga_id="ord_1", subject_id="sub_1", payload={}, deadline=60)
    async with parts.database.tx() as tx:
        [step_id] = await steps.add(tx, new)
    dispatcher = Dispatcher(parts, {}, missing.append)
    for _ in range(3):
        async with parts.database.tx() as tx:
            await tx.execute(text("UPDATE steps SET due_at = now() WHERE id = :id"), {"id": step_id})
        await dispatcher.once()
        await dispatcher.idle()
    async with parts.database.reading() as tx:
        step = await steps.get(tx, step_id)
    assert missing == ["acme"] * 3
    assert step is not None
    assert (step.state, step.attempt) == ("open", 0)


@pytest_asyncio.fixture
async def clustered(scratch: Path) -> AsyncIterator[ClusterMarket]:
    market = await ClusterMarket(scratch / "faults-cluster", {"acme": "", "bolt": ""}).open()
    yield market
    await market.close()


@pytest.mark.faults
async def test_a_cluster_that_loses_its_leader_and_then_its_quorum(clustered: ClusterMarket, suite: Suite) -> None:
    """Orders are accepted all the while, without a wait; what could not be said meanwhile is said later."""
    buyers, cluster = Buyers(clustered), clustered.cluster
    await buyers.buy(6)
    killed = [await _leader_dies(cluster, buyers) for _ in range(LEADERS_KILLED)]
    leader = await cluster.leader("CMD_acme")
    gone = [leader, next(node for node in cluster.nodes if node is not leader)]
    for node in gone:
        node.kill()
    begun, placed = time.monotonic(), len(buyers.placed_in)
    while time.monotonic() - begun < WITHOUT_QUORUM_SECONDS:
        await buyers.buy(1)
        await time_passes(clustered, 1)
        await asyncio.sleep(0.5)
    without = buyers.placed_in[placed:]
    assert await _ended(clustered, buyers.orders[placed:]) == 0, "there was a quorum"
    assert max(without) < PLACED_SECONDS_MAX, f"placing waited for the broker: {max(without):.1f} s"
    for node in gone:
        await asyncio.to_thread(node.start)
    await buyers.buy(4)
    faults = {
        ("10a", "three brokers: the leader killed"): len(killed),
        ("10b", f"three brokers: no quorum for {WITHOUT_QUORUM_SECONDS:.0f} s, orders placed meanwhile"): len(without),
    }
    await Proof(suite, clustered, buyers)(faults)


async def _leader_dies(cluster: Cluster, buyers: Buyers) -> Node:
    """Kill it while orders are placed; it comes back when another leads."""
    leader = await cluster.leader("CMD_acme")
    buying = asyncio.create_task(buyers.buy(6, at_once=2))
    await asyncio.sleep(0.2)
    leader.kill()
    await buying
    await cluster.leader("CMD_acme", absent=1)
    await asyncio.to_thread(leader.start)
    return leader


async def _ended(market: Market, orders: list[str]) -> int:
    async with market.database.reading() as tx:
        query = text("SELECT count(*) FROM orders WHERE id = ANY(:orders) AND state = 'completed'").bindparams(orders=orders)
        return int(await tx.scalar(query))


@pytest.mark.faults
async def test_copies_follow_the_setting(scratch: Path) -> None:
    """Also of streams that are there already, and hold something."""
    seed = new_seed()
    accounts = [VendorAccount("acme", public_of(new_seed()))]
    text = nats_config(accounts, hub=BrokerUser(nkey=public_of(seed)), system=BrokerUser(nkey=public_of(new_seed())))
    cluster = Cluster(scratch / "copies", text, seed)
    cluster.start()
    client = await nats.connect([node.url for node in cluster.nodes], nkeys_seed_str=seed, error_cb=_quiet)
    js = client.jetstream(timeout=2)
    try:
        await _made(js, 1)
        await js.publish("cmd.acme.stock.release", b"{}")
        await _made(js, 3)
        await cluster.leader("CMD_acme")
        info = await js.stream_info("CMD_acme")
        assert (info.config.num_replicas, info.state.messages) == (3, 1)
        await _made(js, 1)
        assert await cluster.leader("CMD_acme", absent=2)
    finally:
        await client.close()
        cluster.stop()


async def _made(js: JetStreamContext, replicas: int) -> None:
    """As the worker does: again and again until the cluster has done it."""
    async with asyncio.timeout(COPIES_SECONDS):
        while True:
            with contextlib.suppress(APIError, NoStreamResponseError, TimeoutError):
                await topology.ensure_vendor(js, "acme", replicas)
                if (await js.stream_info("CMD_acme")).config.num_replicas == replicas:
                    return
            await asyncio.sleep(0.5)


async def _quiet(_: Exception) -> None:
    """It is expected to lose servers."""
