"""Customers at Stripe, who may leave a payment method for later."""

import stripe

from hub.gateways.stripe.caller import PAGE, Part, step_of
from hub.gateways.stripe.outcomes import BURNT


class Customers(Part):
    """Whom payment methods are kept for."""

    async def open_customer(self, key: str, *, customer_id: str) -> str:
        """A customer who is known to Stripe by our id alone (no name, no address); its id (``cus_…``)."""

        async def create(key_: str) -> stripe.Customer:
            return await self._v1.customers.create_async({"metadata": {"customer_id": customer_id, "step": key}}, {"idempotency_key": key_})

        async def look() -> stripe.Customer | None:
            # The newest only: a customer made twice is an empty shell that costs nothing, a walk through all of them does.
            page = await self._calls.look("open_customer", lambda: self._v1.customers.list_async({"limit": PAGE}))
            return next((one for one in page.data if step_of(one) == key), None)

        return (await self._calls.do("open_customer", key, create, look, only_if=BURNT)).id
