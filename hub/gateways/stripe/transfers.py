"""Transfers to vendors' accounts at Stripe, and their reversals."""

import stripe
from stripe.params import TransferCreateParams

from hub.gateways.stripe.caller import PAGE, Part


class Transfers(Part):
    """The port's methods about transfers and reversals."""

    async def transfer(  # one transfer, all by name
        self, key: str, *, charge: str | None, account: str, amount: int, currency: str, order_id: str
    ) -> str:
        """Grouped by order. From a charge it works before the charge's funds are available; without one it needs available funds."""

        async def create(key_: str) -> stripe.Transfer:
            params: TransferCreateParams = {
                "amount": amount,
                "currency": currency.lower(),
                "destination": account,
                "transfer_group": order_id,
                "metadata": {"order_id": order_id, "step": key},
            }
            if charge is not None:
                params["source_transaction"] = charge
            return await self._v1.transfers.create_async(params, {"idempotency_key": key_})

        return (await self._calls.do("transfer", key, create, lambda: self._transfer_of(key, order_id))).id

    async def find_transfer(self, key: str, *, order_id: str) -> str | None:
        """By ``metadata.step`` among the order's transfers."""
        found = await self._transfer_of(key, order_id)
        return None if found is None else found.id

    async def reverse(self, key: str, *, transfer: str, amount: int, order_id: str) -> str:
        """Adopted by its key if Stripe says that all is already reversed."""

        async def create(key_: str) -> stripe.TransferReversal:
            return await self._v1.transfers.reversals.create_async(
                transfer, {"amount": amount, "metadata": {"order_id": order_id, "step": key}}, {"idempotency_key": key_}
            )

        return (await self._calls.do("reverse", key, create, lambda: self._reversal_of(key, transfer))).id

    async def find_reversal(self, key: str, *, transfer: str) -> str | None:
        """By ``metadata.step`` among the transfer's reversals."""
        found = await self._reversal_of(key, transfer)
        return None if found is None else found.id

    async def _transfer_of(self, key: str, order_id: str) -> stripe.Transfer | None:
        return await self._calls.find(key, "transfer", lambda: self._v1.transfers.list_async({"transfer_group": order_id, "limit": PAGE}))

    async def _reversal_of(self, key: str, transfer: str) -> stripe.TransferReversal | None:
        return await self._calls.find(key, "reverse", lambda: self._v1.transfers.reversals.list_async(transfer, {"limit": PAGE}))
