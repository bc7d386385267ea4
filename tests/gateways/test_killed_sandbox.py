"""A sandbox of its own process, killed with SIGKILL: what it had answered is there when it comes back."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hub.gateways.stripe.gateway import StripeGateway
from hub.payments.ports import InDoubt, NotSent
from hub.sandbox.app import SECRET
from tests.gateways.conftest import AMOUNT, ORDER
from tests.sandbox.controls import turn

SERVE = """
import asyncio, pathlib, sys
from hub.sandbox.serve import serve
asyncio.run(serve(pathlib.Path(sys.argv[1]), ready=lambda address: print(address, flush=True)))
"""
SHARES = 60


@asynccontextmanager
async def process(path: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVE, str(path), stdout=asyncio.subprocess.PIPE)
    assert child.stdout
    try:
        yield child, (await asyncio.wait_for(child.stdout.readline(), 20)).decode().strip()
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


def connect(base: str) -> StripeGateway:
    return StripeGateway(SECRET, base_url=base, timeout=5.0, rate_per_second=None)


async def test_every_share_moves_once_over_a_kill_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    async with process(path) as (child, base):
        gateway = connect(base)
        account = await gateway.open_account("account", vendor="acme", name="Acme", country="DE")
        await turn(None, f"accounts/{account}/onboard", base=base)
        opened = await gateway.open_payment("o", order_id=ORDER, amount=AMOUNT, currency="EUR", payment_method="pm_card_visa")
        held = await gateway.authorize("a", opened.reference)
        taken = await gateway.capture("c", held.reference, AMOUNT)
        share: Any = {"charge": taken.charge, "account": account, "amount": 100, "currency": "EUR", "order_id": ORDER}
        first = {f"t{number}": asyncio.create_task(gateway.transfer(f"t{number}", **share)) for number in range(SHARES)}
        await asyncio.wait(first.values(), return_when=asyncio.FIRST_COMPLETED)
        child.kill()
        await asyncio.wait(first.values())
        await gateway.close()
    done = {key: task.result() for key, task in first.items() if task.exception() is None}
    assert all(isinstance(task.exception(), InDoubt | NotSent | None) for task in first.values())
    assert 0 < len(done) < SHARES, "the kill came too early or too late to prove anything"

    async with process(path) as (_, base):
        gateway = connect(base)
        assert await gateway.capture("c", held.reference, AMOUNT) == taken
        ids = {key: await gateway.transfer(key, **share) for key in first}
        assert done.items() <= ids.items()
        assert len(set(ids.values())) == SHARES
        # 100 shares of 100 fill the charge: had one moved twice, the last would be refused.
        for number in range(SHARES, 100):
            await gateway.transfer(f"t{number}", **share)
        await gateway.close()


async def test_it_starts_fast_because_it_needs_no_stripe() -> None:
    program = "import sys, hub.sandbox.serve; sys.exit('stripe' in sys.modules or 'aiohttp' in sys.modules)"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert await child.wait() == 0


async def test_a_port_in_use_is_an_error(tmp_path: Path) -> None:
    from hub.sandbox.serve import serve

    async with process(tmp_path / "one.db") as (_, base):
        with pytest.raises(OSError, match="in use"):
            await serve(None, port=int(base.rsplit(":", 1)[1]))
