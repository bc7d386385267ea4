"""The only place that knows both ports and gateways: builds what a process needs from its settings."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import import_module

import msgspec
from sqlalchemy import MetaData

from hub.accounts.onboard import Onboarding
from hub.adjustments.rules import AdjustmentRule, adjustment_rules_from
from hub.checkout.timing import Timing
from hub.gateways.bank.rules import ABILITIES, NAME, compact_iban
from hub.liveness.rules import Watch
from hub.notifications.rules import Limits
from hub.onboarding.requirements import Requirements, requirements_from
from hub.payments.availability import Method
from hub.payments.facts import Abilities, ProviderEvent
from hub.payments.ports import Gateways, PaymentGateway
from hub.payouts.desk import PayoutDesk
from hub.pricing.commission import Commission, commission_from
from hub.pricing.replacement import RerouteRules
from hub.promises.model import PromiseName
from hub.promises.rules import OurPromises, our_promises_from
from hub.returns.rules import ReturnRules
from hub.runtime.bus import Bus, BusSettings
from hub.runtime.changes import Changes
from hub.runtime.database import Database, metadata
from hub.sections import Settings
from hub.settings import SettingsRefused, read_rules
from hub.vendors.money_terms import BankAccount, Marketplace
from hub.webhooks.ports import BadEvent, BadSignature, Endpoint, Endpoints

TABLES = (
    *(
        f"hub.{slice_}.tables"
        for slice_ in (
            "adjustments",
            "cart",
            "catalog",
            "customers",
            "feeds",
            "inventory",
            "ledger",
            "letters",
            "liveness",
            "notifications",
            "onboarding",
            "orders",
            "payments",
            "payouts",
            "promises",
            "reconcile",
            "refunds",
            "returns",
            "transfers",
            "triage",
            "vendors",
            "webhooks",
        )
    ),
    "hub.gateways.bank.tables",
    "hub.payments.availability",
    *(f"hub.runtime.{part}" for part in ("audit", "auth", "failures", "idempotency", "inbox", "life", "steps", "trespass")),
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
        invoice=o.invoice_ttl_seconds,
        promises=promises(settings),
        marketplace=marketplace(settings),
        adjustments=adjustments(settings),
        watch=watch(settings),
        commission=commission(settings),
        reroute=reroute(settings),
        returns=returns(settings),
    )


def returns(settings: Settings) -> ReturnRules:
    """What may come back, and how long is waited for it."""
    r = settings.returns
    return ReturnRules(
        window=r.window_seconds,
        authorization=r.authorization_seconds,
        when_no_answer=r.when_no_answer,
        reception=r.reception_seconds,
        refund_shipping=r.refund_shipping,
    )


def commission(settings: Settings) -> Commission:
    """The rules of our commission. Raises `SettingsRefused` naming what is wrong with them."""
    return read_rules(settings.orders.commission_file, "commission.toml", commission_from)


def reroute(settings: Settings) -> RerouteRules:
    """How far we go to have another vendor deliver what one does not."""
    r = settings.reroute
    return RerouteRules(
        we_bear_bps=r.we_bear_bps, difference=r.difference, answer_min=r.answer_seconds_min, down_seconds=r.vendor_down_seconds
    )


def watch(settings: Settings) -> Watch:
    """How long vendors' spokes may be silent, and what becomes of their offers then."""
    o = settings.orders
    return Watch(
        degraded=o.vendor_degraded_seconds,
        down=o.vendor_down_seconds,
        policy=o.when_vendor_is_down,
        delay_days=o.vendor_down_delay_days,
        open_policy=o.when_breaker_is_open,
        open_delay_days=o.breaker_open_delay_days,
    )


def marketplace(settings: Settings) -> Marketplace:
    """When vendors without terms of their own get their money, and who bears what goes wrong."""
    m = settings.money
    return Marketplace(
        hold_seconds=settings.orders.hold_seconds,
        reserve_bps=m.reserve_bps,
        reserve_seconds=m.reserve_seconds,
        payout_interval=m.payout_interval,
        payout_day=m.payout_day,
        payout_minimum=m.payout_minimum,
        bears_disputes=m.dispute_liability == "vendor",
        currency=settings.orders.currency,
        vendor_pays_dispute_fee=m.dispute_fee == "vendor",
    )


