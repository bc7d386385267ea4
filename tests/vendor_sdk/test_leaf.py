"""A spoke behind a broker of its vendor's own: served over one outbound link; links and brokers that die cost time, nothing else."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from hub.embedded.nats import Nats
from hub.embedded.nats_config import VendorAccount, nats_config
from hub.embedded.nkey import public_of
from hub.embedded.ports import claim_port
from hub.runtime import topology
from tests.architecture.sources import ROOT
from tests.vendor_sdk import orders
from tests.vendor_sdk.stand import HUB, SYSTEM, Stand, until
from vendor_sdk.settings import Loaded, Secrets
from vendor_sdk.spoke import Spoke

VENDOR = "acme"
PASSWORD = "of-the-spokes"  # of a broker that lives for this test
SHORT = {"ping": 1, "idle_heartbeat": 0.5, "pull_expires": 2, "publish_timeout": 1, "user": "spoke"}
"""So that silence is noticed within a second or two."""
AGAIN = [1.0, 2.0, 4.0, 8.0]
"""Instead of the half minute of `topology.BACKOFF`, in seconds."""


def as_documented(url: str) -> str:
    """The configuration in the README, with the hub's address put in."""
    [found] = re.findall(r"```hocon\n(.*?)```", (ROOT / "vendor_sdk" / "README.md").read_text(), re.DOTALL)
    changed = found.replace("tls://broker.example.com:7422", url)
    return re.sub(r"listen: .*", "", changed, count=1)  # given on the command line here


@pytest_asyncio.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    """A hub that lets leaves link to it, and one vendor."""
    stand = Stand(tmp_path, [VENDOR])
    account = VendorAccount(VENDOR, public_of(stand.seeds[VENDOR]))
    stand.leaf_url = f"nats-leaf://127.0.0.1:{claim_port(0, 'leaf')}"
    stand.server.config_text = nats_config([account], hub=HUB, system=SYSTEM, leaf_listen=stand.leaf_url.partition("//")[2])
    await stand.open()
    for stream, consumer in topology.consumers(VENDOR):
        if consumer.backoff:  # what was handed over to a link that is no more comes again after that
            await stand.js.add_consumer(stream, consumer.evolve(backoff=AGAIN))
    yield stand
    await stand.close()


@pytest_asyncio.fixture
async def leaf(stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Nats]:
    """The vendor's own broker."""
    monkeypatch.setitem(os.environ, "LEAF_SEED", stand.seeds[VENDOR])
    monkeypatch.setitem(os.environ, "PREMISES_PASSWORD", PASSWORD)
    server = Nats(tmp_path / "leaf", as_documented(stand.leaf_url))
    server.start()
    yield server
    await asyncio.to_thread(server.stop)


@pytest_asyncio.fixture
async def spoke(stand: Stand, leaf: Nats) -> AsyncIterator[Spoke]:
    """The vendor's spoke, which knows nothing but the vendor's own broker."""
    config = {"ship_after": 0.1, "deliver_after": None}
    settings = stand.settings(VENDOR, config, nats={"url": leaf.url, **SHORT}).settings
    spoke = Spoke(Loaded(settings=settings, secrets=Secrets(password=PASSWORD)), stand.data)
    await spoke.start()
    yield spoke
    await spoke.stop()


async def shipped(stand: Stand, number: int, within: float) -> None:
    """Have the vendor ship, and wait until it says that it has: an answer, and a fact from its outbox."""
    command = f"{VENDOR}.{number}"
    await stand.command(VENDOR, orders.ship(f"sub-{number}"), command, deadline=60)
    await stand.event(f"{command}.pending", within=within)
    await stand.event(f"{command}.shipped", within=within)


@pytest.mark.usefixtures("spoke")
async def test_it_is_asked_and_answers_over_the_link(stand: Stand) -> None:
    await shipped(stand, 1, within=20)
    await stand.settled(VENDOR)


@pytest.mark.usefixtures("spoke")
async def test_what_is_told_while_the_link_is_down_arrives_once(stand: Stand) -> None:
    await shipped(stand, 1, within=20)
    await stand.command(VENDOR, orders.ship("sub-2"), f"{VENDOR}.2", deadline=60)
    await until(lambda: stand.calls(VENDOR, f"{VENDOR}.2") == 1)
    await asyncio.to_thread(stand.server.kill)  # with the fact that it has shipped not told yet
    await asyncio.sleep(1)
    await asyncio.to_thread(stand.server.start)
    await until(lambda: stand.hub.is_connected)
    await stand.event(f"{VENDOR}.2.shipped", within=20)
    await shipped(stand, 3, within=20)
    assert [verb for _, verb in stand.effects(VENDOR)].count("ship") == 3
    kept = await stand.kept(VENDOR)
    assert [kept.count(f"{VENDOR}.{number}.shipped") for number in (1, 2, 3)] == [1, 1, 1]


@pytest.mark.usefixtures("spoke")
async def test_a_leaf_that_dies_comes_back_to_what_waits_for_it(stand: Stand, leaf: Nats) -> None:
    await shipped(stand, 1, within=20)
    await asyncio.to_thread(leaf.kill)
    for number in (2, 3):
        await stand.command(VENDOR, orders.ship(f"sub-{number}"), f"{VENDOR}.{number}", deadline=60)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(leaf.start)
    for number in (2, 3):
        await stand.event(f"{VENDOR}.{number}.shipped", within=20)
    await stand.settled(VENDOR, 20)
    assert [verb for _, verb in stand.effects(VENDOR)].count("ship") == 3
    kept = await stand.kept(VENDOR)
    assert [kept.count(f"{VENDOR}.{number}.shipped") for number in (1, 2, 3)] == [1, 1, 1]
