"""The dummy on the stage of a certification: its stock and its faults are switches of the adapter in work."""

from spokes.dummy.switches import Do, Fault, Switches
from vendor_sdk.conformance import fault as kit
from vendor_sdk.conformance.stage import Stage

FAILS = {
    kit.Fault.RATE_LIMITED: Fault(do=Do.RETRY, seconds=kit.RETRY_AFTER),
    kit.Fault.BUSY: Fault(do=Do.RETRY),
    kit.Fault.CUT: Fault(do=Do.RETRY),
    kit.Fault.SIGNED_OUT: Fault(do=Do.NEEDS_REAUTH),
    kit.Fault.SLOW: Fault(do=Do.SILENCE),
    kit.Fault.UNKNOWN_STATUS: Fault(do=Do.PEND),
}
"""Garbage is left out: a file in the same process has no answers on the way that could be spoiled."""


class DummyStage(Stage):
    """Turns the switches while the dummy runs."""

    async def stock(self, sku: str, units: int) -> None:
        """Put units on the shelf."""
        self._switches.stock[sku] = units

    async def fault(self, fault: kit.Fault | None) -> None:
        """Fail so from now on."""
        self._switches.faults[:] = [] if fault is None else [FAILS[fault]]

    @property
    def _switches(self) -> Switches:
        assert self.adapter is not None
        switches = self.adapter.config
        assert isinstance(switches, Switches)
        return switches
