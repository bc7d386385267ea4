"""The shop over HTTP: ``python -m tests.vendor_sdk.shop.server``; prints its address, then serves until it is ended."""

import asyncio
import json
import sys

from tests.vendor_sdk.shop.model import Shop
from vendor_sdk.conformance.exchange import read_request, write_response

STOCK = {"MUG": 1_000_000, "CUP": 4}


async def serve(shop: Shop, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection."""
    while request := await read_request(reader):
        status, body = shop.handle(request.method, request.target, request.headers.get("idempotency-key", ""), request.body)
        await write_response(writer, status, {"Content-Type": "application/json"}, json.dumps(body).encode())
    writer.close()


async def main() -> None:
    shop = Shop(STOCK)
    server = await asyncio.start_server(lambda reader, writer: serve(shop, reader, writer), "127.0.0.1", 0)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
