"""The gateway on the sandbox, watched, once in process and once over a socket."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hub.gateways.stripe.gateway import StripeGateway
from hub.gateways.stripe.wire import InProcess, Wire
from hub.payments.facts import Captured, PaymentFacts
from hub.payments.ports import PaymentGateway
from hub.sandbox.app import SECRET, create_sandbox
from hub.sandbox.serve import running
from hub.sandbox.store import PLATFORM
from tests.sandbox.controls import turn
from tests.sandbox.watched import Message, Watched

ORDER = "ord_1"
AMOUNT = 10_000
SHORT = 0.15
"""Seconds after which a call that hangs on purpose is given up."""


class World:
    """A sandbox and gateways on it."""

    def __init__(self, watched: Watched, base: str | None) -> None:
        self.watched = watched
        self.base = base
        self._gateways: list[StripeGateway] = []
        self.gateway = self.connect()

    def connect(self, timeout: float = 10.0, secret: str = SECRET, wire: Wire | None = None) -> StripeGateway:
        wire = wire or (None if self.base else InProcess(self.watched, timeout))
        gateway = StripeGateway(secret, base_url=self.base or "http://sandbox", timeout=timeout, rate_per_second=None, wire=wire)
        self._gateways.append(gateway)
        return gateway

    async def close(self) -> None:
        for gateway in self._gateways:
            await gateway.close()

    async def turn(self, path: str, body: dict[str, Any] | None = None, **how: Any) -> dict[str, Any]:
        return await turn(self.watched, path, body, **how)

    def kept(self, kind: str, *, owner: str = PLATFORM, **equal: Any) -> list[dict[str, Any]]:
        """What the sandbox remembers, whatever it answered."""
        return self.watched.sandbox.store.find(kind, owner, [(f"$.{name}", "=", value) for name, value in equal.items()])

    async def opened(self, key: str = "open", payment_method: str = "pm_card_visa") -> str:
        paid = await self.gateway.open_payment(key, order_id=ORDER, amount=AMOUNT, currency="EUR", payment_method=payment_method)
        return paid.reference

    async def held(self) -> PaymentFacts:
        return await self.gateway.authorize("authorize", await self.opened())

    async def captured(self, amount: int = AMOUNT) -> Captured:
        return await self.gateway.capture("capture", (await self.held()).reference, amount)

    async def available(self) -> None:
        """Money that may be paid out."""
        await self.captured()
        await self.turn("advance", {"seconds": 3 * 86_400})

    async def account(self) -> str:
        account = await self.gateway.open_account("account", vendor="acme", name="Acme", country="DE")
        await self.turn(f"accounts/{account}/onboard")
        return account


@asynccontextmanager
async def in_process() -> AsyncGenerator[World]:
    watched = Watched(create_sandbox())
    world = World(watched, None)
    yield world
    await world.close()
    watched.sandbox.close()
    approve(watched)


class Front:
    """What the session's one server serves: the sandbox of the test that runs."""

    def __init__(self) -> None:
        self.base = ""
        self.behind: Watched | None = None

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
        assert self.behind or scope["type"] == "lifespan"
        if self.behind:
            await self.behind(scope, receive, send)


@pytest_asyncio.fixture(scope="session")
async def front() -> AsyncIterator[Front]:
    """A port for the session; starting and stopping a server for every test would take most of the time."""
    made = Front()
    async with running(made) as made.base:
        yield made
        made.behind = None


@asynccontextmanager
async def over_a_socket(front: Front, path: Path) -> AsyncGenerator[World]:
    front.behind = watched = Watched(create_sandbox(path))
    world = World(watched, front.base)
    yield world
    await world.close()
    watched.sandbox.close()
    approve(watched)


def approve(watched: Watched) -> None:
    """Fails the test if anything that was said is not as Stripe says it."""
    assert watched.checked
    assert not watched.violations, "\n".join(watched.violations)


@pytest.fixture(params=["in process", "over a socket"])
async def world(request: pytest.FixtureRequest, front: Front, tmp_path: Path) -> AsyncIterator[World]:
    """Both ways to reach a sandbox."""
    async with in_process() if request.param == "in process" else over_a_socket(front, tmp_path / "sandbox.db") as made:
        proof: PaymentGateway = made.gateway  # the port, checked by the type checker
        assert proof
        yield made


@pytest.fixture
async def local() -> AsyncIterator[World]:
    """In process only."""
    async with in_process() as made:
        yield made


@pytest.fixture
async def remote(front: Front, tmp_path: Path) -> AsyncIterator[World]:
    """Over a socket only."""
    async with over_a_socket(front, tmp_path / "sandbox.db") as made:
        yield made
