"""A broker that dies, forgets, remembers an older time, is damaged, falls silent, says everything three times, or is lied to."""

import asyncio
import itertools
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.broker import sent
from tests.faults.buying import MUG, Buyers, meanwhile
from tests.faults.conftest import Proof
from tests.faults.market import SPOKES, Market
from tests.faults.proof import settled

SEED = 5
pytestmark = pytest.mark.faults


async def test_a_broker_killed_again_and_again(market: Market, buyers: Buyers, proof: Proof) -> None:
    async def strike() -> bool:
        hit = market.kill("broker")
        market.broker.kill()
        await asyncio.sleep(0.5)
        await asyncio.to_thread(market.broker.start)
        return hit

    struck = await meanwhile(buyers.buy(30, at_once=2), strike, 6, (1.0, 4.0))
    await proof({("6", "broker killed"): struck})


async def with_commands_waiting(market: Market, buyers: Buyers, spoil: Callable[[Path], int]) -> int:
    """Kill the broker while commands wait in it, spoil its store, start it again; what `spoil` says it spoiled."""
    market.down.add(SPOKES)
    await buyers.buy(6)
    await asyncio.sleep(1)
    market.broker.kill()
    spoiled = spoil(market.broker.data / "store")
    await buyers.buy(2)
    await asyncio.to_thread(market.broker.start)
    market.down.discard(SPOKES)
    await buyers.buy(4)
    return spoiled


async def test_a_broker_restored_from_an_older_copy(market: Market, buyers: Buyers, proof: Proof, tmp_path: Path) -> None:
    copies = itertools.count(1)

    def restore(store: Path) -> int:
        shutil.rmtree(store)
        shutil.copytree(tmp_path / f"{number}", store)
        return 1

    struck = 0
    for number in itertools.islice(copies, 2):
        await buyers.buy(6)
        market.broker.kill()
        shutil.copytree(market.broker.data / "store", tmp_path / f"{number}")
        await asyncio.to_thread(market.broker.start)
        await buyers.buy(6)
        struck += await with_commands_waiting(market, buyers, restore)
    await proof({("7", "broker restored from an older copy"): struck})


async def test_a_broker_that_forgot_everything(market: Market, buyers: Buyers, proof: Proof) -> None:
    def wipe(store: Path) -> int:
        shutil.rmtree(store)
        return 1

    struck = sum([await with_commands_waiting(market, buyers, wipe) for _ in range(2)])
    await proof({("8", "broker's store wiped"): struck})


