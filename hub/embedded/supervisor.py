"""Owns `hub run`: every part on this machine, started in order, kept alive, ended in order."""

import asyncio
import contextlib
import os
import signal
import socket
import time
import urllib.request
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from hub.embedded.announcement import announcement
from hub.embedded.children import Keeper, Python
from hub.embedded.doorkeeper import Doorkeeper, SpokesHere
from hub.embedded.folder import SAMPLE_STOCK, Folder, Running
from hub.embedded.leaves import NotCut
from hub.embedded.nats import Nats, NatsFailed
from hub.embedded.nats_config import BrokerUser, VendorAccount, nats_config
from hub.embedded.nkey import public_of
from hub.embedded.ports import LOOPBACK, claim_port
from hub.embedded.postgres import Postgres
from hub.settings import ENVIRONMENT_PREFIX, load_settings

READY_SECONDS = 60.0
TASK_SECONDS = 120.0
SAMPLE_BANK = {"BANK__HOLDER": "Wheelwright (sample)", "BANK__IBAN": "DE89370400440532013000"}
"""The account of everybody's examples, so that paying by bank transfer can be tried; no money can be sent there by us."""
DEATHS_MAX = 2
"""A part that dies more often while starting will not come up by waiting."""


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """Where the parts listen, on loopback; 0 takes a free one."""

    http: int = 8000
    postgres: int = 0
    nats: int = 0
    stripe: int = 0


class StartFailed(RuntimeError):
    """A part did not come up; the text says which and where its log is."""


