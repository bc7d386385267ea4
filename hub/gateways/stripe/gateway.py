"""`PaymentGateway` on Stripe, put together from its parts: every call carries its frozen key, a refusal is believed only after a look."""

import time

import stripe

from hub.gateways.stripe.accounts import Accounts
from hub.gateways.stripe.breaker import Breaker
from hub.gateways.stripe.caller import Caller
from hub.gateways.stripe.customers import Customers
from hub.gateways.stripe.disputes import Disputes
from hub.gateways.stripe.pace import Pace
from hub.gateways.stripe.payments import Payments
from hub.gateways.stripe.payouts import Payouts
from hub.gateways.stripe.quiet import hush
from hub.gateways.stripe.readings import Readings
from hub.gateways.stripe.refunds import Refunds
from hub.gateways.stripe.transfers import Transfers
from hub.gateways.stripe.wire import Network, Wire
from hub.payments.facts import Abilities

NAME = "stripe"
ABILITIES = Abilities(holds=True, online=True, accounts=True, disputes=True, saves=True)


class StripeGateway(Payments, Customers, Refunds, Transfers, Accounts, Payouts, Disputes, Readings):
    """One Stripe account as platform. To be used and closed on one event loop.

    `base_url` None is Stripe itself; `timeout` is seconds for a whole call; `rate_per_second` is per endpoint (Stripe
    allows 25 by default, docs.stripe.com/rate-limits), None for the sandbox. Every object we make carries its key in
    ``metadata.step``, by which it is found again when Stripe has forgotten or spoiled the key.
    """

    def __init__(  # settings, all by name
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        timeout: float = 20.0,
        rate_per_second: float | None = 20.0,
        proxy: str | None = None,
        wire: Wire | None = None,
    ) -> None:
        hush()
        self._wire = wire or Network(timeout, proxy=proxy)
        self.breaker = Breaker(NAME)
        client = stripe.StripeClient(
            api_key,
            base_addresses={"api": base_url.rstrip("/")} if base_url else {},
            http_client=self._wire,
            max_network_retries=0,  # the step outbox asks again, with the same key
        )
        super().__init__(Caller(client, Pace(rate_per_second, seconds=time.monotonic), self.breaker))

    @property
    def name(self) -> str:
        """What stands in `payments.gateway`."""
        return NAME

    @property
    def answers(self) -> bool:
        """Until the circuit opens."""
        return self.breaker.state != "open"

    @property
    def abilities(self) -> Abilities:
        """All of them."""
        return ABILITIES

    async def close(self) -> None:
        """Let go of the connections."""
        await self._wire.close_async()
