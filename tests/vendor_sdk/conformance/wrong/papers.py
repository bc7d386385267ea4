"""Wrong in what is told beside the parcels: rates, and documents."""

import itertools
from collections.abc import Sequence

import msgspec

from tests.vendor_sdk.conformance.wrong.breaks import breaks
from tests.vendor_sdk.shop.stage import Inside
from vendor_sdk.feeds import Price, Rate
from vendor_sdk.messages import Document, Pending, Ship, Shipped
from vendor_sdk.ports import Context

_numbers = itertools.count(1)


def rate(code: str = "post", amount: int = 490, name: str = "Post", days: int = 3) -> Rate:
    return Rate(code=code, name=name, price=Price(amount=amount, currency="EUR"), days=days)


class TellsAll(Inside):
    """The right one, which tells its rates and gives papers too."""

    async def rates(self) -> Sequence[Rate]:
        return [rate(), rate("courier", 990, "Courier", 1)]

    async def ship(self, command: Ship, context: Context) -> Shipped | Pending:
        left = await super().ship(command, context)
        if isinstance(left, Pending):
            return left
        return msgspec.structs.replace(left, documents=[Document(kind="invoice", url=self.link(command.sub_order_id))])

    def link(self, sub_order_id: str) -> str:
        return f"https://corner.example/{sub_order_id}.pdf"


@breaks("shipping.rates-stand")
class DearerEachTime(TellsAll):
    """Each reading is another price."""

    async def rates(self) -> Sequence[Rate]:
        return [rate(amount=next(_numbers))]


@breaks("shipping.same-papers")
class PrintsAnew(TellsAll):
    """Each asking is another invoice."""

    def link(self, sub_order_id: str) -> str:
        return f"https://corner.example/{sub_order_id}/{next(_numbers)}.pdf"
