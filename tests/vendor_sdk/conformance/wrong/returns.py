"""Wrong in taking back."""

import itertools
from typing import ClassVar

from tests.vendor_sdk.conformance.wrong.breaks import breaks
from tests.vendor_sdk.shop.stage import Inside
from vendor_sdk.errors import AdapterError
from vendor_sdk.messages import (
    Authorize,
    Authorized,
    Cancel,
    Canceled,
    Inspect,
    Inspected,
    Pending,
    Received,
    Refused,
)
from vendor_sdk.ports import Context, Returns

_numbers = itertools.count(1)


class TakesBack(Inside, Returns):
    """The right one, which has returns too: everything that was agreed to is back at once. Its book outlives the adapter."""

    book: ClassVar[dict[str, str]] = {}

    async def authorize(self, command: Authorize, context: Context) -> Authorized | Refused | Pending:
        del context
        return Authorized(sub_order_id=command.sub_order_id, reference=self.book.setdefault(command.return_id, f"R{next(_numbers)}"))

    async def inspect(self, command: Inspect, context: Context) -> Received | Pending:
        del context
        if not self.book.get(command.return_id):
            return Pending(sub_order_id=command.sub_order_id)
        return Received(sub_order_id=command.sub_order_id, items=[Inspected(sku=item.sku, good=item.quantity) for item in command.items])

    async def cancel(self, command: Cancel, context: Context) -> Canceled:
        del context
        self.book[command.return_id] = ""
        return Canceled(sub_order_id=command.sub_order_id)


@breaks("returns.authorized-once")
class NumbersAnew(TakesBack):
    """Each asking is another return."""

    async def authorize(self, command: Authorize, context: Context) -> Authorized | Refused | Pending:
        self.book[command.return_id] = f"R{next(_numbers)}"
        return await super().authorize(command, context)


@breaks("returns.canceled-for-good")
class ForgetsTheCancel(TakesBack):
    """A cancel is nodded through."""

    async def cancel(self, command: Cancel, context: Context) -> Canceled:
        del context
        return Canceled(sub_order_id=command.sub_order_id)


@breaks("returns.cancel-of-nothing")
class WantsToKnowIt(TakesBack):
    """What it does not know is an error."""

    async def cancel(self, command: Cancel, context: Context) -> Canceled:
        if command.return_id not in self.book:
            raise AdapterError("no such return")
        return await super().cancel(command, context)


@breaks("returns.never-more-than-asked")
class CountsTwice(TakesBack):
    """Good units are counted as damaged too."""

    async def inspect(self, command: Inspect, context: Context) -> Received | Pending:
        heard = await super().inspect(command, context)
        if isinstance(heard, Pending):
            return heard
        twice = [Inspected(sku=item.sku, good=item.good, damaged=item.good) for item in heard.items]
        return Received(sub_order_id=command.sub_order_id, items=twice)
