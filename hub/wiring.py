"""The only place that knows both ports and gateways: builds what a process needs from its settings."""

from importlib import import_module

import msgspec
from sqlalchemy import MetaData

from hub.checkout.timing import Timing
from hub.payments.ports import PaymentGateway
from hub.runtime.bus import Bus, BusSettings
from hub.runtime.changes import Changes
from hub.runtime.database import Database, metadata
from hub.settings import Settings

TABLES = (
    *(
        f"hub.{slice_}.tables"
        for slice_ in ("cart", "catalog", "customers", "inventory", "ledger", "orders", "payments", "payouts", "vendors")
    ),
    *(f"hub.runtime.{part}" for part in ("auth", "dead_letters", "idempotency", "inbox", "life", "steps")),
)
"""Every module that owns a table."""


class Wiring(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of one process."""

    settings: Settings
    database: Database
    bus: Bus
    changes: Changes
    timing: Timing

    async def close(self) -> None:
        """Close what was opened."""
        await self.bus.close()
        await self.database.close()


def wire(settings: Settings, name: str) -> Wiring:
    """Everything but the gateway, which only workers hold. Nothing is connected yet; `name` is the broker's name for us."""
    n = settings.nats
    bus = Bus(
        BusSettings(
            url=n.url,
            user=n.user,
            password=n.password,
            nkey_seed=n.nkey_seed,
            creds_file=n.creds_file,
            tls_ca=n.tls_ca,
            tls_cert=n.tls_cert,
            tls_key=n.tls_key,
        ),
        name,
    )
    database = Database(settings.database.address(), pool_size=settings.database.pool_size)
    changes = Changes(bus)
    database.after_commit.append(changes.tell)
    bus.on_connect.append(changes.listen)
    return Wiring(settings=settings, database=database, bus=bus, changes=changes, timing=timing(settings))


def timing(settings: Settings) -> Timing:
    """How long the hub waits for whom."""
    o = settings.orders
    return Timing(
        reserve=o.reserve_seconds,
        payment=o.payment_ttl_seconds,
        acceptance=o.acceptance_seconds,
        ship=o.ship_seconds,
        delivery=o.delivery_seconds,
        ask_again=o.ask_again_seconds,
        hold=o.hold_seconds,
    )


def gateway(settings: Settings) -> PaymentGateway:
    """The payment provider: Stripe, or our sandbox of it where `stripe.base_url` says so."""
    from hub.gateways.stripe.gateway import StripeGateway

    s = settings.stripe
    return StripeGateway(s.api_key, base_url=s.base_url or None, timeout=s.timeout_seconds, rate_per_second=s.rate_per_second or None)


def tables() -> MetaData:
    """Every table of the hub, as the migrations must make them."""
    for module in TABLES:
        import_module(module)
    return metadata
