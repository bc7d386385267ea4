"""Payment intents at Stripe: opened, confirmed, looked at, captured once, closed."""

from collections.abc import Awaitable, Callable, Collection

import stripe
from stripe.params import PaymentIntentConfirmParams, PaymentIntentCreateParams

from hub.gateways.stripe.caller import PAGE, Part, step_of
from hub.gateways.stripe.intents import charge_of, decline, facts
from hub.gateways.stripe.outcomes import BURNT
from hub.payments.facts import Captured, PaymentFacts, PaymentPhase
from hub.payments.ports import GatewayRefused, InDoubt, NotSent

PROCESSING_SECONDS = 30.0
"""After which to ask again where a bank has not yet answered."""

WAITING = {"requires_action", "processing"}
CONFIRMED = WAITING | {"requires_capture", "succeeded", "requires_payment_method"}


class Payments(Part):
    """The port's methods about payments."""

    async def open_payment(  # noqa: PLR0913  # one payment, all by name
        self, key: str, *, order_id: str, amount: int, currency: str, payment_method: str, customer: str | None = None, save: bool = False
    ) -> PaymentFacts:
        """A payment intent, not confirmed, to be captured by us. To `save` needs a `customer` (``cus_…``)."""

        async def create(key_: str) -> stripe.PaymentIntent:
            params: PaymentIntentCreateParams = {
                "amount": amount,
                "currency": currency.lower(),
                "payment_method": payment_method,
                "capture_method": "manual",
                "confirm": False,
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                "transfer_group": order_id,
                "metadata": {"order_id": order_id, "step": key},
            }
            if customer is not None:
                params["customer"] = customer
            if save:
                params["setup_future_usage"] = "off_session"
            return await self._v1.payment_intents.create_async(params, {"idempotency_key": key_})

        return facts(await self._calls.do("open_payment", key, create, lambda: self._intent_of(key), only_if=BURNT))

    async def authorize(self, key: str, reference: str, *, off_session: bool = False) -> PaymentFacts:
        """Confirm. `off_session`: the buyer is not there, so a wish for authentication is refused as ``authentication_required``."""

        async def confirm(key_: str) -> stripe.PaymentIntent:
            params: PaymentIntentConfirmParams = {"expand": ["latest_charge"]}
            if off_session:
                params["off_session"] = True
            return await self._v1.payment_intents.confirm_async(reference, params, {"idempotency_key": key_})

        intent = await self._calls.do("authorize", key, confirm, self._look(reference, CONFIRMED))
        if intent.status in WAITING:
            # Under its key Stripe repeats what it said first, even if the buyer has answered since.
            intent = await self._calls.look("payment", lambda: self._retrieve(reference))
        found = facts(intent)
        if found.phase in {PaymentPhase.DECLINED, PaymentPhase.CLOSED}:
            raise decline(intent)
        return found

    async def charge_off_session(  # one payment, all by name
        self, key: str, *, order_id: str, amount: int, currency: str, customer: str, payment_method: str
    ) -> PaymentFacts:
        """Hold money on a method that a customer left for later, as one call: opened and confirmed, neither of them twice."""
        opened = await self.open_payment(
            f"{key}.open", order_id=order_id, amount=amount, currency=currency, payment_method=payment_method, customer=customer
        )
        return await self.authorize(f"{key}.confirm", opened.reference, off_session=True)

    async def look_payment(self, reference: str) -> PaymentFacts:
        """As it stands now; declined with Stripe's code after a failed challenge."""
        return facts(await self._calls.ask("look_payment", lambda: self._retrieve(reference)))

    async def void(self, key: str, reference: str) -> None:
        """Cancel. Already canceled is done; already captured is refused as ``already_captured``."""

        async def cancel(key_: str) -> stripe.PaymentIntent:
            return await self._v1.payment_intents.cancel_async(reference, {}, {"idempotency_key": key_})

        intent = await self._calls.do("void", key, cancel, self._look(reference, {"canceled", "succeeded", "processing"}))
        _not_while_processing(intent)
        if intent.status == "succeeded":
            raise GatewayRefused("already_captured", "the payment was captured and can only be refunded")

    async def capture(self, key: str, reference: str, amount: int) -> Captured:
        """Take `amount`. Captured before with another amount is refused as ``already_captured``."""

        async def take(key_: str) -> stripe.PaymentIntent:
            return await self._v1.payment_intents.capture_async(
                reference, {"amount_to_capture": amount, "expand": ["latest_charge.balance_transaction"]}, {"idempotency_key": key_}
            )

        intent = await self._calls.do("capture", key, take, self._look(reference, {"succeeded", "processing"}))
        _not_while_processing(intent)
        if intent.amount_received != amount:
            raise GatewayRefused("already_captured", f"{intent.amount_received} was captured instead of {amount}")
        charge = charge_of(intent)
        if charge is None:
            raise InDoubt("the captured payment came without its charge")
        return Captured(reference=intent.id, charge=charge.id, amount=amount, fee=await self._fee(charge))

    async def _intent_of(self, key: str) -> stripe.PaymentIntent | None:
        # The search knows an intent only some time after it was made, the newest are listed at once.
        newest = await self._calls.look("open_payment", lambda: self._v1.payment_intents.list_async({"limit": PAGE}))
        listed = next((one for one in newest.data if step_of(one) == key), None)
        if listed is not None:
            return listed
        query = f"metadata['step']:'{key}'"
        found = await self._calls.look("open_payment", lambda: self._v1.payment_intents.search_async({"query": query}))
        return found.data[0] if found.data else None

    async def _retrieve(self, reference: str) -> stripe.PaymentIntent:
        return await self._v1.payment_intents.retrieve_async(reference, {"expand": ["latest_charge.balance_transaction"]})

    def _look(self, reference: str, states: Collection[str]) -> Callable[[], Awaitable[stripe.PaymentIntent | None]]:
        async def look() -> stripe.PaymentIntent | None:
            intent = await self._calls.look("payment", lambda: self._retrieve(reference))
            return intent if intent.status in states else None

        return look

    async def _fee(self, charge: stripe.Charge) -> int:
        booked = charge.balance_transaction
        if not isinstance(booked, stripe.BalanceTransaction):
            again = await self._calls.look(
                "charge", lambda: self._v1.charges.retrieve_async(charge.id, {"expand": ["balance_transaction"]})
            )
            booked = again.balance_transaction
        if not isinstance(booked, stripe.BalanceTransaction):
            raise InDoubt("captured, but the provider has not yet booked its fee")
        if booked.currency != charge.currency:
            # Booked as if it were of the charge's currency, this fee would be wrong without anybody seeing it.
            raise InDoubt(
                f"captured in {charge.currency}, but the provider changed it into {booked.currency}: give it a balance of its own"
            )
        return booked.fee


def _not_while_processing(intent: stripe.PaymentIntent) -> None:
    if intent.status == "processing":
        raise NotSent("the bank has not answered yet", retry_after=PROCESSING_SECONDS)
