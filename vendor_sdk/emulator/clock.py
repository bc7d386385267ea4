"""The emulated hub's clock: it may run ahead of the one on the wall, and faster; it never goes back."""

import re
import time

from vendor_sdk.emulator.refusals import Invalid

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
ADVANCE_MAX = 366 * 86400.0


class Clock:
    """Calling it tells the time in unix seconds."""

    def __init__(self, ahead: float = 0.0, speed: float = 1.0) -> None:
        self._ahead = ahead
        self._speed = speed
        self._began = time.time()

    def __call__(self) -> float:
        """The time."""
        wall = time.time()
        return wall + self._ahead + (wall - self._began) * (self._speed - 1.0)

    @property
    def ahead(self) -> float:
        """Seconds before the clock on the wall."""
        return self() - time.time()

    def advance(self, seconds: float) -> None:
        """Move on at once."""
        self._ahead += max(0.0, seconds)

    def wall_seconds(self, seconds: float) -> float:
        """How long that takes on the wall."""
        return seconds / self._speed


def duration(text: str, field: str = "/advance") -> float:
    """Seconds of ``90s``, ``2h`` or ``1d 12h``. Raises `Invalid` (``not_a_duration``), also for more than a year."""
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smhdw])", text)
    seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    if re.fullmatch(r"\s*(?:\d+(?:\.\d+)?\s*[smhdw]\s*)+", text) is None or seconds > ADVANCE_MAX:
        raise Invalid("not_a_duration", "a time such as 90s, 30m, 2h or 1d 12h, at most a year", field=field)
    return seconds