class Supervisor:
    """All parts of one hub on one data folder."""

    def __init__(self, folder: Folder, ports: Ports, settings_file: Path | None = None) -> None:
        self.folder = folder
        self.ports = ports
        self._settings = load_settings(settings_file)
        self._options = ["--settings", str(settings_file.absolute())] if settings_file else []
        self._stop = asyncio.Event()
        self._keepers: list[Keeper] = []

    async def run(self) -> None:
        """Start, serve until SIGINT, SIGTERM or SIGHUP, end every child. Raises what a part's start raised."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` wants it
                loop.add_signal_handler(number, self._stop.set)
        os.umask(0o077)  # what we and our children write is ours alone
        self.folder.claim()
        try:
            with contextlib.suppress(_Stopped):
                await self._start()
                self._tell(announcement(self._url, self.folder))
                await self._keep()
        finally:
            self._end()

    async def _start(self) -> None:
        begun = time.monotonic()
        http = claim_port(self.ports.http, "--port")
        stripe = claim_port(self.ports.stripe, "--stripe-port")
        self._url = f"http://{LOOPBACK}:{http}"
        self._identity = self.folder.identity()
        self._nats = Nats(self.folder.nats, self._broker_text([]), self.ports.nats)
        self._postgres = Postgres(self.folder.postgres, self.ports.postgres)
        self._add("PostgreSQL", self._postgres)
        self._add("NATS", self._nats)
        own_stripe = "WHEELWRIGHT__STRIPE__API_KEY" in os.environ
        self._env = self._environment(http, None if own_stripe else stripe)
        if not own_stripe:
            self._add("sandbox", self._sandbox(stripe))
            await self._until_listening(stripe, "sandbox")
        await self._task("migrate")
        await self._task("seed", "--data", str(self.folder.root))
        self._engine = create_async_engine(self._postgres.url, pool_size=1, max_overflow=0, pool_pre_ping=True)
        here, seed = SpokesHere(self.folder, self._url), self._identity.system_seed
        self._door = Doorkeeper(self._nats, self._engine, here, self._broker_text, system_seed=seed, tell=self._tell)
        await self._door.look()
        self._add("spokes", self._spokes())
        self._add("worker", self._command("worker"))
        self._add("api", self._command("api"))
        await self._until_ready()
        self._add("sample vendors", self._sample_vendors())
        await self._until(lambda: not any(self.folder.exchanges.glob(f"*/{SAMPLE_STOCK}")), "the sample stock was not read", READY_SECONDS)
        self.folder.announce(Running(url=self._url, pid=os.getpid(), environment=self._ours()))
        self._tell(f"ready in {time.monotonic() - begun:.1f} s")

    async def _keep(self) -> None:
        due = time.monotonic()
        while True:
            await self._pause(0.2)
            self._look()
            if (begun := time.monotonic()) >= due:
                try:
                    await self._door.look()
                except (OSError, NatsFailed, NotCut, SQLAlchemyError) as failed:  # one of them restarts: tried again in a second
                    self._tell(f"vendors that come or go have to wait: {failed}")
                took = time.monotonic() - begun
                due = begun + took + max(1, 3 * took)  # hundreds of new vendors cost the broker seconds at each look

    def _end(self) -> None:
        self.folder.withdraw()
        self._tell("stopping")
        for keeper in self._keepers:
            if isinstance(keeper.server, Python) and keeper.name != "sandbox":  # the callers first, all at once
                keeper.server.ask_to_stop()
        for keeper in reversed(self._keepers):
            keeper.server.stop()

    def _broker_text(self, vendors: Sequence[VendorAccount]) -> str:
        hub, system = public_of(self._identity.hub_seed), public_of(self._identity.system_seed)
        leaf = self._settings.nats.leaf_listen
        return nats_config(vendors, hub=BrokerUser(nkey=hub), system=BrokerUser(nkey=system), leaf_listen=leaf)

    def _environment(self, http: int, stripe: int | None) -> dict[str, str]:
        ours = {
            "DATABASE__URL": self._postgres.url,
            "NATS__URL": self._nats.url,
            "NATS__NKEY_SEED": self._identity.hub_seed,
            "HTTP__HOST": LOOPBACK,
            "HTTP__PORT": str(http),
            "HTTP__DRAIN_SECONDS": "0",  # nobody balances between this one and another
            "NOTIFICATIONS__ALLOW_PRIVATE": "true",  # what receives webhooks here is another program on this machine
        }
        if stripe:
            ours |= {
                "STRIPE__BASE_URL": f"http://{LOOPBACK}:{stripe}",
                "STRIPE__API_KEY": self._identity.stripe_key,
                "STRIPE__WEBHOOK_SECRET": self._identity.webhook_secret,
                "STRIPE__CONNECT_WEBHOOK_SECRET": self._identity.connect_webhook_secret,
                "STRIPE__RATE_PER_SECOND": "0",
            }
        if not self._settings.bank.iban:
            ours |= SAMPLE_BANK
        return dict(os.environ) | {ENVIRONMENT_PREFIX + name: value for name, value in ours.items()}

    def _ours(self) -> dict[str, str]:
        return {name: value for name, value in self._env.items() if name.startswith(ENVIRONMENT_PREFIX)}

    def _add(self, name: str, server: Postgres | Nats | Python) -> None:
        self._keepers.append(Keeper(name, server, self._tell))
        if isinstance(server, Python):
            server.launch()
        else:
            server.start()

    def _command(self, name: str, *words: str) -> Python:
        return Python("hub.cli", [name, *words, *self._options], env=self._env, log=self.folder.logs / f"{name}.log")

    def _sandbox(self, port: int) -> Python:
        hooks = f"{self._url}/v1/webhooks/stripe"
        words = ["--data", str(self.folder.sandbox), "--port", str(port), "--onboard"]
        return self._command("sandbox", *words, "--webhook", hooks, "--connect-webhook", f"{hooks}/connect")

    def _spokes(self) -> Python:
        words = ["--all", "--watch", "--config", str(self.folder.spoke_configs), "--data", str(self.folder.spoke_data)]
        return Python("spokes", words, env=self._spoke_env(), log=self.folder.logs / "spokes.log")

    def _sample_vendors(self) -> Python:
        return Python(
            "spokes.sample", [str(self.folder.staff), "--url", self._url], env=self._spoke_env(), log=self.folder.logs / "sample.log"
        )

    def _spoke_env(self) -> dict[str, str]:
        return {name: value for name, value in self._env.items() if name not in self._ours()}  # none of the hub's secrets

    async def _task(self, name: str, *words: str) -> None:
        task = self._command(name, *words)
        task.launch()
        try:
            await self._until(lambda: not task.running, f"hub {name} took too long", TASK_SECONDS)
        finally:
            task.stop()
        if code := task.exit_code():
            raise StartFailed(f"hub {name} failed with {code}; the end of {task.log}:\n{tail(task.log)}")

    async def _until_listening(self, port: int, name: str) -> None:
        await self._until(lambda: _listens(port), f"{name} did not start: see {self.folder.logs / name}.log", READY_SECONDS)

    async def _until_ready(self) -> None:
        await self._until(
            lambda: _answers(f"{self._url}/health/ready"), f"the API did not become ready: see {self.folder.logs}", READY_SECONDS
        )

    async def _until(self, done: Callable[[], bool], complaint: str, patience: float) -> None:
        deadline = time.monotonic() + patience
        while not await asyncio.to_thread(done):
            if time.monotonic() > deadline:
                raise StartFailed(complaint)
            await self._pause(0.05)
            self._look()
            for keeper in self._keepers:
                if keeper.deaths > DEATHS_MAX and isinstance(keeper.server, Python):
                    raise StartFailed(f"{keeper.name} dies again and again; the end of {keeper.server.log}:\n{tail(keeper.server.log)}")

    def _look(self) -> None:
        for keeper in self._keepers:  # here, in the main thread: the kernel ends children with the thread that made them
            keeper.look()

    async def _pause(self, seconds: float) -> None:
        """Wait; raises _Stopped as soon as somebody wants the hub to end."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
            raise _Stopped

    def _tell(self, text: str) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone
            print(text, flush=True)  # noqa: T201 - the supervisor speaks to a terminal


class _Stopped(Exception):
    """Somebody wants the hub to end."""


def tail(log: Path, characters: int = 2_000) -> str:
    """The end of a log."""
    return log.read_text(errors="replace")[-characters:] if log.exists() else ""


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own loopback address
            return answer.status == HTTPStatus.OK
    except OSError:
        return False
