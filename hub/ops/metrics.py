"""What machines watch, in the text format of Prometheus: what waits, what broke, who lives, how fast we answer."""

from collections.abc import Iterable, Iterator, Mapping

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from sqlalchemy import text

from hub.feeds import store as feeds
from hub.liveness import look
from hub.liveness.rules import Health, Watch
from hub.notifications import store as webhooks
from hub.payments.availability import down_since, gateway_health
from hub.runtime import trespass
from hub.runtime.callers import OPERATORS
from hub.runtime.database import Database, Tx
from hub.runtime.http import BEARER, refuses
from hub.runtime.traffic import Traffic

MEDIA_TYPE = "text/plain; version=0.0.4"  # the framework adds the charset
VENDORS_MAX = 10_000
BREAKER = {"closed": 0, "half-open": 1, "open": 2}

OPEN_STEPS = text("""
SELECT target = '@hub' AS own, CASE WHEN waiting THEN 'waiting' WHEN verdict IS NOT NULL THEN 'pending'
    WHEN attempt > 0 THEN 'sent' WHEN due_at <= now() THEN 'due' ELSE 'timer' END AS standing, count(*) AS number
FROM steps WHERE state = 'open' GROUP BY 1, 2 ORDER BY 1, 2
""")
LETTERS = text("SELECT reason, count(*) AS number FROM dead_letters WHERE state = 'open' GROUP BY 1 ORDER BY 1")

Sample = tuple[Mapping[str, str], float]


class MetricsController(Controller):
    """For Prometheus; its key is an operator's."""

    path = "/metrics"
    tags = ["operations"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", media_type="text/plain", responses=refuses())
    async def metrics(
        self, database: NamedDependency[Database], watch: NamedDependency[Watch], traffic: NamedDependency[Traffic]
    ) -> Response[str]:
        """The hub's state (the same from every process) and this process's own traffic."""
        async with database.reading() as tx:
            lines = [*await hub_lines(tx, watch), *await webhook_lines(tx), *await feed_lines(tx), *traffic.lines(), ""]
        return Response("\n".join(lines), media_type=MEDIA_TYPE)


async def hub_lines(tx: Tx, watch: Watch) -> list[str]:
    """What is the same for all processes."""
    views = await look.browse(tx, watch, after=None, limit=VENDORS_MAX)
    steps = [({"by": "hub" if row.own else "vendor", "standing": row.standing}, row.number) for row in await tx.rows(OPEN_STEPS)]
    letters = [({"reason": row.reason}, row.number) for row in await tx.rows(LETTERS)]
    trespasses = [({"by": what}, float(number)) for what, number in (await trespass.totals(tx)).items()]
    down = await down_since(tx)
    known = [row.gateway for row in await tx.rows(gateway_health.select().order_by(gateway_health.c.gateway))]
    breakers = [
        ({"vendor": view.vendor, "capability": capability}, BREAKER.get(state, 2))
        for view in views
        for capability, state in sorted(view.breakers.items())
    ]
    return [
        *gauge("open_steps", "open steps by who has to act and how they stand", steps),
        *gauge("vendor_oldest_step_seconds", "the oldest unanswered command", [(_of(v.vendor), v.oldest_seconds) for v in views]),
        *gauge("vendor_up", "1 up, 0.5 degraded, 0 down", [(_of(v.vendor), _UP[v.health or Health.UP]) for v in views]),
        *gauge("vendor_busy", "its stream is full", [(_of(v.vendor), float(v.busy)) for v in views]),
        *gauge("vendor_in_flight", "commands its spoke is working on", [(_of(v.vendor), v.in_flight) for v in views]),
        *gauge("breaker_state", "0 closed, 1 half-open, 2 open", breakers),
        *gauge("dead_letters_open", "given up on and not looked after", letters),
        *gauge("trespasses", "attempts of vendors at what is not theirs, kept for a year", trespasses),
        *gauge("gateway_up", "whether a payment provider answers", [({"gateway": name}, float(name not in down)) for name in known]),
    ]


async def webhook_lines(tx: Tx) -> list[str]:
    """How vendors are told."""
    now, known = await webhooks.standing(tx), await webhooks.endpoints_by_standing(tx)
    pending = [({"standing": name}, float(getattr(now, name))) for name in ("sending", "due", "later")]
    return [
        *gauge("webhooks_pending", "webhooks to vendors by how they stand", pending),
        *gauge("webhooks_oldest_seconds", "the oldest webhook that is pending", [({}, now.oldest_seconds)]),
        *gauge("webhooks_behind", "moments of the timeline that nobody has followed yet", [({}, now.behind)]),
        *gauge("webhook_endpoints", "vendors' endpoints by how they stand", [({"standing": name}, known[name]) for name in known]),
    ]


async def feed_lines(tx: Tx) -> list[str]:
    """What vendors tell by themselves."""
    now = await feeds.standing(tx)
    rows = [({"became": name}, float(getattr(now, name))) for name in ("rows", "failed", "stale")]
    return [
        *gauge("feeds_open", "whole catalogs begun in the last day that are not whole yet", [({}, now.open)]),
        *gauge("feed_rows", "rows of feeds in the last hour: all, those not taken, those older than what is known", rows),
    ]


_UP = {Health.UP: 1.0, Health.DEGRADED: 0.5, Health.DOWN: 0.0}


def gauge(name: str, means: str, samples: Iterable[Sample]) -> Iterator[str]:
    """One metric with its samples."""
    yield f"# HELP wheelwright_{name} {means}"
    yield f"# TYPE wheelwright_{name} gauge"
    for labels, value in samples:
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"wheelwright_{name}{{{told}}} {value:g}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _of(vendor: str) -> dict[str, str]:
    return {"vendor": vendor}
