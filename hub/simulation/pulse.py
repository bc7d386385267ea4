"""What workers would have heard of vendors' heartbeats: written when somebody wants to know, for only the last of them counts."""

from collections.abc import Mapping
from datetime import UTC, datetime

from hub.runtime.steps import HUB_TARGET
from hub.simulation.nature import Nature
from hub.simulation.postgres.server import Memory
from hub.simulation.vendors import Vendor


class Pulse:
    """Of all vendors with spokes. That we listen is never in doubt here."""

    def __init__(self, nature: Nature, memory: Memory, vendors: Mapping[str, Vendor]) -> None:
        self._nature = nature
        self._table = memory.tables["vendor_liveness"]
        self._vendors = vendors
        self._since = nature.now()

    def feel(self) -> None:
        """Note when each was last heard."""
        now = self._nature.now()
        heard = {code: now if vendor.online else datetime.fromtimestamp(vendor.left_at, UTC) for code, vendor in self._vendors.items()}
        self._table.commit({code: self._row(code, seen_at) for code, seen_at in ({HUB_TARGET: now} | heard).items()})

    def _row(self, vendor: str, seen_at: datetime) -> tuple[object, ...]:
        said = {"vendor": vendor, "boot_id": vendor, "version": "", "since": self._since, "seen_at": seen_at}
        said |= {"breakers": dict[str, str](), "closed_at": dict[str, str](), "in_flight": 0, "oldest_seconds": 0.0}
        return tuple(said.get(column) for column in self._table.columns)