async def test_a_broker_whose_files_are_damaged(market: Market, buyers: Buyers, proof: Proof) -> None:
    chance = random.Random(SEED)

    def damage(store: Path) -> int:
        blocks = [path for path in sorted(store.rglob("*.blk")) if path.stat().st_size]
        for path in blocks:
            content = bytearray(path.read_bytes())
            if chance.random() < 0.5:
                content = content[: len(content) // 2]
            else:
                content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            path.write_bytes(content)
        return len(blocks)

    struck = sum([await with_commands_waiting(market, buyers, damage) for _ in range(3)])
    await proof({("9", "broker's files truncated, bits flipped"): struck})


async def test_every_message_three_times(market: Market, buyers: Buyers, proof: Proof) -> None:
    parrot = await Parrot.listen(market, times=2)
    await buyers.buy(10)
    await buyers.buy(4, (("acme", "twice", 1), ("bolt", "book", 1)))
    market.clear()
    await settled(market, buyers.orders)
    await parrot.leave()
    await proof({("13", "every command and event three times"): parrot.said})


async def test_what_comes_too_early_too_late_or_backwards(market: Market, buyers: Buyers, proof: Proof) -> None:
    """Canceled before anything was reserved; and when all is over, everything is told once more, the last first."""
    chance = random.Random(SEED)
    parrot = await Parrot.listen(market, times=0)
    market.down.add(SPOKES)
    canceled = [await _cancel(market, order) for order in await buyers.buy(4)]
    market.down.discard(SPOKES)
    for _ in range(10):
        order = await buyers.place(MUG)
        await asyncio.sleep(chance.uniform(0, 0.6))
        canceled.append(await _cancel(market, order))
    await buyers.buy(2)
    await settled(market, buyers.orders)
    told = await parrot.repeat_backwards()
    await asyncio.sleep(2)
    await parrot.leave()
    faults = {("14a", "canceled before it was reserved, and at any moment"): sum(canceled), ("14b", "all told again, backwards"): told}
    await proof(faults, allowed=("completed", "canceled"))


async def _cancel(market: Market, order: str) -> bool:
    headers = {"Authorization": f"Bearer {market.keys['ada']}"}
    return (await market.http.post(f"/v1/orders/{order}/cancel", headers=headers)).is_success


async def test_connections_that_are_dead_and_do_not_say_so(market: Market, buyers: Buyers, proof: Proof) -> None:
    before = market.worker_broker.connections, market.spokes_broker.connections
    await buyers.buy(4)
    struck = market.worker_broker.swallow() + market.spokes_broker.swallow()
    await buyers.buy(4)
    begun = asyncio.get_running_loop().time()
    while market.worker_broker.connections == before[0] or market.spokes_broker.connections <= before[1] + 2:
        assert asyncio.get_running_loop().time() - begun < 20, "nobody noticed"
        await asyncio.sleep(0.1)
    market.worker_broker.black_hole()
    await buyers.buy(4)
    await asyncio.sleep(15)
    market.worker_broker.flow()
    await proof({("19", "connections black-holed"): struck + market.worker_broker.swallowed})


async def test_a_vendor_that_lies(market: Market, buyers: Buyers, proof: Proof) -> None:
    """As acme it speaks for bolt, forges, floods and asks the hub to act in its name: nothing comes of it."""
    client = await nats.connect(f"nats://127.0.0.1:{market.broker.port}", nkeys_seed_str=market.seed_of("acme"))
    await buyers.buy(4)
    told = 0
    for number, order in enumerate(buyers.orders * 3):
        body = msgspec.json.encode({"sub_order_id": order})
        for subject in ("evt.orders.accepted", "evt.bolt.orders.accepted", "evt.shipping.delivered", "evt.payouts.paid"):
            headers = {"Mk-Event-Id": f"lie-{number}-{subject}", "Mk-Cmd-Id": f"cmd_{number}"}
            await client.publish(subject, body, reply="$JS.API.STREAM.PURGE.CMD_bolt", headers=headers)
            told += 1
        for nonsense in (b"", b"{", b"[" * 50_000, b"\xff\x00" * 400_000):
            await client.publish("evt.orders.accepted", nonsense, headers={"Mk-Event-Id": f"nonsense-{number}-{len(nonsense)}"})
            told += 1
        await client.publish("$JS.API.STREAM.DELETE.CMD_bolt", b"")
        await client.publish("cmd.bolt.orders.recall", body)
    await sent(client)
    await buyers.buy(4)
    await client.close()
    await proof({("20", "lies of a vendor"): told})


class Parrot:
    """Hears all commands and events in the hub's account and says each again, under another message id."""

    MARK = "Parrot"

    def __init__(self, client: Client, times: int) -> None:
        self._client = client
        self._times = times
        self._heard: list[Msg] = []
        self.said = 0

    @classmethod
    async def listen(cls, market: Market, *, times: int) -> "Parrot":
        """Begin."""
        parrot = cls(await nats.connect(f"nats://127.0.0.1:{market.broker.port}", nkeys_seed_str=market.hub_seed), times)
        for subject in ("cmd.>", "evt.>"):
            await parrot._client.subscribe(subject, cb=parrot._hear)
        return parrot

    async def leave(self) -> None:
        """End."""
        await self._client.close()

    async def repeat_backwards(self) -> int:
        """Say everything once more, the last first; how much that was."""
        for msg in reversed(self._heard):
            await self._say(msg)
        await sent(self._client)
        return len(self._heard)

    async def _hear(self, msg: Msg) -> None:
        if self.MARK in (msg.headers or {}):
            return
        self._heard.append(msg)
        for _ in range(self._times):
            await self._say(msg)

    async def _say(self, msg: Msg) -> None:
        self.said += 1
        headers = dict(msg.headers or {}) | {self.MARK: "1", "Nats-Msg-Id": f"parrot-{self.said}"}
        await self._client.publish(msg.subject, msg.data, headers=headers)
