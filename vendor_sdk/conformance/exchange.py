"""One HTTP/1.1 request read from a connection, one response written to it: as little as a loopback proxy needs."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus

import msgspec

BODY_BYTES_MAX = 8 * 1024 * 1024
HEADERS_MAX = 100


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; None at its end. Raises `ValueError` for what is no HTTP or too large."""
    line = (await reader.readline()).decode("latin-1").strip()
    if not line:
        return None
    method, target, _ = line.split(" ", 2)
    headers: dict[str, str] = {}
    while header := (await reader.readline()).decode("latin-1").strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
        if len(headers) > HEADERS_MAX:
            raise ValueError("too many headers")
    chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    body = await _chunks(reader) if chunked else await _exactly(reader, int(headers.get("content-length", "0")))
    return Request(method=method, target=target, headers=headers, body=body)


async def write_response(writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Write a response; the connection may be used again."""
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items()), f"Content-Length: {len(body)}"]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    await writer.drain()


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readline()).split(b";")[0], 16):
        if size + len(body) > BODY_BYTES_MAX:
            raise ValueError("body too large")
        body += await reader.readexactly(size)
        await reader.readline()
    while (await reader.readline()).strip():
        pass
    return bytes(body)


async def _exactly(reader: asyncio.StreamReader, size: int) -> bytes:
    if not 0 <= size <= BODY_BYTES_MAX:
        raise ValueError("body too large")
    return await reader.readexactly(size)
