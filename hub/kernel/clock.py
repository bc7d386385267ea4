"""Where "now" comes from: an argument, never a global."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time in UTC."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...
