"""Wrong in what holds for every command."""

import asyncio

from tests.vendor_sdk.conformance.wrong.breaks import breaks
from tests.vendor_sdk.shop.stage import Inside
from vendor_sdk.conformance import commands
from vendor_sdk.errors import AdapterError, NeedsReauth, Rejected, Retry
from vendor_sdk.messages import (
    Accepted,
    Declined,
    Delivered,
    Pending,
    Recall,
    Recalled,
    Refused,
    Release,
    Released,
    Reserve,
    Reserved,
    Submit,
    Track,
)
from vendor_sdk.ports import Context


@breaks("wire.answered")
class NamesAnother(Inside):
    """Its system's own number instead of the sub-order's id."""

    async def track(self, command: Track, context: Context) -> Delivered | Pending:  # noqa: ARG002 - the port's form
        reply = await self.system.arrived(command.sub_order_id)
        return Pending(sub_order_id="P1001" if reply.status == "on_the_way" else command.sub_order_id)


@breaks("wire.any-text")
class SpeaksLatinOnly(Inside):
    """Encodes by hand."""

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        command.ship_to.name.encode("latin-1")
        return await super().submit(command, context)


@breaks("wire.many-lines")
class EchoesTheOrder(Inside):
    """A reference that grows with the order."""

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        answer = await super().reserve(command, context)
        reference = "+".join(item.sku for item in command.items)
        return Reserved(sub_order_id=command.sub_order_id, reference=reference) if isinstance(answer, Reserved) else answer


@breaks("wire.clock-skew")
class TrustsItsClock(Inside):
    """Takes a time that has passed for a mistake."""

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        if command.answer_by < commands.later(0):
            raise ValueError("answer_by is in the past")
        return await super().submit(command, context)


@breaks("wire.deadline")
class AnswersOnTheWayOut(Inside):
    """Makes an answer of being ended."""

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        try:
            return await super().reserve(command, context)
        except asyncio.CancelledError:
            return Refused(sub_order_id=command.sub_order_id, reason="too_slow")


@breaks("wire.canceled")
class KeepsTheLock(Inside):
    """Lets go after an answer and after an error, and not when it is ended."""

    async def open(self) -> None:
        await super().open()
        self.lock = asyncio.Lock()

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        await self.lock.acquire()
        try:
            answer = await super().reserve(command, context)
        except Exception:
            self.lock.release()
            raise
        self.lock.release()
        return answer


@breaks("wire.rate-limited")
class ForgetsHowLong(Inside):
    """Retry, whatever the system asked for."""

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        try:
            return await super().submit(command, context)
        except Retry as error:
            raise Retry(error.message) from error


@breaks("wire.busy")
class TakesTroubleForANo(Inside):
    """A server error declines the order."""

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        try:
            return await super().submit(command, context)
        except Retry as error:
            if "503" in error.message:
                raise Rejected(error.message, reason="system_down") from error
            raise


@breaks("wire.not-repeated")
class TriesItsLuck(Inside):
    """Three times, then it says so."""

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        for _ in range(2):
            try:
                return await super().submit(command, context)
            except Retry:
                await asyncio.sleep(0)
        return await super().submit(command, context)


@breaks("wire.cut-off")
class LetsForeignErrorsOut(Inside):
    """What the HTTP client raises comes out as it is."""

    async def release(self, command: Release, context: Context) -> Released:
        try:
            return await super().release(command, context)
        except Retry as error:
            if error.__cause__ and "cut" in str(error.__cause__):
                raise error.__cause__ from None
            raise


@breaks("wire.signed-out")
class KnocksOn(Inside):
    """Asks again with a key that was refused."""

    async def recall(self, command: Recall, context: Context) -> Recalled:
        try:
            return await super().recall(command, context)  # pyright: ignore[reportReturnType] - as the right one does
        except NeedsReauth as error:
            raise Retry(error.message) from error


@breaks("wire.garbage")
class ReadsNothingAsNo(Inside):
    """What it cannot read was surely a refusal."""

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        try:
            return await super().reserve(command, context)
        except Retry as error:
            if "unreadable" in error.message:
                return Refused(sub_order_id=command.sub_order_id, reason="out_of_stock")
            raise


@breaks("wire.outage")
class NeverComesBack(Inside):
    """Keeps in mind that the system is down."""

    down = False

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        if self.down:
            raise AdapterError("the system is down")
        try:
            return await super().reserve(command, context)
        except Retry as error:
            self.down = self.down or "ReadError" in error.message
            raise
