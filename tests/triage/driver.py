"""A worker that does nothing but drive plans, to be killed: ``python -m tests.triage.driver DATABASE_URL``."""

import asyncio
import sys

from hub.settings import load_settings
from hub.triage.drive import drive_plans
from hub.wiring import wire
from tests.hub_api import settings_for


async def main(url: str) -> None:
    """Until it is killed."""
    wiring = wire(load_settings(environ=settings_for(url)), "driver")
    sys.stdout.write("driving\n")
    sys.stdout.flush()
    while True:
        await drive_plans(wiring.database, wiring.timing)
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
