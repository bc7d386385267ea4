"""A storekeeper: takes orders out of an exchange's folder, sends them, and puts files about it into the inbox.

What is taken, sent and arrived lies in a folder of its own, so that somebody else can go on from what lies there.
"""

import asyncio
import csv
import io
import logging
import os
import time
from pathlib import Path

from spokes.flatfile import folder
from spokes.sample.staff import Pace

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.3
TAKEN, SENT, ARRIVED = "taken", "sent", "arrived"
CARRIER = "Post"


class Storekeeper:
    """One vendor's; `root` is the exchange."""

    def __init__(self, root: Path, pace: Pace) -> None:
        self._root = root
        self._pace = pace

    async def work(self) -> None:
        """Until canceled. What cannot be done now is done at another look."""
        while True:
            try:
                await asyncio.to_thread(self.look)
            except OSError as error:
                log.warning("looked at again: %s", error)
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Do what is due."""
        for part in (folder.INBOX, folder.ORDERS, TAKEN, SENT, ARRIVED):
            (self._root / part).mkdir(parents=True, exist_ok=True)
        for path in self._due(SENT, self._pace.deliver_after):
            self._tell(path, "delivered")
            self._move(path, ARRIVED)
        for path in self._due(TAKEN, self._pace.ship_after):
            self._tell(path, "shipped")
            self._move(path, SENT)
        for path in self._due(folder.ORDERS, 0):
            self._move(path, TAKEN)

    def _due(self, part: str, seconds: float) -> list[Path]:
        return [path for path in sorted((self._root / part).glob("order-*.csv")) if time.time() - path.stat().st_mtime >= seconds]

    def _move(self, path: Path, part: str) -> None:
        """Its time in the next part begins now."""
        try:
            path.rename(self._root / part / path.name)
        except FileNotFoundError:  # got back, for its buyer has canceled it
            return
        os.utime(self._root / part / path.name)
        log.info("%s: %s", part, path.name)

    def _tell(self, order: Path, status: str) -> None:
        """The same file however often it is told: what was loaded is not loaded again."""
        subs = sorted({row["sub_order_id"] for row in csv.DictReader(io.StringIO(order.read_text(), newline=""))})
        rows = [("sub_order_id", "carrier", "tracking_number", "status"), *((sub, CARRIER, sub, status) for sub in subs)]
        written = io.StringIO(newline="")
        csv.writer(written).writerows(rows)
        name = f"shipments-{status}-{order.stem.removeprefix('order-')}.csv"
        part = self._root / folder.INBOX / f"{name}.part"
        part.write_text(written.getvalue())
        part.rename(part.with_name(name))
