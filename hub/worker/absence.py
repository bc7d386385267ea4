"""How long a vendor whose stream is missing is left alone: half of the time that it has been missing, within bounds."""

import asyncio

SECONDS_MIN, SECONDS_MAX = 1.0, 30.0


class Absence:
    """One worker's view. A stream that comes back soon is used at once; one that never comes costs no more than a look now and then."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def pause(self, vendor: str) -> float:
        """It is missing: seconds until it is worth trying again."""
        now = asyncio.get_running_loop().time()
        return min(SECONDS_MAX, max(SECONDS_MIN, (now - self._since.setdefault(vendor, now)) / 2))

    def over(self, vendor: str) -> None:
        """It has taken something."""
        self._since.pop(vendor, None)
