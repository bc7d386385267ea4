"""The rig with what an adapter tells without being asked: read as the feeder reads it."""

import asyncio
from collections.abc import Sequence

from vendor_sdk.conformance.heard import Broken, Heard, Unseen
from vendor_sdk.conformance.rig import Rig
from vendor_sdk.errors import AdapterError
from vendor_sdk.feeder import tells_rates
from vendor_sdk.feeds import Rate
from vendor_sdk.ports import Shipping

AGAIN_SECONDS = 0.05
READING = "Shipping.rates(), as the schedule reads it"


class TellingRig(Rig):
    """What the rules are tried on."""

    async def rates(self) -> Sequence[Rate]:
        """All rates, once there are any. Raises `Unseen` if the adapter tells none, `Broken` if they cannot be read."""
        adapter = self._adapter
        if not isinstance(adapter, Shipping) or not tells_rates(type(adapter)):
            raise Unseen("the adapter tells no rates")
        has_none = False
        try:
            async with asyncio.timeout(self.patience):
                while not (rates := await adapter.rates()):
                    has_none = True
                    await asyncio.sleep(AGAIN_SECONDS)  # they may still be on their way to it
        except AdapterError as error:
            raise Heard(asked=READING, error=error).broken("all rates") from error
        except TimeoutError as late:
            if has_none:
                raise Unseen("the adapter has no rates to tell") from late
            raise Broken(asked=READING, came=f"nothing within {self.patience:g} s", expected="all rates") from late
        return rates
