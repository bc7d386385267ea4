"""The least that the same server does: one Litestar handler that answers a small struct, on uvicorn as the hub's API is served."""

import sys

import msgspec
import uvicorn
from litestar import Litestar, get


class Said(msgspec.Struct, frozen=True):
    """All there is to say."""

    status: str = "ok"


@get("/")
async def say() -> Said:
    """Nothing is looked up."""
    return Said()


if __name__ == "__main__":
    app = Litestar([say], openapi_config=None, logging_config=None)
    uvicorn.run(app, port=int(sys.argv[1]), log_config=None, access_log=False, server_header=False)
