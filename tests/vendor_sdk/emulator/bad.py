"""A vendor's adapter that is wrong in the ways that an emulator sees."""

import asyncio
from typing import Any, Literal

import msgspec

from vendor_sdk.adapter import Adapter
from vendor_sdk.messages import Accepted, Declined, Pending, Recall, Recalled, Release, Released, Reserve, Reserved, Submit
from vendor_sdk.ports import Context, Orders, Stock


class Mistake(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which one."""

    is_: Literal["accepts-what-was-not-ordered", "never-answers", "keeps-what-is-released", "speaks-of-another"] = msgspec.field(name="is")


class Bad(Adapter[Mistake], Stock, Orders):
    """It reserves, and goes wrong after that."""

    async def reserve(self, command: Reserve, context: Context) -> Reserved:  # noqa: ARG002  # the shape of the port
        await asyncio.sleep(0)
        return Reserved(sub_order_id=command.sub_order_id)

    async def release(self, command: Release, context: Context) -> Released:  # noqa: ARG002  # the shape of the port
        if self.config.is_ == "keeps-what-is-released":
            raise ValueError("what is that?")
        return Released(sub_order_id=command.sub_order_id)

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:  # noqa: ARG002  # the shape of the port
        match self.config.is_:
            case "accepts-what-was-not-ordered":
                short: list[Any] = [{"sku": "unheard-of", "quantity": 1}]
                return msgspec.convert({"sub_order_id": command.sub_order_id, "short": short}, Accepted)
            case "speaks-of-another":
                return Accepted(sub_order_id="sub_other")
            case "never-answers":
                return Pending(sub_order_id=command.sub_order_id)
            case _:
                return Declined(sub_order_id=command.sub_order_id, reason="out_of_stock")

    async def recall(self, command: Recall, context: Context) -> Recalled:  # noqa: ARG002  # the shape of the port
        return Recalled(sub_order_id=command.sub_order_id)