def limits(settings: Settings) -> Limits:
    """Where webhooks to vendors may go, and how many at once and for how long."""
    n = settings.notifications
    return Limits(
        allow_private=n.allow_private,
        ports=frozenset(int(port) for port in n.ports.split(",")),
        timeout_seconds=n.timeout_seconds,
        concurrency=n.concurrency,
        per_endpoint=n.per_endpoint,
        endpoints_max=n.endpoints_max,
        disable_days=n.disable_days,
        keep_days=n.keep_days,
    )


def promises(settings: Settings) -> OurPromises:
    """What vendors promise where nothing else was agreed. Raises `SettingsRefused` naming what is wrong with it."""
    o = settings.orders
    seconds: Mapping[PromiseName, float] = {"acceptance": o.acceptance_seconds, "shipping": o.ship_seconds, "delivery": o.delivery_seconds}
    return read_rules(o.promises_file, "promises.toml", lambda data: our_promises_from(data, seconds))


def requirements(settings: Settings) -> Requirements:
    """What vendors have to show before they sell. Raises `SettingsRefused` naming what is wrong with it."""
    return read_rules(settings.onboarding.requirements_file, "onboarding.toml", requirements_from)


def adjustments(settings: Settings) -> tuple[AdjustmentRule, ...]:
    """The rules of fines and bonuses. Raises `SettingsRefused` naming what is wrong with them."""
    return tuple(read_rules(settings.money.adjustments_file, "adjustments.toml", adjustment_rules_from))


def gateway(settings: Settings) -> PaymentGateway:
    """The payment provider: Stripe, or our sandbox of it where `stripe.base_url` says so."""
    from hub.gateways.stripe.gateway import StripeGateway

    s = settings.stripe
    return StripeGateway(s.api_key, base_url=s.base_url or None, timeout=s.timeout_seconds, rate_per_second=s.rate_per_second or None)


def gateways(wiring: Wiring) -> Gateways:
    """Every provider by name. To be used and closed on one event loop."""
    from hub.gateways.bank.gateway import BankGateway

    stripe, bank = gateway(wiring.settings), BankGateway(wiring.database, bank_account(wiring.settings))
    return {stripe.name: stripe, bank.name: bank}


def onboarding(settings: Settings) -> Onboarding:
    """The one thing that the API asks of a provider by itself; it holds a gateway of its own for it, made at the first use."""
    return Onboarding(lambda: gateway(settings))


def payout_desk(wiring: Wiring) -> PayoutDesk:
    """What the API asks of a provider when somebody asks for a payout or looks into one; it holds gateways of its own for it."""
    return PayoutDesk(wiring.database, lambda: gateways(wiring), marketplace(wiring.settings))


def webhook_endpoints(settings: Settings) -> Endpoints:
    """Where Stripe may tell us things: each address has secrets of its own, separated by commas while they are being changed."""

    def read(raw: bytes, signature: str, secrets: Sequence[str], *, now: datetime) -> ProviderEvent:
        from hub.gateways.stripe import webhooks

        try:
            return webhooks.read_event(raw, signature, secrets, now=now)
        except webhooks.BadSignature as bad:
            raise BadSignature(str(bad)) from bad
        except webhooks.BadEvent as bad:
            raise BadEvent(str(bad)) from bad

    def at(name: str, secrets: str) -> Endpoint:
        known = tuple(secret.strip() for secret in secrets.split(",") if secret.strip())
        return Endpoint(gateway="stripe", name=name, secrets=known, signature_header="stripe-signature", read=read)

    s = settings.stripe
    return {"stripe": at("stripe", s.webhook_secret), "stripe/connect": at("stripe/connect", s.connect_webhook_secret)}


def bank_account(settings: Settings) -> BankAccount:
    """Our account, where buyers send bank transfers; without an IBAN there is none. Raises `SettingsRefused`."""
    b = settings.bank
    if b.iban and compact_iban(b.iban) is None:
        raise SettingsRefused('settings: "bank.iban" is no IBAN')
    return BankAccount(holder=b.holder, iban=compact_iban(b.iban) or "", bic=b.bic or None)


def offered(settings: Settings) -> list[Method]:
    """The ways to pay that buyers are offered."""
    cards = Abilities(holds=True, online=True, accounts=True, disputes=True, saves=True)
    methods = [Method(gateway="stripe", payment_methods="pm_…", abilities=cards)]
    if settings.bank.iban:
        methods.append(Method(gateway=NAME, payment_methods="bank_transfer", abilities=ABILITIES))
    return methods


def tables() -> MetaData:
    """Every table of the hub, as the migrations must make them."""
    for module in TABLES:
        import_module(module)
    return metadata
