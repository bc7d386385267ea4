"""`python -m spokes.sample FILE --url URL`: these people work until SIGTERM."""

import argparse
import asyncio
import logging
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from spokes.sample.clerk import Clerk
from spokes.sample.staff import Staff, read
from spokes.sample.storekeeper import Storekeeper
from vendor_sdk.client import AsyncClient
from vendor_sdk.logs import configure


async def work(staff: Staff, url: str) -> None:
    """Everybody works until SIGTERM or SIGINT. Raises what ends one of them: a defect."""
    async with AsyncExitStack() as stack:
        keepers = [Storekeeper(Path(root), staff.pace) for root in staff.storekeepers.values()]
        clerks = [Clerk(await stack.enter_async_context(AsyncClient(url, key)), staff.pace) for key in staff.clerks.values()]
        everybody = asyncio.gather(*(each.work() for each in (*clerks, *keepers)))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, everybody.cancel)
        try:
            await everybody
        except asyncio.CancelledError:
            return


def main(words: Sequence[str] | None = None) -> None:
    """Read the file and work."""
    parser = argparse.ArgumentParser(prog="python -m spokes.sample", description="Play the people at the sample vendors.")
    parser.add_argument("staff", type=Path, help="who works where, as `hub seed` writes it")
    parser.add_argument("--url", required=True, help="the hub's address")
    given = parser.parse_args(words)
    configure()
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a look every second is no news
    asyncio.run(work(read(given.staff), given.url))


if __name__ == "__main__":
    main()
