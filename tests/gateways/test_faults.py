"""Every fault on every call: the same key asked again ends with exactly one object, and the money moved once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hub.gateways.stripe.gateway import StripeGateway
from hub.gateways.stripe.outcomes import BURNT
from hub.payments.ports import GatewayRefused, InDoubt, NotSent
from tests.gateways.conftest import AMOUNT, ORDER, SHORT, World

Step = Callable[[StripeGateway, str], Awaitable[Any]]
TRIES_MAX = 10

DOUBT = {"hang_before", "hang_after", "drop_before", "drop_after", "500_before", "500_saved", "garbage", "slow"}
MODES = sorted(DOUBT | {"429"})


async def opening(world: World) -> tuple[str, Step]:
    del world
    return "POST /v1/payment_intents", lambda gateway, key: gateway.open_payment(
        key, order_id=ORDER, amount=AMOUNT, currency="EUR", payment_method="pm_card_visa"
    )


async def authorizing(world: World) -> tuple[str, Step]:
    reference = await world.opened()
    return "POST /v1/payment_intents/*/confirm", lambda gateway, key: gateway.authorize(key, reference)


async def capturing(world: World) -> tuple[str, Step]:
    held = await world.held()
    return "POST /v1/payment_intents/*/capture", lambda gateway, key: gateway.capture(key, held.reference, 9_000)


async def voiding(world: World) -> tuple[str, Step]:
    held = await world.held()
    return "POST /v1/payment_intents/*/cancel", lambda gateway, key: gateway.void(key, held.reference)


async def refunding(world: World) -> tuple[str, Step]:
    taken = await world.captured()
    return "POST /v1/refunds", lambda gateway, key: gateway.refund(key, charge=taken.charge, amount=4_000, order_id=ORDER)


async def transferring(world: World) -> tuple[str, Step]:
    account, taken = await world.account(), await world.captured()
    return "POST /v1/transfers", lambda gateway, key: gateway.transfer(
        key, charge=taken.charge, account=account, amount=4_000, currency="EUR", order_id=ORDER
    )


async def joining(world: World) -> tuple[str, Step]:
    del world
    return "POST /v1/accounts", lambda gateway, key: gateway.open_account(key, vendor="acme", name="Acme", country="DE")


STEPS = [opening, authorizing, capturing, voiding, refunding, transferring, joining]
EFFECTS: dict[str, tuple[str, dict[str, Any]]] = {
    "opening": ("payment_intent", {}),
    "authorizing": ("charge", {"status": "succeeded"}),
    "capturing": ("balance_transaction", {"type": "charge", "amount": 9_000}),
    "voiding": ("payment_intent", {"status": "canceled"}),
    "refunding": ("refund", {"amount": 4_000}),
    "transferring": ("transfer", {"amount": 4_000}),
    "joining": ("account", {}),
}


async def until_settled(gateway: StripeGateway, step: Step, key: str) -> tuple[Any, list[Exception]]:
    """Ask with one key until there is a definite answer, as the step outbox does."""
    failures: list[Exception] = []
    for _ in range(TRIES_MAX):
        try:
            return await step(gateway, key), failures
        except (InDoubt, NotSent) as failure:
            failures.append(failure)
            await asyncio.sleep(0.05)
    raise AssertionError(failures)


async def check_one_fault(world: World, arrange: Callable[[World], Any], mode: str) -> None:
    match, step = await arrange(world)
    await world.turn("faults", {"match": match, "mode": mode, "seconds": 2 * SHORT})
    hangs = mode in {"hang_before", "hang_after", "slow"}
    answer, failures = await until_settled(world.connect(SHORT) if hangs else world.gateway, step, "the key")

    [fault] = (await world.turn("faults", method="GET"))["faults"]
    assert fault["struck"] == 1, "the fault never struck"
    assert failures, "the fault was not felt"
    assert isinstance(failures[0], NotSent if mode == "429" else InDoubt)
    await asyncio.sleep(SHORT if mode == "slow" else 0)
    kind, equal = EFFECTS[arrange.__name__]
    assert len(world.kept(kind, **equal)) == 1
    assert await step(world.gateway, "the key") == answer


@pytest.mark.parametrize("mode", MODES)
class TestOneFault:
    @pytest.mark.parametrize("arrange", STEPS, ids=lambda arrange: arrange.__name__)
    async def test_the_same_key_ends_with_one_effect(self, local: World, arrange: Callable[[World], Any], mode: str) -> None:
        await check_one_fault(local, arrange, mode)

    @pytest.mark.parametrize("arrange", [capturing, transferring], ids=lambda arrange: arrange.__name__)
    async def test_also_where_a_connection_really_hangs_or_breaks(self, remote: World, arrange: Callable[[World], Any], mode: str) -> None:
        await check_one_fault(remote, arrange, mode)


@pytest.mark.parametrize("arrange", STEPS, ids=lambda arrange: arrange.__name__)
class TestABurntKey:
    async def test_a_500_saved_before_anything_was_done_is_final_for_the_key(self, local: World, arrange: Callable[[World], Any]) -> None:
        match, step = await arrange(local)
        await local.turn("faults", {"match": match, "mode": "500_burnt"})
        with pytest.raises(InDoubt):
            await step(local.gateway, "key:1")
        with pytest.raises(GatewayRefused) as burnt:
            await step(local.gateway, "key:1")
        assert burnt.value.code == BURNT
        kind, equal = EFFECTS[arrange.__name__]
        assert not local.kept(kind, **equal)
        await step(local.gateway, "key:2")
        assert len(local.kept(kind, **equal)) == 1


class TestTwins:
    async def test_many_at_once_with_one_key_make_one_transfer(self, world: World) -> None:
        _, step = await transferring(world)
        answers = await asyncio.gather(*(until_settled(world.gateway, step, "the key") for _ in range(20)))
        assert len({answer for answer, _ in answers}) == 1
        assert len(world.kept("transfer")) == 1
