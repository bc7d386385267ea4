"""Owns what load balancers ask: whether this process lives, and whether it can do its work now."""

from typing import Literal

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency

from hub.kernel.errors import Unavailable
from hub.runtime.bus import Bus
from hub.runtime.database import Database
from hub.runtime.problems import documented
from hub.runtime.traffic import Traffic


class Health(msgspec.Struct, frozen=True):
    """All is well."""

    status: Literal["ok"] = "ok"


class HealthController(Controller):
    """Liveness and readiness."""

    path = "/health"
    tags = ["health"]  # noqa: RUF012  # litestar's shape

    @get("/live", responses=documented(400, 429))
    async def live(self) -> Health:
        """Whether the process answers at all."""
        return Health()

    @get("/ready", responses=documented(400, 429, 503))
    async def ready(self, database: NamedDependency[Database], bus: NamedDependency[Bus], traffic: NamedDependency[Traffic]) -> Health:
        """Whether database and broker answer a real round trip, and this process is not about to end."""
        if traffic.draining:
            raise Unavailable("draining", "this process is about to end")
        await database.ping()
        if not await bus.alive():
            raise Unavailable("broker_unavailable", "the broker does not answer")
        return Health()
