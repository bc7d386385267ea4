"""What may be set: one struct for each table of the settings; the defaults and their reasons are in `config/settings.toml`."""

import re
from typing import Annotated, Any, Literal, get_type_hints
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Meta

MASK = "********"
_PASSWORD = re.compile(r"(://[^:@/]*):[^@/]*@")
"""In an address, or in any of several: a cluster's are separated by commas."""

Secret = Annotated[str, Meta(extra={"secret": True})]
"""Comes from the environment alone; masked wherever settings are shown."""

Count = Annotated[int, Meta(ge=1)]
TEN_YEARS = 315_360_000
"""In seconds; bounds what would overflow the calendar."""
Seconds = Annotated[float, Meta(gt=0, le=TEN_YEARS)]
Port = Annotated[int, Meta(ge=0, le=65_535)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the settings; shows itself with secrets masked, so that no log can leak one."""

    def __repr__(self) -> str:
        shown = ", ".join(f"{key}={value!r}" for key, value in masked_section(self).items())
        return f"{type(self).__name__}({shown})"


class DatabaseSettings(Section, frozen=True, kw_only=True):
    """PostgreSQL."""

    url: Annotated[str, Meta(pattern=r"^postgresql\+asyncpg://")]
    password: Secret = ""
    pool_size: Count

    def address(self) -> str:
        """`url` with the password in it, for SQLAlchemy (`postgresql+asyncpg://…`)."""
        if not self.password:
            return self.url
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return parts._replace(netloc=f"{parts.username or ''}:{quote(self.password, safe='')}@{host}").geturl()


class NatsSettings(Section, frozen=True, kw_only=True):
    """The broker; one of user and password, nkey seed, creds file opens it."""

    url: str
    user: str
    password: Secret = ""
    nkey_seed: Secret = ""
    creds_file: str
    tls_ca: str
    tls_cert: str
    tls_key: str
    replicas: Literal[1, 3]
    leaf_listen: Annotated[str, Meta(pattern=r"^(|[A-Za-z0-9.:\[\]-]+:\d{1,5})$")]


class StripeSettings(Section, frozen=True, kw_only=True):
    """The payment provider, or our sandbox of it when `base_url` says so."""

    api_key: Secret = ""
    webhook_secret: Secret = ""
    connect_webhook_secret: Secret = ""
    base_url: str
    timeout_seconds: Seconds
    rate_per_second: Annotated[float, Meta(ge=0)]


class BankSettings(Section, frozen=True, kw_only=True):
    """Our bank account, for buyers who pay by bank transfer; without an IBAN that is not offered."""

    holder: Annotated[str, Meta(max_length=70)]
    iban: Annotated[str, Meta(max_length=42)]
    bic: Annotated[str, Meta(max_length=11)]


class HttpSettings(Section, frozen=True, kw_only=True):
    """The address and the limits of the HTTP API."""

    host: str
    port: Port
    body_bytes_max: Count
    anonymous_per_minute: Count
    buyer_per_minute: Count
    vendor_per_minute: Count
    operator_per_minute: Count
    wait_seconds_max: Annotated[int, Meta(ge=0)]
    copy_seconds: Annotated[float, Meta(ge=0, le=3600)]
    under_way_max: Count
    drain_seconds: Annotated[float, Meta(ge=0, le=600)]


class OrderSettings(Section, frozen=True, kw_only=True):
    """What bounds an order, in size and in time (seconds)."""

    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    quote_ttl_seconds: Seconds
    payment_ttl_seconds: Seconds
    invoice_ttl_seconds: Seconds
    reserve_seconds: Seconds
    acceptance_seconds: Seconds
    ship_seconds: Seconds
    delivery_seconds: Seconds
    ask_again_seconds: Seconds
    hold_seconds: Annotated[float, Meta(ge=0, le=TEN_YEARS)]
    vendor_degraded_seconds: Seconds
    vendor_down_seconds: Seconds
    when_vendor_is_down: Literal["sell", "delay", "hide"]
    vendor_down_delay_days: Annotated[int, Meta(ge=0, le=365)]
    when_breaker_is_open: Literal["sell", "delay", "hide"]
    breaker_open_delay_days: Annotated[int, Meta(ge=0, le=365)]
    lines_max: Count
    quantity_max: Count
    commission_file: str
    promotions_file: str
    promises_file: str


class RerouteSettings(Section, frozen=True, kw_only=True):
    """How far the marketplace goes to have another vendor deliver what one does not, where the buyer consented to that."""

    we_bear_bps: Annotated[int, Meta(ge=0, le=10_000)]
    difference: Literal["platform", "vendor"]
    answer_seconds_min: Annotated[float, Meta(ge=0, le=TEN_YEARS)]
    vendor_down_seconds: Seconds


class ReturnSettings(Section, frozen=True, kw_only=True):
    """What buyers may send back, and how long is waited for whom."""

    window_seconds: Annotated[float, Meta(ge=0, le=TEN_YEARS)]
    authorization_seconds: Seconds
    when_no_answer: Literal["authorize", "operator"]
    reception_seconds: Seconds
    refund_shipping: Literal["whole", "never"]


class TriageSettings(Section, frozen=True, kw_only=True):
    """How dead letters are mended."""

    grace_seconds: Annotated[float, Meta(ge=0, le=TEN_YEARS)]


class MoneySettings(Section, frozen=True, kw_only=True):
    """When vendors get their money, and who bears what goes wrong, where a vendor's own terms do not say."""

    reserve_bps: Annotated[int, Meta(ge=0, le=10_000)]
    reserve_seconds: Annotated[int, Meta(ge=0, le=TEN_YEARS)]
    payout_interval: Literal["manual", "daily", "weekly", "monthly"]
    payout_day: Annotated[int, Meta(ge=1, le=31)]
    payout_minimum: Annotated[int, Meta(ge=0)]
    dispute_liability: Literal["vendor", "platform"]
    dispute_fee: Literal["platform", "vendor"]
    adjustments_file: str


class NotificationSettings(Section, frozen=True, kw_only=True):
    """Webhooks to vendors."""

    allow_private: bool
    ports: Annotated[str, Meta(pattern=r"^\d{1,5}( *, *\d{1,5})*$")]
    timeout_seconds: Annotated[float, Meta(ge=1, le=30)]
    concurrency: Count
    per_endpoint: Count
    endpoints_max: Count
    disable_days: Annotated[float, Meta(gt=0, le=365)]
    keep_days: Annotated[int, Meta(ge=1, le=3650)]


class OnboardingSettings(Section, frozen=True, kw_only=True):
    """How vendors come to us."""

    requirements_file: str


class FeedSettings(Section, frozen=True, kw_only=True):
    """What vendors tell of their catalog and stock by themselves."""

    keep_days: Annotated[float, Meta(gt=0, le=365)]


class ReconcileSettings(Section, frozen=True, kw_only=True):
    """The daily proof that the providers' books are ours."""

    grace_seconds: Annotated[float, Meta(ge=0, le=TEN_YEARS)]
    bank_grace_seconds: Annotated[float, Meta(ge=0, le=TEN_YEARS)]
    accounts_max: Count


class WorkerSettings(Section, frozen=True, kw_only=True):
    """How much a worker takes at once and how long it may keep it."""

    claim_per_vendor: Count
    poll_seconds: Seconds
    concurrency: Count
    event_credit: Count
    attempts_max: Count


class LogSettings(Section, frozen=True, kw_only=True):
    """What is logged and how."""

    level: Literal["debug", "info", "warning", "error"]
    format: Literal["json", "console"]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that may be set."""

    database: DatabaseSettings
    nats: NatsSettings
    stripe: StripeSettings
    http: HttpSettings
    orders: OrderSettings
    reroute: RerouteSettings
    returns: ReturnSettings
    triage: TriageSettings
    money: MoneySettings
    bank: BankSettings
    notifications: NotificationSettings
    onboarding: OnboardingSettings
    feeds: FeedSettings
    reconcile: ReconcileSettings
    worker: WorkerSettings
    log: LogSettings


def masked_section(section: Section) -> dict[str, Any]:
    """One section for showing."""
    secret = secrets_of(type(section))
    values = {key: getattr(section, key) for key in section.__struct_fields__}
    return {key: MASK if key in secret and value else _without_password(value) for key, value in values.items()}


def _without_password(value: object) -> object:
    return _PASSWORD.sub(rf"\1:{MASK}@", value) if isinstance(value, str) else value


def holds_password(value: object) -> bool:
    return isinstance(value, str) and _PASSWORD.search(value) is not None


def secrets_of(section: type[Section]) -> set[str]:
    hints = get_type_hints(section, include_extras=True)
    return {key for key, hint in hints.items() if hint == Secret}
