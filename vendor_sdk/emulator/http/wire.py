"""HTTP/1.1 on a socket of this machine: h11 reads and writes it, asyncio carries it, everything is bounded."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import parse_qsl, unquote

import h11

from vendor_sdk.emulator.http.request import Answer, Request
from vendor_sdk.emulator.refusals import Invalid, TooLarge

BODY_BYTES_MAX = 1024 * 1024
CONNECTIONS_MAX = 100
IDLE_SECONDS = 60.0
READ_BYTES = 65_536
_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?")
"""Names by which this machine calls itself: a page from elsewhere that resolves its own name to us is turned away."""

Respond = Callable[[Request], Answer]
Refuse = Callable[[Invalid | TooLarge], Answer]


class Server:
    """Listens on 127.0.0.1."""

    def __init__(self, respond: Respond, refuse: Refuse) -> None:
        self._respond = respond
        self._refuse = refuse
        self._open: set[asyncio.Task[None]] = set()

    async def start(self, port: int) -> int:
        """Begin to listen; the port. Raises `OSError` if it is taken."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Listen no more, and drop every connection."""
        self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= CONNECTIONS_MAX:
            writer.close()
            return
        task = asyncio.ensure_future(self._converse(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = h11.Connection(h11.SERVER)
        try:
            with suppress(OSError, TimeoutError, h11.RemoteProtocolError):
                while await self._exchange(wire, reader, writer):
                    wire.start_next_cycle()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _exchange(self, wire: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether another may follow on this connection."""
        head = await _next(wire, reader)
        if not isinstance(head, h11.Request):
            return False
        headers = {name.decode("ascii"): value.decode("latin-1") for name, value in head.headers}
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(_bytes(wire, h11.InformationalResponse(status_code=100, headers=[])))
        body, whole = bytearray(), False
        while len(body) <= BODY_BYTES_MAX and not whole:
            event = await _next(wire, reader)
            whole = isinstance(event, h11.EndOfMessage)
            body += event.data if isinstance(event, h11.Data) else b""
        answer = self._answer(head, headers, bytes(body))
        sent = [*answer.headers.items(), ("content-length", str(len(answer.body))), *(() if whole else [("connection", "close")])]
        writer.write(_bytes(wire, h11.Response(status_code=answer.status, headers=sent)))
        if head.method != b"HEAD":
            writer.write(_bytes(wire, h11.Data(data=answer.body)))
        writer.write(_bytes(wire, h11.EndOfMessage()))
        await writer.drain()
        return whole and wire.our_state is h11.DONE and wire.their_state is h11.DONE

    def _answer(self, head: h11.Request, headers: dict[str, str], body: bytes) -> Answer:
        if _HOST.fullmatch(headers.get("host", "")) is None:
            return self._refuse(Invalid("foreign_host", "the emulator is asked by the name of this machine alone", field="header:Host"))
        if len(body) > BODY_BYTES_MAX:
            return self._refuse(TooLarge("body_too_large", f"a body has at most {BODY_BYTES_MAX} bytes"))
        path, _, query = head.target.decode("ascii", "replace").partition("?")
        asked = dict(parse_qsl(query, keep_blank_values=True))
        return self._respond(Request(method=head.method.decode("ascii"), path=unquote(path), query=asked, headers=headers, body=body))


async def _next(wire: h11.Connection, reader: asyncio.StreamReader) -> object:
    """The next event of what the other side sends."""
    while (event := wire.next_event()) is h11.NEED_DATA:
        async with asyncio.timeout(IDLE_SECONDS):
            wire.receive_data(await reader.read(READ_BYTES))
    return event


def _bytes(wire: h11.Connection, event: h11.Event) -> bytes:
    return wire.send(event) or b""
