"""Refunds at Stripe: made, found again, and how they stand."""

import stripe

from hub.gateways.stripe.caller import PAGE, Part, id_of, step_of
from hub.payments.facts import RefundFacts, Settling

STATES = {"succeeded": Settling.DONE, "failed": Settling.FAILED, "canceled": Settling.FAILED}
"""All else (``pending``, ``requires_action``) is still under way."""


class Refunds(Part):
    """The port's methods about refunds."""

    async def refund(self, key: str, *, charge: str, amount: int, currency: str, order_id: str) -> RefundFacts:
        """Refund a part of a charge, in its currency; adopted by its key if Stripe says that it is already refunded."""
        del currency

        async def create(key_: str) -> stripe.Refund:
            return await self._v1.refunds.create_async(
                {"charge": charge, "amount": amount, "metadata": {"order_id": order_id, "step": key}}, {"idempotency_key": key_}
            )

        return _facts(await self._calls.do("refund", key, create, lambda: self._refund_of(key, charge)))

    async def find_refund(self, key: str, *, charge: str) -> RefundFacts | None:
        """By ``metadata.step`` among the charge's refunds."""
        found = await self._refund_of(key, charge)
        return None if found is None else _facts(found)

    async def look_refund(self, reference: str) -> RefundFacts:
        """As it stands now."""
        return _facts(await self._calls.ask("look_refund", lambda: self._v1.refunds.retrieve_async(reference)))

    async def _refund_of(self, key: str, charge: str) -> stripe.Refund | None:
        return await self._calls.find(key, "refund", lambda: self._v1.refunds.list_async({"charge": charge, "limit": PAGE}))


def _facts(refund: stripe.Refund) -> RefundFacts:
    state = STATES.get(refund.status or "", Settling.PENDING)
    reason = refund.failure_reason or refund.status or "" if state is Settling.FAILED else ""
    return RefundFacts(
        reference=refund.id,
        state=state,
        amount=refund.amount,
        currency=refund.currency.upper(),
        charge=id_of(refund.charge),
        key=step_of(refund),
        reason=reason,
        moved=refund.balance_transaction is not None,
    )
