"""`PaymentGateway` on Stripe: every call carries its frozen key, and a refusal is believed only after a look at the object."""

import time
from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

import stripe

from hub.gateways.stripe.breaker import Breaker
from hub.gateways.stripe.outcomes import BURNT, failure
from hub.gateways.stripe.pace import Pace
from hub.gateways.stripe.wire import Network, Wire
from hub.payments.ports import Authorized, Captured, GatewayRefused, InDoubt, NotSent, Opened

stripe.enable_telemetry = False

T = TypeVar("T")

PAGE = 100


class StripeGateway:
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
        self._wire = wire or Network(timeout, proxy=proxy)
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": base_url.rstrip("/")} if base_url else {},
            http_client=self._wire,
            max_network_retries=0,  # the step outbox asks again, with the same key
        )
        self._pace = Pace(rate_per_second, seconds=time.monotonic)
        self.breaker = Breaker("stripe")

    async def close(self) -> None:
        """Let go of the connections."""
        await self._wire.close_async()

    async def open_payment(self, key: str, *, order_id: str, amount: int, currency: str, payment_method: str) -> Opened:
        """A payment intent, not confirmed, to be captured by us."""

        async def create() -> stripe.PaymentIntent:
            return await self._client.v1.payment_intents.create_async(
                {
                    "amount": amount,
                    "currency": currency.lower(),
                    "payment_method": payment_method,
                    "capture_method": "manual",
                    "confirm": False,
                    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                    "transfer_group": order_id,
                    "metadata": {"order_id": order_id, "step": key},
                },
                {"idempotency_key": key},
            )

        async def look() -> stripe.PaymentIntent | None:
            found = await self._client.v1.payment_intents.search_async({"query": f"metadata['step']:'{key}'"})
            return found.data[0] if found.data else None

        intent = await self._do("open_payment", create, look, only_if=BURNT)
        return Opened(reference=intent.id)

    async def authorize(self, key: str, reference: str) -> Authorized:
        """Confirm. A payment that wants the holder's authentication is refused as ``authentication_required``."""

        async def confirm() -> stripe.PaymentIntent:
            return await self._client.v1.payment_intents.confirm_async(reference, {"expand": ["latest_charge"]}, {"idempotency_key": key})

        look = self._look(reference, {"requires_capture", "succeeded", "requires_action", "processing"})
        intent = await self._do("authorize", confirm, look)
        match intent.status:
            case "requires_capture" | "succeeded":
                return Authorized(reference=intent.id, capture_before=_capture_before(intent))
            case "requires_action":
                raise GatewayRefused("authentication_required", "the bank wants the buyer to authenticate this payment")
            case "requires_payment_method" | "canceled":
                raise GatewayRefused("card_declined", f"the payment is {intent.status}")
            case _:
                raise InDoubt(f"the payment is {intent.status}")

    async def void(self, key: str, reference: str) -> None:
        """Cancel. Already canceled is done; already captured is refused as ``already_captured``."""

        async def cancel() -> stripe.PaymentIntent:
            return await self._client.v1.payment_intents.cancel_async(reference, {}, {"idempotency_key": key})

        intent = await self._do("void", cancel, self._look(reference, {"canceled", "succeeded"}))
        if intent.status == "succeeded":
            raise GatewayRefused("already_captured", "the payment was captured and can only be refunded")

    async def capture(self, key: str, reference: str, amount: int) -> Captured:
        """Take `amount`. Captured before with another amount is refused as ``already_captured``."""

        async def take() -> stripe.PaymentIntent:
            return await self._client.v1.payment_intents.capture_async(
                reference, {"amount_to_capture": amount, "expand": ["latest_charge.balance_transaction"]}, {"idempotency_key": key}
            )

        intent = await self._do("capture", take, self._look(reference, {"succeeded"}))
        if intent.amount_received != amount:
            raise GatewayRefused("already_captured", f"{intent.amount_received} was captured instead of {amount}")
        charge = intent.latest_charge
        if not isinstance(charge, stripe.Charge):
            raise InDoubt("the captured payment came without its charge")
        return Captured(reference=intent.id, charge=charge.id, amount=amount, fee=await self._fee(charge))

    async def refund(self, key: str, *, charge: str, amount: int, order_id: str) -> str:
        """Refund a part of a charge; adopted by its key if Stripe says that it is already refunded."""

        async def create() -> stripe.Refund:
            return await self._client.v1.refunds.create_async(
                {"charge": charge, "amount": amount, "metadata": {"order_id": order_id, "step": key}}, {"idempotency_key": key}
            )

        return _standing(await self._do("refund", create, lambda: self._refund_of(key, charge)))

    async def find_refund(self, key: str, *, charge: str) -> str | None:
        """By ``metadata.step`` among the charge's refunds."""
        found = await self._ask("look:refund", lambda: self._refund_of(key, charge), after_the_act=True)
        return None if found is None else _standing(found)

    async def transfer(self, key: str, *, charge: str, account: str, amount: int, currency: str, order_id: str) -> str:
        """Transfer from the charge, which works before its funds are available; grouped by order."""

        async def create() -> stripe.Transfer:
            return await self._client.v1.transfers.create_async(
                {
                    "amount": amount,
                    "currency": currency.lower(),
                    "destination": account,
                    "source_transaction": charge,
                    "transfer_group": order_id,
                    "metadata": {"order_id": order_id, "step": key},
                },
                {"idempotency_key": key},
            )

        transfer = await self._do("transfer", create, lambda: self._transfer_of(key, order_id))
        return transfer.id

    async def find_transfer(self, key: str, *, order_id: str) -> str | None:
        """By ``metadata.step`` among the order's transfers."""
        found = await self._ask("look:transfer", lambda: self._transfer_of(key, order_id), after_the_act=True)
        return None if found is None else found.id

    async def may_receive(self, account: str) -> bool:
        """Whether the transfers capability is active (not ``charges_enabled``: a recipient need not take charges)."""
        found = await self._ask("account", lambda: self._client.v1.accounts.retrieve_async(account))
        return found.capabilities is not None and getattr(found.capabilities, "transfers", None) == "active"

    async def open_account(self, key: str, *, vendor: str, name: str, country: str) -> str:
        """A connected account that may receive transfers once it is onboarded; its losses and fees are the platform's."""

        async def create() -> stripe.Account:
            return await self._client.v1.accounts.create_async(
                {
                    "country": country,
                    "business_profile": {"name": name},
                    "capabilities": {"transfers": {"requested": True}},
                    "controller": {
                        "fees": {"payer": "application"},
                        "losses": {"payments": "application"},
                        "requirement_collection": "stripe",
                        "stripe_dashboard": {"type": "express"},
                    },
                    "metadata": {"vendor": vendor, "step": key},
                },
                {"idempotency_key": key},
            )

        async def look() -> stripe.Account | None:
            page = await self._client.v1.accounts.list_async({"limit": PAGE})
            return next((found for found in page.data if _step(found.metadata) == key), None)

        account = await self._do("open_account", create, look, only_if=BURNT)
        return account.id

    async def _refund_of(self, key: str, charge: str) -> stripe.Refund | None:
        page = await self._client.v1.refunds.list_async({"charge": charge, "limit": PAGE})
        async for found in page.auto_paging_iter():
            if _step(found.metadata) == key:
                return found
        return None

    async def _transfer_of(self, key: str, order_id: str) -> stripe.Transfer | None:
        page = await self._client.v1.transfers.list_async({"transfer_group": order_id, "limit": PAGE})
        async for found in page.auto_paging_iter():
            if _step(found.metadata) == key:
                return found
        return None

    def _look(self, reference: str, states: Collection[str]) -> Callable[[], Awaitable[stripe.PaymentIntent | None]]:
        async def look() -> stripe.PaymentIntent | None:
            intent = await self._client.v1.payment_intents.retrieve_async(reference, {"expand": ["latest_charge.balance_transaction"]})
            return intent if intent.status in states else None

        return look

    async def _fee(self, charge: stripe.Charge) -> int:
        booked = charge.balance_transaction
        if not isinstance(booked, stripe.BalanceTransaction):
            again = await self._ask(
                "charge", lambda: self._client.v1.charges.retrieve_async(charge.id, {"expand": ["balance_transaction"]}), after_the_act=True
            )
            booked = again.balance_transaction
        if not isinstance(booked, stripe.BalanceTransaction):
            raise InDoubt("captured, but the provider has not yet booked its fee")
        return booked.fee

    async def _do(
        self, endpoint: str, act: Callable[[], Awaitable[T]], look: Callable[[], Awaitable[T | None]], *, only_if: str | None = None
    ) -> T:
        """Act; if that is refused, look whether it had been done before, and adopt what is found."""
        try:
            return await self._ask(endpoint, act)
        except GatewayRefused as refusal:
            if only_if not in {None, refusal.code}:
                raise
            found = await self._ask(f"look:{endpoint}", look, after_the_act=True)
            if found is None:
                raise
            return found

    async def _ask(self, endpoint: str, call: Callable[[], Awaitable[T]], *, after_the_act: bool = False) -> T:
        """One call, in its turn, through the breaker. `after_the_act`: not being able to look is a doubt, not "not sent"."""

        async def asked() -> T:
            try:
                return await call()
            except stripe.StripeError as error:
                raise failure(error) from error

        try:
            await self._pace.wait(endpoint)
            return await self.breaker.run(asked)
        except NotSent as error:
            if after_the_act:
                raise InDoubt(str(error)) from error
            raise


def _standing(refund: stripe.Refund) -> str:
    if refund.status in {"failed", "canceled"}:
        raise GatewayRefused(f"refund_{refund.status}", refund.failure_reason or f"the refund is {refund.status}")
    return refund.id


def _step(metadata: object) -> str | None:
    # Stripe's object is no mapping: `.get` would be the metadata of that name.
    return getattr(metadata, "step", None)


def _capture_before(intent: stripe.PaymentIntent) -> int | None:
    charge = intent.latest_charge
    if not isinstance(charge, stripe.Charge) or charge.payment_method_details is None or charge.payment_method_details.card is None:
        return None
    return getattr(charge.payment_method_details.card, "capture_before", None)
