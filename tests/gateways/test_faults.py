"""Every fault on every call: the same key asked again ends with exactly one object, and the money moved once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from hub.gateways.stripe.caller import KEYS_MAX
from hub.gateways.stripe.gateway import StripeGateway
from hub.gateways.stripe.outcomes import BURNT
from hub.gateways.stripe.wire import App, InProcess, Reply
from hub.payments.ports import GatewayRefused, InDoubt, NotSent
from tests.gateways.conftest import AMOUNT, ORDER, SHORT, World
from tests.sandbox.watched import Watched

Step = Callable[[StripeGateway, str], Awaitable[Any]]
Arrange = Callable[[World], Awaitable[tuple[str, Step]]]
TRIES_MAX = 16

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
    return "POST /v1/refunds", lambda gateway, key: gateway.refund(key, charge=taken.charge, amount=4_000, currency="EUR", order_id=ORDER)


async def transferring(world: World) -> tuple[str, Step]:
    account, taken = await world.account(), await world.captured()
    return "POST /v1/transfers", lambda gateway, key: gateway.transfer(
        key, charge=taken.charge, account=account, amount=4_000, currency="EUR", order_id=ORDER
    )


async def crediting(world: World) -> tuple[str, Step]:
    """A transfer of available money, of no charge."""
    account = await world.account()
    await world.available()
    return "POST /v1/transfers", lambda gateway, key: gateway.transfer(
        key, charge=None, account=account, amount=4_000, currency="EUR", order_id="cr_1"
    )


async def reversing(world: World) -> tuple[str, Step]:
    _, step = await transferring(world)
    moved = await step(world.gateway, "share")
    return "POST /v1/transfers/*/reversals", lambda gateway, key: gateway.reverse(key, transfer=moved, amount=1_500, order_id=ORDER)


async def paying_out(world: World) -> tuple[str, Step]:
    await world.available()
    return "POST /v1/payouts", lambda gateway, key: gateway.pay_out(key, account=None, amount=4_000, currency="EUR")


async def joining(world: World) -> tuple[str, Step]:
    del world
    return "POST /v1/accounts", lambda gateway, key: gateway.open_account(key, vendor="acme", name="Acme", country="DE")


async def meeting(world: World) -> tuple[str, Step]:
    del world
    return "POST /v1/customers", lambda gateway, key: gateway.open_customer(key, customer_id="cus_of_ours")


STEPS = [opening, authorizing, capturing, voiding, refunding, transferring, crediting, reversing, paying_out, joining, meeting]
EFFECTS: dict[str, tuple[str, dict[str, Any]]] = {
    "opening": ("payment_intent", {}),
    "authorizing": ("charge", {"status": "succeeded"}),
    "capturing": ("balance_transaction", {"type": "charge", "amount": 9_000}),
    "voiding": ("payment_intent", {"status": "canceled"}),
    "refunding": ("refund", {"amount": 4_000}),
    "transferring": ("transfer", {"amount": 4_000}),
    "crediting": ("transfer", {"amount": 4_000}),
    "reversing": ("transfer_reversal", {"amount": 1_500}),
    "paying_out": ("payout", {"amount": 4_000}),
    "joining": ("account", {}),
    "meeting": ("customer", {}),
}
every_step = pytest.mark.parametrize("arrange", STEPS, ids=lambda arrange: arrange.__name__)


def effects(world: World, arrange: Arrange) -> int:
    kind, equal = EFFECTS[getattr(arrange, "__name__", "")]
    return len(world.kept(kind, **equal))


async def until_settled(gateway: StripeGateway, step: Step, key: str) -> tuple[Any, list[Exception]]:
    """Ask with one key until there is a definite answer, as the step outbox does."""
    failures: list[Exception] = []
    for _ in range(TRIES_MAX):
        try:
            return await step(gateway, key), failures
        except (InDoubt, NotSent) as failure:
            failures.append(failure)
            await asyncio.sleep(0.05 if "in-progress" in str(failure) else 0)
    raise AssertionError(failures)


async def check_one_fault(world: World, arrange: Arrange, mode: str) -> None:
    match, step = await arrange(world)
    await world.turn("faults", {"match": match, "mode": mode, "seconds": 2 * SHORT})
    hangs = mode in {"hang_before", "hang_after", "slow"}
    answer, failures = await until_settled(world.connect(SHORT) if hangs else world.gateway, step, "the key")

    [fault] = (await world.turn("faults", method="GET"))["faults"]
    assert fault["struck"] == 1, "the fault never struck"
    assert failures, "the fault was not felt"
    assert isinstance(failures[0], NotSent if mode == "429" else InDoubt)
    await asyncio.sleep(SHORT if mode == "slow" else 0)
    assert effects(world, arrange) == 1
    assert await step(world.gateway, "the key") == answer


@pytest.mark.parametrize("mode", MODES)
class TestOneFault:
    @every_step
    async def test_the_same_key_ends_with_one_effect(self, local: World, arrange: Arrange, mode: str) -> None:
        await check_one_fault(local, arrange, mode)

    @pytest.mark.parametrize("arrange", [capturing, transferring], ids=lambda arrange: arrange.__name__)
    async def test_also_where_a_connection_really_hangs_or_breaks(self, remote: World, arrange: Arrange, mode: str) -> None:
        await check_one_fault(remote, arrange, mode)


class Crash(BaseException):
    """The process is killed."""


class Dying(InProcess):
    """Dies over a call: `lives` of them pass, then it dies `before` the next one reaches Stripe or after Stripe has acted."""

    def __init__(self, app: App, lives: int, *, before: bool) -> None:
        super().__init__(app, 10.0)
        self.lives, self.before = lives, before

    async def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        self.lives -= 1
        if self.lives < 0 and self.before:
            raise Crash
        reply = await super().exchange(method, url, headers, body)
        if self.lives < 0:
            raise Crash
        return reply


async def burn(world: World, match: str, keys: int) -> None:
    """Spoil so many fresh keys of the chain; the calls in between only hear again that an earlier one is spoiled."""
    for number in range(keys):
        await world.turn("faults", {"match": match, "mode": "500_burnt", "skip": number * (number + 1) // 2})


async def crash_at(world: World, app: Watched, step: Step, lives: int, *, before: bool) -> bool:
    """Whether the process died before there was a definite answer."""
    try:
        await until_settled(world.connect(wire=Dying(app, lives, before=before)), step, "the key")
    except Crash:
        return True
    return False


@every_step
class TestABurntKey:
    """Stripe saved a 500 under the key before anything was done: that key never answers again."""

    @pytest.mark.parametrize("times", [1, 2, KEYS_MAX - 1])
    async def test_the_next_key_of_the_chain_acts(self, local: World, arrange: Arrange, times: int) -> None:
        match, step = await arrange(local)
        await burn(local, match, times)
        answer, failures = await until_settled(local.gateway, step, "the key")
        assert len(failures) == times
        assert effects(local, arrange) == 1
        assert await step(local.gateway, "the key") == answer
        assert effects(local, arrange) == 1

    async def test_a_chain_that_is_burnt_to_its_end_is_refused(self, local: World, arrange: Arrange) -> None:
        match, step = await arrange(local)
        await burn(local, match, KEYS_MAX)
        with pytest.raises(GatewayRefused) as burnt:
            await until_settled(local.gateway, step, "the key")
        assert burnt.value.code == BURNT
        assert effects(local, arrange) == 0

    @pytest.mark.parametrize("mode", ["500_saved", "drop_after", "drop_before", "500_burnt"])
    async def test_another_fault_on_the_next_key(self, local: World, arrange: Arrange, mode: str) -> None:
        match, step = await arrange(local)
        await burn(local, match, 1)
        await local.turn("faults", {"match": match, "mode": mode, "skip": 1})
        answer, _ = await until_settled(local.gateway, step, "the key")
        assert effects(local, arrange) == 1
        assert await step(local.gateway, "the key") == answer

    @pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
    async def test_a_crash_at_any_call_ends_with_one_effect(self, local: World, arrange: Arrange, before: bool) -> None:
        match, step = await arrange(local)
        await burn(local, match, 2)
        crashes = 0
        for lives in range(30):
            if not await crash_at(local, local.watched, step, lives, before=before):
                break
            crashes += 1
        assert crashes > 2, "it never died"
        assert effects(local, arrange) == 1
        await step(local.gateway, "the key")
        assert effects(local, arrange) == 1


class TestTwins:
    async def test_many_at_once_with_one_key_make_one_transfer(self, world: World) -> None:
        _, step = await transferring(world)
        answers = await asyncio.gather(*(until_settled(world.gateway, step, "the key") for _ in range(20)))
        assert len({answer for answer, _ in answers}) == 1
        assert len(world.kept("transfer")) == 1

    async def test_many_at_once_over_a_burnt_key_make_one_transfer(self, world: World) -> None:
        match, step = await transferring(world)
        await world.turn("faults", {"match": match, "mode": "500_burnt"})
        answers = await asyncio.gather(*(until_settled(world.gateway, step, "the key") for _ in range(20)))
        assert len({answer for answer, _ in answers}) == 1
        assert len(world.kept("transfer")) == 1
