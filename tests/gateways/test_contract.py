"""Stripe's gateway keeps the contract of `PaymentGateway`, in process and over a socket."""

import pytest

from tests.gateways.conftest import World
from tests.gateways.contract import GatewayContract, Kind

KINDS: dict[Kind, str] = {
    "payments": "payment_intent",
    "refunds": "refund",
    "transfers": "transfer",
    "reversals": "transfer_reversal",
    "payouts": "payout",
}


class StripeProvider:
    """The sandbox with a test's hands on it."""

    method = "pm_card_visa"

    def __init__(self, world: World) -> None:
        self.gateway = world.gateway
        self._world = world

    async def buyer_pays(self, reference: str, amount: int) -> None:
        del amount
        await self._world.turn(f"payment_intents/{reference}/authenticate")

    async def settle(self) -> None:
        """Stripe acts by itself."""

    async def advance(self, seconds: int) -> None:
        await self._world.turn("advance", {"seconds": seconds})

    async def vendor(self, *, ready: bool = True) -> str:
        account = await self.gateway.open_account("account", vendor="acme", name="Acme", country="DE")
        if ready:
            await self._world.turn(f"accounts/{account}/onboard")
        return account

    def count(self, kind: Kind) -> int:
        return len(self._world.kept(KINDS[kind]))


class AuthenticatedProvider(StripeProvider):
    """The buyer's bank wants to be asked each time."""

    method = "pm_card_authenticationRequired"


class TestStripe(GatewayContract):
    """With a card that just works."""

    @pytest.fixture
    def provider(self, world: World) -> StripeProvider:
        return StripeProvider(world)


class TestStripeWithAuthentication(GatewayContract):
    """With a card that waits for its holder."""

    @pytest.fixture
    def provider(self, local: World) -> StripeProvider:
        return AuthenticatedProvider(local)
