"""Owns a hub that answers on a port, with orders whose vendors could not be told, and `hub dlq` as it is typed."""

import asyncio
import contextlib
import io
import itertools
import os
import socket
import sys
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest_asyncio
import uvicorn

from hub.app import create_app
from hub.checkout.conclude import give_up
from hub.dlq.commands import app
from hub.embedded.folder import Folder, Running
from hub.letters.keep import Given, keep
from hub.runtime import auth, steps
from hub.runtime.database import Actor
from hub.runtime.steps import Outcome
from hub.triage.drive import drive_plans
from hub.triage.settle import Settler
from tests.shop import Shop, open_shop

SAID: dict[str, Any] = {
    "source": "event",
    "target": "acme",
    "kind": "stock.reserved",
    "reason": "malformed",
    "headers": {},
    "payload": "{",
}
"""An event that could not be read; identity and detail are each letter's own."""

_numbers = itertools.count(1)


async def command(*words: str, **environment: str) -> tuple[int | None, str, str]:
    """`hub dlq` in a process of its own: its end, its output, its complaints."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WHEELWRIGHT")}
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub.cli", "dlq", *words, env=clean | environment, stdout=-1, stderr=-1
    )
    out, err = await started.communicate()
    return started.returncode, out.decode(), err.decode()


class _Quiet(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@dataclass
class Desk:
    """The hub, its folder, and an operator before a terminal."""

    shop: Shop
    folder: Folder
    url: str
    key: str

    async def hub(self, *words: str) -> str:
        """What `hub dlq words…` prints."""
        return (await self.ends(*words))[1]

    async def ends(self, *words: str) -> tuple[int, str]:
        """With what it ends, and what it prints."""
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = await app.run_async([*words, "--data", str(self.folder.root)], result_action="return_value", exit_on_error=False)
        return code or 0, out.getvalue()

    async def watch(self, *words: str) -> tuple[int | None, str, str]:
        """`hub dlq watch` beside what else happens: its end, its output, its complaints."""
        return await command("watch", *words, "--every", "0.1", "--data", str(self.folder.root))

    async def told(self, *words: str) -> Any:
        """The same with --json."""
        return msgspec.json.decode(await self.hub(*words, "--json"))

    async def given_up(self, why: str = "malformed", detail: str = "no address") -> str:
        """The letter of a command to accept an order that acme could not be told."""
        order = await self.shop.place(("acme", f"mug-{next(_numbers)}", 2000, 1), on_shortage="reroute")
        await self.shop.run()
        async with self.shop.wiring.database.tx() as tx:
            (step,) = [step for step in await steps.of_saga(tx, order) if step.kind == "orders.submit"]
            await give_up(tx, self.shop.wiring.timing, step, Outcome.dead(why, detail))
        return str(await self.shop.scalar("SELECT id FROM dead_letters WHERE step_id = :id", id=step.id))

    async def heard(self, detail: str = "no JSON", **more: Any) -> str:
        """The letter of an event that could not be read."""
        identity = f"event:{next(_numbers)}"
        said: dict[str, Any] = {**SAID, "identity": identity, "detail": detail, **more}
        async with self.shop.wiring.database.tx() as tx:
            await keep(tx, Given(**said))
        return str(await self.shop.scalar("SELECT id FROM dead_letters WHERE identity = :identity", identity=identity))

    async def accept(self, letter: str) -> None:
        """The vendor does what the letter's command says."""
        part = await self.shop.scalar("SELECT subject_id FROM dead_letters WHERE id = :id", id=letter)
        await self.shop.vendor_says("acme", part, "accept")

    async def work(self) -> None:
        """A round of what the worker does for letters and plans."""
        await Settler(self.shop.wiring.database).once()
        await self.shop.sql("UPDATE replay_plans SET due_at = now() WHERE state = 'running'")
        await drive_plans(self.shop.wiring.database, self.shop.wiring.timing)


@pytest_asyncio.fixture(scope="module")
async def desk(database_url: str, scratch: Path) -> AsyncIterator[Desk]:
    """A hub that answers, without a worker; vendors work by hand."""
    shop = await open_shop(database_url, "acme", "bolt")
    async with shop.wiring.database.tx() as tx:
        key = await auth.issue(tx, Actor("operator", "olga"))
    folder = Folder(scratch / f"dlq-{next(_numbers)}")
    folder.root.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        folder.announce(Running(url=url, pid=os.getpid(), environment={}))
        folder.keys.write_bytes(msgspec.json.encode({"keys": {"operator": key}}))
        server = _Quiet(
            uvicorn.Config(create_app(shop.wiring), lifespan="off", log_level="critical", ws="none", timeout_graceful_shutdown=1)
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield Desk(shop, folder, url, key)
        server.should_exit = True
        await serving
    await shop.close()
