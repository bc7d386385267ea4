"""The webhook adapter: each command is one signed call, each signed answer is the hub's; nothing is remembered here."""

import time
from collections.abc import Mapping
from typing import TypeVar, cast

from spokes.web.address import checked_url
from spokes.web.door import Answer, Door
from spokes.web.failures import Unsure
from spokes.webhook.callback import read_callback
from spokes.webhook.mapping import DEAD_ENDS, pending, read_answer, read_refusal, request
from spokes.webhook.settings import Settings
from spokes.webhook.signing import Forged, Unsigned, read_keys, sign, verify
from vendor_sdk.adapter import Adapter
from vendor_sdk.errors import AdapterError, NeedsReauth
from vendor_sdk.messages import (
    BODY_BYTES_MAX,
    Accepted,
    Declined,
    Delivered,
    Kept,
    Message,
    Pending,
    Recall,
    Recalled,
    Refused,
    Release,
    Released,
    Reserve,
    Reserved,
    Ship,
    Shipped,
    Submit,
    Track,
)
from vendor_sdk.ports import CommandBody, Context, Orders, Shipping, Stock

ACCEPTED = 202
M = TypeVar("M", bound=Message)


class Webhook(Adapter[Settings], Stock, Orders, Shipping):
    """A vendor behind four endpoints."""

    async def open(self) -> None:
        """Read the secrets; the first call connects."""
        self._keys = read_keys(self.config.secret)
        base = checked_url(self.config.url, allow_private=self.config.allow_private)
        self._door = Door(base, allow_private=self.config.allow_private, body_max=BODY_BYTES_MAX)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._door.close()

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        """``POST /reserve``."""
        return await self._asked(command, context)

    async def release(self, command: Release, context: Context) -> Released:
        """``POST /release``."""
        return await self._asked(command, context)

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        """``POST /orders``."""
        return await self._asked(command, context)

    async def recall(self, command: Recall, context: Context) -> Recalled | Kept:
        """``POST /orders``."""
        return await self._asked(command, context)

    async def ship(self, command: Ship, context: Context) -> Shipped | Pending:
        """``POST /shipments``."""
        return await self._asked(command, context)

    async def track(self, command: Track, context: Context) -> Delivered | Pending:
        """``POST /shipments``."""
        return await self._asked(command, context)

    async def hear(self, headers: Mapping[str, str], body: bytes) -> None:
        """Tell the hub what a vendor's callback says, for whoever serves an address to vendors. Twice is once.

        Raises `vendor_sdk.errors.NeedsReauth` for one that is not signed by the vendor, `AdapterError` for one that says nothing.
        """
        said = read_callback(self._keys, headers, body, time.time())
        await self.facts.tell(said.kind, said.message, command_id=said.command_id)

    async def _asked(self, command: CommandBody, context: Context) -> M:  # pyright: ignore[reportInvalidTypeVarUse] - the desk checks that the answer is one
        asked = request(command)
        headers = sign(self._keys, context.command_id, int(time.time()), asked.body)
        answer = await self._door.send("POST", asked.path, headers=headers | _around(context), body=asked.body)
        if answer.status == ACCEPTED:
            return cast("M", pending(asked.kind, command.sub_order_id))
        error = answer.failure()
        if error is not None and (error.retryable or isinstance(error, DEAD_ENDS)):
            raise error
        self._believe(answer, context)
        if error is not None:
            raise read_refusal(answer.body) or error
        return cast("M", read_answer(asked.kind, command.sub_order_id, answer.body))

    def _believe(self, answer: Answer, context: Context) -> None:
        """Raises unless the answer is the vendor's, and about this very command."""
        try:
            message_id = verify(self._keys, answer.headers, answer.body, time.time())
        except Unsigned as error:
            raise Unsure(f"HTTP {answer.status}, and not from the vendor's program: {error}") from error
        except Forged as error:
            raise NeedsReauth(f"HTTP {answer.status}: {error}") from error
        if message_id != context.command_id:
            raise AdapterError("the answer is signed for another command")


def _around(context: Context) -> dict[str, str]:
    """Headers beside the signed ones: they tell, and nothing depends on them."""
    headers = {"content-type": "application/json", "idempotency-key": context.command_id, "wheelwright-attempt": str(context.attempt)}
    if context.deadline is not None:
        headers["wheelwright-deadline"] = context.deadline.isoformat()
    if context.traceparent:
        headers["traceparent"] = context.traceparent
    return headers
