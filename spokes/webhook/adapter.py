"""The webhook adapter: each command is one signed call, each signed answer is the hub's; nothing is remembered here."""

import secrets
import time
from collections.abc import Mapping
from typing import TypeVar, cast

from spokes.web.address import checked_url
from spokes.web.door import Answer, Door
from spokes.web.failures import Unsure
from spokes.webhook.callback import read_callback
from spokes.webhook.mapping import DEAD_ENDS, RATES, Request, pending, read_answer, read_rates, read_refusal, request
from spokes.webhook.settings import Settings
from spokes.webhook.signing import Forged, Unsigned, read_keys, sign, verify
from vendor_sdk.adapter import Adapter
from vendor_sdk.errors import AdapterError, NeedsReauth
from vendor_sdk.feeds import Rate
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
    """A vendor behind four endpoints, and a fifth for its rates if it serves it."""

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

    async def rates(self) -> list[Rate]:
        """``POST /rates``, of a vendor that serves it."""
        if not self.config.rates:
            return []
        message_id = f"rates_{secrets.token_hex(16)}"
        answer = await self._sent(RATES, message_id, _about(message_id))
        return [] if answer.status == ACCEPTED else read_rates(answer.body)

    async def hear(self, headers: Mapping[str, str], body: bytes) -> None:
        """Tell the hub what a vendor's callback says, for whoever serves an address to vendors. Twice is once.

        Raises `vendor_sdk.errors.NeedsReauth` for one that is not signed by the vendor, `AdapterError` for one that says nothing.
        """
        said = read_callback(self._keys, headers, body, time.time())
        await self.facts.tell(said.kind, said.message, command_id=said.command_id)

    async def _asked(self, command: CommandBody, context: Context) -> M:  # pyright: ignore[reportInvalidTypeVarUse] - the desk checks that the answer is one
        asked = request(command)
        answer = await self._sent(asked, context.command_id, _about(context.command_id) | _around(context))
        if answer.status == ACCEPTED:
            return cast("M", pending(asked.kind, command.sub_order_id))
        return cast("M", read_answer(asked.kind, command.sub_order_id, answer.body))

    async def _sent(self, asked: Request, message_id: str, headers: Mapping[str, str]) -> Answer:
        """A success that is signed, or 202, which need not be."""
        signed = sign(self._keys, message_id, int(time.time()), asked.body)
        answer = await self._door.send("POST", asked.path, headers={**headers, **signed}, body=asked.body)
        if answer.status == ACCEPTED:
            return answer
        error = answer.failure()
        if error is not None and (error.retryable or isinstance(error, DEAD_ENDS)):
            raise error
        self._believe(answer, message_id)
        if error is not None:
            raise read_refusal(answer.body) or error
        return answer

    def _believe(self, answer: Answer, asked_id: str) -> None:
        """Raises unless the answer is the vendor's, and to what was asked under that id."""
        try:
            message_id = verify(self._keys, answer.headers, answer.body, time.time())
        except Unsigned as error:
            raise Unsure(f"HTTP {answer.status}, and not from the vendor's program: {error}") from error
        except Forged as error:
            raise NeedsReauth(f"HTTP {answer.status}: {error}") from error
        if message_id != asked_id:
            raise AdapterError("the answer is signed for another call")


def _about(message_id: str) -> dict[str, str]:
    return {"content-type": "application/json", "idempotency-key": message_id}


def _around(context: Context) -> dict[str, str]:
    """Headers beside the signed ones: they tell, and nothing depends on them."""
    headers = {"wheelwright-attempt": str(context.attempt)}
    if context.deadline is not None:
        headers["wheelwright-deadline"] = context.deadline.isoformat()
    if context.traceparent:
        headers["traceparent"] = context.traceparent
    return headers
