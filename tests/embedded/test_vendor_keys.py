"""A vendor's keys at the broker: two open one account, one that ends drops who came in with it, and none can spoil the rest."""

# nats-py leaves its options untyped
# pyright: reportUnknownMemberType=false

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import nats as nats_client
import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError

from hub.embedded.folder import Folder
from hub.embedded.leaves import NotCut, cut_leaves, losers
from hub.embedded.nats import Nats
from hub.embedded.nats_config import BrokerUser, VendorAccount, nats_config
from hub.embedded.nkey import new_seed, public_of
from hub.embedded.ports import claim_port
from hub.embedded.vendors import SpokeVendor, accounts, end_spokes, write_spoke
from tests.broker import sent

OLD, NEW, BOLT, SYSTEM_SEED = (new_seed() for _ in range(4))
HUB, SYSTEM = BrokerUser(user="hub", password="h"), BrokerUser(nkey=public_of(SYSTEM_SEED))
LEAF_LISTEN = f"127.0.0.1:{claim_port(0, 'leaf')}"


def account(code: str, *seeds: str) -> VendorAccount:
    first, *others = (public_of(seed) for seed in seeds)
    return VendorAccount(code, first, tuple(others))


def configured(*vendors: VendorAccount) -> str:
    return nats_config(vendors, hub=HUB, system=SYSTEM, leaf_listen=LEAF_LISTEN)


@pytest.fixture
def broker(scratch: Path):
    server = Nats(scratch / "nats-keys", configured(account("acme", OLD), account("bolt", BOLT)))
    server.start()
    yield server
    server.stop()


async def enter(broker: Nats, seed: str) -> Client:
    return await nats_client.connect(broker.url, nkeys_seed_str=seed, allow_reconnect=False)


async def refused(broker: Nats, seed: str) -> None:
    client = Client()
    with pytest.raises(NatsError):
        await client.connect(broker.url, nkeys_seed_str=seed, allow_reconnect=False)
    writer = getattr(client._transport, "_io_writer")  # noqa: B009 # pyright: ignore[reportPrivateUsage] - nats-py leaves the socket of who was refused open
    writer.close()


async def within(seconds: float, done: Callable[[], bool]) -> None:
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110  # a closed connection has no event
            await asyncio.sleep(0.02)


async def test_two_keys_open_one_account_and_a_revoked_one_drops_a_live_connection_at_once(broker: Nats):
    old, bolt = await enter(broker, OLD), await enter(broker, BOLT)
    both = account("acme", NEW, OLD), account("bolt", BOLT)
    broker.reload(configured(*both))
    new = await enter(broker, NEW)
    heard = await new.subscribe("between-us")
    await sent(new)
    await old.publish("between-us", b"hello")
    assert (await heard.next_msg(2)).data == b"hello"
    broker.reload(configured(account("acme", NEW), account("bolt", BOLT)))
    await within(2, lambda: old.is_closed)
    await refused(broker, OLD)
    for still in (new, bolt):
        await sent(still)
        await still.close()


async def test_a_revoked_key_ends_the_link_of_a_vendors_own_broker(broker: Nats, scratch: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(os.environ, "LEAF_SEED", OLD)
    link = f'leafnodes {{ reconnect: "1s", remotes: [ {{ url: "nats-leaf://{LEAF_LISTEN}", nkey: $LEAF_SEED }} ] }}\n'
    leaf = Nats(scratch / "nats-leaf", link)
    leaf.start()
    behind, before = await nats_client.connect(leaf.url), [account("acme", OLD)]
    after = [account("acme", NEW, OLD)]
    broker.reload(configured(*after))
    acme = await enter(broker, NEW)
    heard = await acme.subscribe("through-the-link")
    await sent(acme)

    async def passes() -> bool:
        await behind.publish("through-the-link", b"hello")
        try:
            await heard.next_msg(0.3)
        except TimeoutError:
            return False
        return True

    async with asyncio.timeout(5):
        while not await passes():
            pass
    assert losers(before, after) == set()
    broker.reload(configured(account("acme", NEW)))
    assert losers(after, [account("acme", NEW)]) == losers(after, []) == {"acme"}
    told: list[str] = []
    await cut_leaves(broker.url, SYSTEM_SEED, {"acme", "bolt"}, told.append)
    assert told == ["1 link(s) of acme cut: a key of it has ended"]
    assert not await passes()
    await cut_leaves(broker.url, SYSTEM_SEED, {"acme"}, told.append)
    assert len(told) == 1
    for client in (behind, acme):
        await client.close()
    leaf.stop()


async def test_who_may_not_cut_links_says_so(broker: Nats):
    with pytest.raises(NotCut):
        await cut_leaves(broker.url, BOLT, {"acme"}, print)


async def test_a_key_that_stands_twice_is_the_first_ones_and_spoils_nothing(broker: Nats):
    broker.reload(configured(account("acme", OLD), account("bolt", OLD, BOLT), account("copy", OLD), account("spy", SYSTEM_SEED)))
    old, bolt = await enter(broker, OLD), await enter(broker, BOLT)
    heard = await bolt.subscribe("between-us")
    await sent(bolt)
    await old.publish("between-us", b"hello")
    with pytest.raises(TimeoutError):
        await heard.next_msg(0.2)
    assert "V_copy" not in broker.config_text
    assert "V_spy" not in broker.config_text
    for client in (old, bolt):
        await client.close()


def test_a_spoke_ends_with_its_vendor(tmp_path: Path):
    folder = Folder(tmp_path)
    folder.spoke_configs.mkdir(parents=True)
    gone, stays = (SpokeVendor(code=code, nkeys=[], embedded_spoke="dummy", spoke_config={}) for code in ("gone", "stays"))
    for vendor in (gone, stays):
        write_spoke(vendor, folder, "nats://127.0.0.1:4222", "http://127.0.0.1:8000")
    end_spokes([stays], folder)
    assert [path.name for path in folder.spoke_configs.iterdir()] == ["stays.toml"]
    assert [found.code for found in accounts([stays], folder)] == ["stays"]
