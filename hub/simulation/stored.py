"""A message in a simulated stream."""

import asyncio
from collections.abc import Mapping

from vendor_sdk.messages import COMMAND_ID, MSG_ID


class Stored:
    """A message in a stream; `deliveries` counts how often it was sent out, `seq` where it stands."""

    __slots__ = ("at", "data", "deliveries", "headers", "seq", "subject", "timer")

    def __init__(self, seq: int, subject: str, headers: Mapping[str, str], data: bytes, at: float) -> None:
        self.seq = seq
        self.subject = subject
        self.headers = headers
        self.data = data
        self.at = at
        self.deliveries = 0
        self.timer: asyncio.TimerHandle | None = None

    def __str__(self) -> str:
        return f"{self.subject} {self.headers.get(MSG_ID) or self.headers.get(COMMAND_ID, '')}"

    def stop(self) -> None:
        """Wait for its acknowledgment no longer."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
