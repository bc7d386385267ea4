"""Hosted adapters that are wrong in one thing, and the rules of ``orders`` and ``shipping`` that see it."""

from spokes.hosted.adapter import Hosted
from spokes.hosted.mapping import recalled
from vendor_sdk.messages import Accepted, Declined, Kept, Parcel, Pending, Recall, Recalled, Ship, Shipped, Submit
from vendor_sdk.ports import Context


class RecallsWhatLeft(Hosted):
    """What is recalled is Recalled, without a look."""

    async def recall(self, command: Recall, context: Context) -> Recalled | Kept:
        del context
        return Recalled(sub_order_id=command.sub_order_id)


class LooksAtAnothers(Hosted):
    """It answers by the first order that it finds."""

    async def recall(self, command: Recall, context: Context) -> Recalled | Kept:
        del context
        return recalled(command.sub_order_id, (await self._client.orders.page()).data[0])


class TakesItOnAlone(Hosted):
    """Why ask the vendor?"""

    async def submit(self, command: Submit, context: Context) -> Accepted:  # pyright: ignore[reportIncompatibleMethodOverride] - wrong on purpose
        del context
        return Accepted(sub_order_id=command.sub_order_id)


class LosesPatience(Hosted):
    """Asked again, it says no."""

    async def submit(self, command: Submit, context: Context) -> Pending | Declined:  # pyright: ignore[reportIncompatibleMethodOverride] - wrong on purpose
        if context.attempt > 1:
            return Declined(sub_order_id=command.sub_order_id, reason="no_answer")
        return await super().submit(command, context)


class SendsItAlone(Hosted):
    """What is to be sent is as good as sent."""

    async def ship(self, command: Ship, context: Context) -> Shipped:  # pyright: ignore[reportIncompatibleMethodOverride] - wrong on purpose
        return Shipped(sub_order_id=command.sub_order_id, parcels=[Parcel(carrier="Post", tracking_number=context.command_id)])


WRONG: dict[type[Hosted], set[str]] = {
    RecallsWhatLeft: {"shipping.kept-once-it-left"},
    LooksAtAnothers: {"orders.recalled-first", "orders.recalled-before-it-leaves", "shipping.recalled-stays"},
    TakesItOnAlone: {"orders.not-more-than-there-is", "orders.unknown-is-pending"},
    LosesPatience: {"orders.ordered-once"},
    SendsItAlone: {"shipping.recalled-stays", "shipping.unknown-is-pending"},
}
