"""What breaks, how often, and how often it did: on the wire, at the provider, and in the worker between acting and recording."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any

import aiohttp
import msgspec

from hub.gateways.stripe.gateway import StripeGateway
from hub.gateways.stripe.wire import App, InProcess, Message, Reply
from hub.runtime.database import HUB, Actor, Database, Transaction
from hub.runtime.trace import Trace
from hub.sandbox.app import SECRET, Sandbox
from hub.sandbox.faults import Mode, Rate

SANDBOX = "http://sandbox"
AT_PROVIDER = 0.285
NOT_CONNECTED, ANSWER_LOST = "not_connected", "answer_lost"
ON_THE_WIRE = {NOT_CONNECTED: 0.04, ANSWER_LOST: 0.05}
"""With the provider's own these strike 0.09 + 0.91 * 0.285 = 35 % of POSTs."""
READING_FAILS = 0.04
CRASH = {"before acting": 0.02, "after acting": 0.05, "before recording": 0.025, "after recording": 0.01}
ACTS = frozenset({"open_payment", "authorize", "void", "capture", "refund", "transfer", "reverse", "pay_out"})
SLOW_SECONDS = 0.02
OK = 200


class Crash(Exception):
    """The worker died here: nothing after this line happened."""


class Trouble:
    """All that goes wrong in one run, drawn from its seed. `calm` ends it."""

    def __init__(self, seed: str, sandbox: Sandbox) -> None:
        self.random = random.Random(f"trouble {seed}")
        self.counts: Counter[str] = Counter()
        self.on = True
        self._sandbox = sandbox
        rate = {
            "match": "POST /v1/*",
            "modes": list(Mode),
            "rate": AT_PROVIDER,
            "seed": self.random.getrandbits(32),
            "seconds": SLOW_SECONDS,
        }
        sandbox.faults.order(msgspec.json.encode(rate))

    def calm(self) -> None:
        """Nothing breaks any more; what did is counted."""
        for rate in self._sandbox.faults.all:
            if isinstance(rate, Rate):
                self.counts.update({str(mode): times for mode, times in rate.struck.items()})
        self._sandbox.faults.clear()
        self.on = False

    @property
    def struck(self) -> float:
        """Which share of POSTs went wrong."""
        modes = [*map(str, Mode), *ON_THE_WIRE]
        return sum(self.counts[mode] for mode in modes) / max(1, self.counts["POST"])

    @property
    def crashes(self) -> int:
        """How often the worker died."""
        return sum(self.counts[f"crash {where}"] for where in CRASH)

    def on_the_wire(self, method: str) -> str | None:
        """How this request fails on its way, if it does."""
        if not self.on:
            return None
        self.counts[method] += 1
        draw = self.random.random()
        for fate, share in ON_THE_WIRE.items():
            rate = share if method == "POST" else READING_FAILS / 2
            if draw < rate:
                self.counts[fate if method == "POST" else f"{fate} reading"] += 1
                return fate
            draw -= rate
        return None

    def crash(self, where: str) -> None:
        """Perhaps die here."""
        if self.on and self.random.random() < CRASH[where]:
            self.counts[f"crash {where}"] += 1
            raise Crash(where)


class ShakyWire(InProcess):
    """To the sandbox, over a bad line; who hangs is hung up on at once, so that no test waits for a time-out."""

    def __init__(self, sandbox: Sandbox, trouble: Trouble) -> None:
        super().__init__(_impatient(sandbox), 10.0)
        self._trouble = trouble

    async def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        fate = self._trouble.on_the_wire(method)
        if fate == NOT_CONNECTED:
            raise aiohttp.ConnectionTimeoutError
        reply = await super().exchange(method, url, headers, body)
        if fate == ANSWER_LOST:
            raise TimeoutError
        return reply


def _impatient(app: App) -> App:
    async def patient_no_more(
        scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        sent = False

        async def receive_once() -> Message:
            nonlocal sent
            if sent:
                return {"type": "http.disconnect"}
            sent = True
            return await receive()

        await app(scope, receive_once, send)

    return patient_no_more


class CrashingGateway:
    """A provider in whose company the worker dies now and then: just before a call that acts, or just after it did."""

    def __init__(self, inner: StripeGateway, trouble: Trouble) -> None:
        self.inner = inner
        self._trouble = trouble

    def __getattr__(self, name: str) -> Any:
        """Everything is the provider's own; what acts is dangerous."""
        found = getattr(self.inner, name)
        return self._dangerous(found) if name in ACTS else found

    def _dangerous(self, act: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def acted(*args: Any, **named: Any) -> Any:
            self._trouble.crash("before acting")
            done = await act(*args, **named)
            self._trouble.crash("after acting")
            return done

        return acted


class CrashingDatabase(Database):
    """The worker's database: what a step wanted to record may be lost with the worker."""

    def __init__(self, calm: Database, trouble: Trouble) -> None:
        self.engine, self.ids, self.after_commit, self.taker = calm.engine, calm.ids, calm.after_commit, calm.taker
        self._trouble = trouble

    def tx(self, actor: Actor = HUB, trace: Trace | None = None) -> Transaction:
        """As ever, unless the worker dies at its end."""
        return CrashingTransaction(self, self._trouble, actor, trace or Trace.new())


class CrashingTransaction(Transaction):
    """Dies before or after it is committed; claiming is spared, for what is claimed and not done is the same as a crash."""

    def __init__(self, database: Database, trouble: Trouble, actor: Actor, trace: Trace) -> None:
        super().__init__(database, actor, trace)
        self._trouble = trouble

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        task = asyncio.current_task()
        performing = kind is None and task is not None and task.get_name().startswith("step:")
        if performing:
            try:
                self._trouble.crash("before recording")
            except BaseException as died:
                await super().__aexit__(type(died), died, died.__traceback__)
                raise
        await super().__aexit__(kind, error, trace)
        if performing:
            self._trouble.crash("after recording")


class Switches:
    """The sandbox's switches, without a new HTTP client each time; a switch that is refused answers None."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._wire = InProcess(sandbox, 10.0)

    async def turn(self, path: str, body: Any = None) -> Any:
        """POST ``/_sandbox/<path>``."""
        headers = {"authorization": f"Bearer {SECRET}"}
        raw, status, _ = await self._wire.exchange("POST", f"{SANDBOX}/_sandbox/{path}", headers, msgspec.json.encode(body or {}))
        return msgspec.json.decode(raw) if status == OK else None
