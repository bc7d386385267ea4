"""Every process is replaced, one after another, under load: no request and no message is lost."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from hub.embedded.ports import free_port
from tests.architecture.sources import ROOT
from tests.hub_api import ADDRESS, settings_for
from tests.world import ALL, Building, World

BUYERS = 3
PLACED_SECONDS = 20
"""For the next order while the half is away: many times what it takes."""


class Process:
    """A real `hub api` or `hub worker`."""

    def __init__(self, words: list[str], environment: dict[str, str], log: Path) -> None:
        self._words = words
        self._environment = environment
        self.log = log
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            words = [sys.executable, "-m", "hub.cli", *self._words]
            self._process = subprocess.Popen(words, cwd=ROOT, env=self._environment, stdout=log, stderr=log)

    async def end(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self._process.wait, 20)

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    async def said(self, word: str, times: int) -> None:
        async with asyncio.timeout(20):
            while self.log.read_text().count(word) < times:
                assert self._process.poll() is None, self.log.read_text()
                await asyncio.sleep(0.05)


class Balancer:
    """Sends each request to a process that is ready, and elsewhere only if the connection was refused."""

    def __init__(self, ports: list[int]) -> None:
        self._addresses = [f"http://127.0.0.1:{port}" for port in ports]
        self._ready: set[str] = set()
        self._turn = 0
        self.refused = 0
        self.http = httpx.AsyncClient(timeout=20, limits=httpx.Limits(keepalive_expiry=2))

    async def look(self) -> None:
        """Ask every process whether it is ready, several times a second."""
        while True:
            for address in self._addresses:
                try:
                    ready = (await self.http.get(f"{address}/health/ready")).status_code == 200
                except httpx.HTTPError:
                    ready = False
                (self._ready.add if ready else self._ready.discard)(address)
            await asyncio.sleep(0.1)

    async def all_ready(self) -> None:
        async with asyncio.timeout(30):
            while len(self._ready) < len(self._addresses):  # noqa: ASYNC110  # they are asked, they do not tell
                await asyncio.sleep(0.05)

    async def send(self, method: str, path: str, key: str, json: Any = None) -> Any:
        for _ in range(50):
            ready = sorted(self._ready)
            self._turn += 1
            if ready:
                address = ready[self._turn % len(ready)]
                try:
                    answer = await self.http.request(method, address + path, json=json, headers={"Authorization": f"Bearer {key}"})
                except httpx.ConnectError:
                    self.refused += 1
                else:
                    assert answer.status_code < 300, answer.text
                    return answer.json()
            await asyncio.sleep(0.05)
        raise AssertionError("nobody is ready")


@pytest_asyncio.fixture(scope="module")
async def world(database_url: str, scratch: Path) -> AsyncGenerator[World]:
    async with Building(database_url, scratch / "rolling", {"acme": ALL, "bolt": ALL}) as built:
        yield built


def environment_of(world: World) -> dict[str, str]:
    settings = world.wiring.settings
    ours = settings_for(
        settings.database.url,
        WHEELWRIGHT__NATS__URL=settings.nats.url,
        WHEELWRIGHT__NATS__NKEY_SEED=settings.nats.nkey_seed,
        WHEELWRIGHT__STRIPE__BASE_URL=settings.stripe.base_url,
        WHEELWRIGHT__STRIPE__API_KEY=settings.stripe.api_key,
        WHEELWRIGHT__STRIPE__RATE_PER_SECOND="0",
        WHEELWRIGHT__ORDERS__HOLD_SECONDS="0.2",
        WHEELWRIGHT__ORDERS__ASK_AGAIN_SECONDS="1",
        WHEELWRIGHT__HTTP__DRAIN_SECONDS="0.5",
    )
    return {"PATH": os.environ["PATH"]} | ours


async def test_a_rolling_restart_under_load_loses_nothing(world: World, tmp_path: Path):
    await world.worker.stop()  # the work is done by the processes
    environment, ports = environment_of(world), [free_port(), free_port()]
    offers = [await world.offer("acme", "mug"), await world.offer("bolt", "book")]
    apis = [Process(["api", "--port", str(port)], environment, tmp_path / f"api-{port}.log") for port in ports]
    workers = [Process(["worker"], environment, tmp_path / f"worker-{number}.log") for number in range(2)]
    balancer = Balancer(ports)
    looking = asyncio.create_task(balancer.look())
    placed, more, over = list[str](), asyncio.Event(), asyncio.Event()

    async def buy() -> None:
        while not over.is_set():
            cart = (await balancer.send("POST", "/v1/carts", world.keys["ada"], {}))["id"]
            for offer in offers:
                await balancer.send("PUT", f"/v1/carts/{cart}/lines/{offer}", world.keys["ada"], {"quantity": 1})
            quote = (await balancer.send("POST", f"/v1/carts/{cart}/quotes", world.keys["ada"], {"address": ADDRESS}))["id"]
            order = {"quote_id": quote, "payment_method": "pm_card_visa"}
            placed.append((await balancer.send("POST", "/v1/orders", world.keys["ada"], order))["id"])
            more.set()
            await asyncio.sleep(0.3)

    try:
        await balancer.all_ready()
        for worker in workers:
            await worker.said("worker.started", 1)
        buyers = [asyncio.create_task(buy()) for _ in range(BUYERS)]
        for api, worker in zip(apis, workers, strict=True):
            more.clear()
            assert await asyncio.gather(api.end(), worker.end()) == [0, 0], api.log.read_text() + worker.log.read_text()
            await asyncio.wait_for(more.wait(), PLACED_SECONDS)  # it goes on meanwhile
            api.start()
            worker.start()
            await worker.said("worker.started", 2)
            await balancer.all_ready()
        over.set()
        await asyncio.gather(*buyers)
        until = time.monotonic() + 40
        for order in placed:
            await world.until(order, "completed", seconds=max(1.0, until - time.monotonic()))
            await world.settled(order)
    finally:
        over.set()
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        for process in (*apis, *workers):
            process.kill()
        await balancer.http.aclose()
    assert len(placed) >= 3 * BUYERS
    assert await world.breaches() == []
