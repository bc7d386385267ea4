"""The breaker opens when nobody answers, never on a refusal; the pace holds calls back before they leave."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from hub.gateways.stripe.breaker import Breaker
from hub.gateways.stripe.gateway import StripeGateway
from hub.gateways.stripe.pace import Pace
from hub.payments.ports import GatewayRefused, InDoubt, NotSent
from tests.gateways.conftest import World

RESET = 0.15


def raising(error: Exception) -> Callable[[], Awaitable[str]]:
    async def call() -> str:
        raise error

    return call


async def fine() -> str:
    return "done"


async def opened() -> Breaker:
    breaker = Breaker("test", fail_max=2, reset_seconds=RESET)
    for error in (InDoubt("?"), NotSent("no")):
        with pytest.raises(type(error)):
            await breaker.run(raising(error))
    assert breaker.state == "open"
    return breaker


class TestBreaker:
    async def test_open_it_lets_nothing_through_and_says_for_how_long(self) -> None:
        breaker = await opened()
        with pytest.raises(NotSent) as no:
            await breaker.run(raising(AssertionError("it was called")))
        assert no.value.retry_after is not None
        assert 0 < no.value.retry_after <= RESET

    async def test_refusals_never_open_it_and_count_as_answers(self) -> None:
        breaker = Breaker("test", fail_max=2, reset_seconds=RESET)
        for error in (InDoubt("?"), *[GatewayRefused("card_declined", "no")] * 5, InDoubt("?")):
            with pytest.raises(type(error)):
                await breaker.run(raising(error))
        assert breaker.state == "closed"

    async def test_one_trial_at_a_time_closes_it_again(self) -> None:
        breaker = await opened()
        await asyncio.sleep(RESET)
        gate = asyncio.Event()

        async def slow() -> str:
            await gate.wait()
            return "done"

        trial = asyncio.create_task(breaker.run(slow))
        await asyncio.sleep(0)
        with pytest.raises(NotSent, match="being tried"):
            await breaker.run(fine)
        gate.set()
        assert await trial == "done"
        assert breaker.state == "closed"

    async def test_a_failed_trial_opens_it_again(self) -> None:
        breaker = await opened()
        await asyncio.sleep(RESET)
        with pytest.raises(InDoubt):
            await breaker.run(raising(InDoubt("?")))
        assert breaker.state == "open"

    async def test_a_cancelled_trial_is_no_outcome(self) -> None:
        breaker = await opened()
        await asyncio.sleep(RESET)
        trial = asyncio.create_task(breaker.run(asyncio.Event().wait))
        await asyncio.sleep(0)
        trial.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trial
        assert breaker.state == "half-open"
        assert await breaker.run(fine) == "done"
        assert breaker.state == "closed"

    async def test_a_straggler_of_before_does_not_count(self) -> None:
        breaker = Breaker("test", fail_max=1, reset_seconds=60)
        gate = asyncio.Event()

        async def straggler() -> str:
            await gate.wait()
            return "done"

        late = asyncio.create_task(breaker.run(straggler))
        await asyncio.sleep(0)
        with pytest.raises(InDoubt):
            await breaker.run(raising(InDoubt("?")))
        gate.set()
        assert await late == "done"
        assert breaker.state == "open"


class TestChangesAreTold:
    async def test_each_once_and_in_order(self) -> None:
        breaker = Breaker("test", fail_max=2, reset_seconds=RESET)
        told: list[str] = []
        breaker.on_change(told.append)
        assert await breaker.run(fine) == "done"
        for error in (InDoubt("?"), NotSent("no")):
            with pytest.raises(type(error)):
                await breaker.run(raising(error))
        with pytest.raises(NotSent):
            await breaker.run(fine)
        assert told == ["open"]
        await asyncio.sleep(RESET)
        assert await breaker.run(fine) == "done"
        assert told == ["open", "half-open", "closed"]

    async def test_a_gateway_tells_that_stripe_is_away_and_back(self, local: World) -> None:
        told: list[str] = []
        local.gateway.breaker.on_change(told.append)
        await local.opened()
        await local.turn("faults", {"match": "*", "mode": "drop_before", "times": 10})
        for _ in range(10):
            with pytest.raises(InDoubt):
                await local.gateway.look_payment("pi_1")
        assert told == ["open"]


class TestPace:
    async def test_a_burst_passes_and_the_rest_waits_its_turn(self) -> None:
        pace = Pace(50.0, seconds=time.monotonic)
        start = time.monotonic()
        await asyncio.gather(*(pace.wait("transfers") for _ in range(60)))
        assert 0.15 < time.monotonic() - start < 1.0
        await pace.wait("refunds")

    async def test_who_would_wait_too_long_is_sent_back(self) -> None:
        pace = Pace(1.0, seconds=lambda: 100.0, longest=0.5)
        await pace.wait("transfers")
        await pace.wait("transfers")
        with pytest.raises(NotSent) as no:
            await pace.wait("transfers")
        assert no.value.retry_after == 1.0
        await pace.wait("refunds")


class TestNobodyThere:
    async def test_a_closed_port_is_not_sent_and_opens_the_breaker(self, unused_tcp_port: int) -> None:
        gateway = StripeGateway("sk_test_x", base_url=f"http://127.0.0.1:{unused_tcp_port}", timeout=2.0, rate_per_second=None)
        for _ in range(10):
            with pytest.raises(NotSent, match="not connected"):
                await gateway.void("v", "pi_1")
        assert gateway.breaker.state == "open"
        with pytest.raises(NotSent, match="not answering"):
            await gateway.void("v", "pi_1")
        await gateway.close()

    async def test_a_proxy_that_is_away_is_not_sent(self, unused_tcp_port: int) -> None:
        gateway = StripeGateway("sk_test_x", base_url="http://127.0.0.1:1", timeout=2.0, proxy=f"http://127.0.0.1:{unused_tcp_port}")
        with pytest.raises(NotSent, match=str(unused_tcp_port)):
            await gateway.void("v", "pi_1")
        await gateway.close()

    @pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", b"not http at all\r\n\r\n"])
    async def test_who_hangs_up_on_us_leaves_us_in_doubt(self, said: bytes) -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(said)
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            gateway = StripeGateway("sk_test_x", base_url=f"http://127.0.0.1:{port}/", timeout=2.0, rate_per_second=None)
            with pytest.raises(InDoubt):
                await gateway.void("v", "pi_1")
            await gateway.close()
