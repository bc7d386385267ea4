"""What stands between an adapter and its vendor's system: passes every call on, counts and fails on demand."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, cast

from vendor_sdk.conformance.exchange import Request
from vendor_sdk.conformance.fault import RETRY_AFTER, UNHEARD_OF, Fault

Response = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""

INSTEAD: Mapping[Fault | None, Response] = {
    Fault.RATE_LIMITED: (429, {"Retry-After": str(RETRY_AFTER)}, b""),
    Fault.BUSY: (503, {}, b""),
    Fault.SIGNED_OUT: (401, {}, b""),
}
"""Answers given in the system's place."""

GARBAGE = (b'{"unheard": [null, 17]}', b"<html><h1>We are rebuilding</h1>")
"""In turn: well-formed and without anything that was hoped for, and nothing to be read at all."""

SLOW_SECONDS = 60.0
SENT_MAX = 10_000


class Meddler:
    """`fault` may be set and taken back at any time; `sent` holds what was passed on, `struck` counts calls that met a fault."""

    def __init__(self, forward: Callable[[Request], Awaitable[Response]], *, status: Collection[str]) -> None:
        """`status` names the fields that `Fault.UNKNOWN_STATUS` changes wherever they stand in an answer."""
        self.fault: Fault | None = None
        self.sent: list[str] = []
        self.struck = 0
        self._forward = forward
        self._status = status

    async def answer(self, request: Request) -> Response | None:
        """What the caller gets; None: the connection ends without a word."""
        fault = self.fault
        if fault not in {None, Fault.UNKNOWN_STATUS}:
            self.struck += 1
        if fault is Fault.SLOW:
            await asyncio.sleep(SLOW_SECONDS)
        if fault in {Fault.SLOW, Fault.CUT}:
            return None
        if fault in INSTEAD:
            return INSTEAD[fault]
        response = await self._passed_on(request)
        if fault is Fault.UNKNOWN_STATUS:
            return self._estranged(response)
        if fault is Fault.GARBAGE:
            return *response[:2], GARBAGE[self.struck % len(GARBAGE)]
        return response

    async def _passed_on(self, request: Request) -> Response:
        if len(self.sent) < SENT_MAX:
            self.sent.append(f"{request.target}\n{request.body.decode(errors='replace')}")
        return await self._forward(request)

    def _estranged(self, response: Response) -> Response:
        status, headers, body = response
        try:
            data = json.loads(body)
        except ValueError:
            return response
        if self._estrange(data):
            self.struck += 1
        return status, headers, json.dumps(data).encode()

    def _estrange(self, data: Any) -> bool:
        """Change the status wherever it stands; whether it stood anywhere."""
        found = False
        if isinstance(data, list):
            for each in cast("list[Any]", data):
                found = self._estrange(each) or found
        if isinstance(data, dict):
            table = cast("dict[str, Any]", data)
            for name, each in table.items():
                if name in self._status and isinstance(each, str):
                    table[name], found = UNHEARD_OF, True
                else:
                    found = self._estrange(each) or found
        return found
