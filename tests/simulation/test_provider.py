"""The simulated provider keeps the port's contract, and a seed tells one story."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hub.payments.facts import PaymentPhase, Settling
from hub.payments.ports import GatewayRefused, InDoubt, NotSent, PaymentGateway
from hub.simulation.nature import Nature
from hub.simulation.process import Process
from hub.simulation.provider import FAULTS, Provider, SimulatedGateway
from tests.gateways.contract import DAY, GatewayContract, Kind
from tests.simulation.provider_play import World, play


class Shifted(Nature):
    """On the ordinary loop, with a clock that can be put forward."""

    offset = 0.0

    def unix(self) -> float:
        return super().unix() + self.offset


class SimulatedProvider:
    """The provider with a test's hands on it."""

    method = "pm_card_visa"

    def __init__(self) -> None:
        self._nature = Shifted(1, {})
        self.provider = Provider(self._nature)
        self.gateway: PaymentGateway = SimulatedGateway(self.provider, Process(self._nature, "worker"), latency=0)

    async def buyer_pays(self, reference: str, amount: int) -> None:
        del amount
        assert self.provider.confirm(reference)

    async def settle(self) -> None:
        """It acts by itself."""

    async def advance(self, seconds: int) -> None:
        self._nature.offset += seconds

    async def vendor(self, *, ready: bool = True) -> str:
        account = await self.gateway.open_account("account", vendor="acme", name="Acme", country="DE")
        if ready:
            self.provider.onboard(account)
        return account

    def count(self, kind: Kind) -> int:
        return len(getattr(self.provider, kind)())


class AskingProvider(SimulatedProvider):
    """The buyer's bank wants to be asked each time."""

    method = "pm_card_authenticationRequired"


class TestContract(GatewayContract):
    @pytest.fixture
    def provider(self) -> SimulatedProvider:
        return SimulatedProvider()


class TestContractWithAuthentication(GatewayContract):
    @pytest.fixture
    def provider(self) -> SimulatedProvider:
        return AskingProvider()


async def trade(world: World) -> None:
    """A hundred orders with everything that can go wrong, each call repeated under its key until there is an answer."""

    async def insist(call: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        while True:
            try:
                return await call()
            except (InDoubt, NotSent) as error:
                await asyncio.sleep(getattr(error, "retry_after", None) or 1)

    async def order(number: int, account: str) -> None:
        await asyncio.sleep(number)
        key = f"o{number}"
        method = "pm_card_authenticationRequired" if number % 3 == 0 else "pm_card_visa"
        gateway = world.gateway
        reference = await insist(lambda: world.opened(f"{key}.open", method=method, order=key))
        try:
            facts = await insist(lambda: gateway.authorize(f"{key}.confirm", reference))
            while facts.phase is PaymentPhase.WAITING:
                await asyncio.sleep(600)
                facts = await insist(lambda: gateway.authorize(f"{key}.confirm", reference))
                if world.now() > 2 * DAY:
                    return await insist(lambda: gateway.void(f"{key}.void", reference))
            taken = await insist(lambda: gateway.capture(f"{key}.capture", reference, 9_000))
            await insist(
                lambda: gateway.transfer(f"{key}.share", charge=taken.charge, account=account, amount=7_000, currency="EUR", order_id=key)
            )
            await insist(lambda: world.refund(f"{key}.refund", taken.charge, 500))
        except GatewayRefused:
            return None

    account = await insist(lambda: world.gateway.open_account("account", vendor="acme", name="Acme", country="DE"))
    world.provider.onboard(account)
    await asyncio.gather(*(order(number, account) for number in range(100)))
    await asyncio.sleep(40 * DAY)
    world.provider.arrive()


EVERYTHING = dict.fromkeys(FAULTS, 0.1)


class TestSeeds:
    def test_every_fault_struck_and_every_key_acted_once(self) -> None:
        world = play(EVERYTHING | {"vendor_never_onboards": 0.0}, trade)
        expected = {name for name in FAULTS if name not in {"vendor_never_onboards", "payout_fails"}}
        assert {name for name in FAULTS if world.nature.struck[name]} == expected
        provider = world.provider
        for made in (provider.payments_by, provider.charges_by, provider.transfers_by, provider.refunds_by):
            keys = [one.key for one in made.values()]
            assert len(keys) == len(set(keys)) > 10

    def test_the_books_are_what_was_done(self) -> None:
        provider = play(EVERYTHING, trade).provider
        moved = sum(one.net for one in provider.movements())
        charged = sum(one.amount - one.fee for one in provider.charges_by.values())
        refunded = sum(one.amount for one in provider.refunds_by.values() if one.moved and one.state is not Settling.FAILED)
        transferred = sum(one.amount for one in provider.transfers_by.values())
        disputed = sum(one.net for each in provider.disputes_by.values() for one in each.movements)
        assert moved == charged - refunded - transferred + disputed

    def test_a_seed_tells_one_story(self) -> None:
        first, again, other = (play(EVERYTHING, trade, seed=seed, telling=True) for seed in (7, 7, 8))
        assert first.nature.story == again.nature.story
        assert first.provider.movements() == again.provider.movements()
        assert first.nature.struck == again.nature.struck
        assert first.nature.story != other.nature.story
