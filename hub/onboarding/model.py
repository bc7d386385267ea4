"""What is said about a vendor's way to us, in and out."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from hub.kernel.text import END
from hub.vendors.model import (
    OPTIONS_MAX,
    Capability,
    ConfigKey,
    ConfigValue,
    Country,
    Name,
    Nkey,
    ShippingOption,
    Vendor,
    VendorCode,
)
from hub.vendors.states import VendorState

Channel = Literal["adapter", "hosted", "webhook", "flatfile"]
"""How a vendor's orders reach it: by an adapter of its own, by hand through the vendor API, or by an adapter that we run."""

Email = Annotated[str, Meta(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+" + END)]
Who = Annotated[str, Meta(min_length=1, max_length=200, description="the person who agrees, and as what")]
AdapterName = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_.:-]+" + END, description="as its report says")]
Reason = Annotated[str, Meta(min_length=1, max_length=500)]
RequirementName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}" + END, max_length=32)]
INVITATION_SECONDS_MAX = 90 * 86_400


class NewInvitation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to invite. Null `commission_bps` and `hold_seconds`: as the marketplace has it."""

    code: VendorCode
    name: Name
    country: Country
    email: Email
    commission_bps: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    hold_seconds: Annotated[int, Meta(ge=0, le=365 * 86_400)] | None = None
    expires_in_seconds: Annotated[int, Meta(ge=60, le=INVITATION_SECONDS_MAX)] = 7 * 86_400


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation; it is open until it is accepted, revoked or expired."""

    id: str
    vendor: str
    email: str
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None


class Invited(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation with its token, shown this once: null when the answer is repeated."""

    invitation: Invitation
    token: str | None


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a vendor brings along. With `capabilities` it has a spoke, which signs in by its nkey; without one we make the pair."""

    token: Annotated[str, Meta(min_length=1, max_length=200)]
    shipping_options: Annotated[list[ShippingOption], Meta(min_length=1, max_length=OPTIONS_MAX)]
    capabilities: Annotated[list[Capability], Meta(max_length=4)] = []
    nkey_public: Nkey | None = None


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor that is with us now. The key and the seed are shown this once: null when the answer is repeated.

    `account` is the vendor's account on the broker; `onboarding` is where it sees what is missing, `provider_link` where
    it asks (POST) for the address at which it tells the payment provider who it is.
    """

    vendor: Vendor
    key_id: str
    api_key: str | None
    nkey_public: str | None
    nkey_seed: str | None
    account: str | None
    onboarding: str = "/v1/vendor/onboarding"
    provider_link: str = "/v1/vendor/onboarding"


class Agreement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That the vendor agrees to a version of some terms."""

    version: Annotated[str, Meta(min_length=1, max_length=50)]
    who: Who


class TaxFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What we must know to write down who is taxed. One of `vat_id`, `tax_number`, or why there is neither."""

    legal_name: Name
    address: Annotated[str, Meta(min_length=5, max_length=500)]
    country: Country
    vat_id: Annotated[str, Meta(pattern=r"^[A-Z]{2}[0-9A-Z+*]{2,12}" + END, max_length=14)] | None = None
    tax_number: Annotated[str, Meta(min_length=3, max_length=30)] | None = None
    exempt_because: Annotated[str, Meta(min_length=1, max_length=300)] | None = None


class ChannelChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How orders reach the vendor. `adapter` names its adapter, which then has to be certified; `note` is for our operators."""

    channel: Channel
    adapter: AdapterName | None = None
    note: Annotated[str, Meta(max_length=1_000)] = ""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A report that an adapter passes the conformance kit at these levels; `digest` is that of the report as uploaded."""

    digest: str
    adapter: str
    sdk_version: str
    levels: list[str]
    made_at: datetime
    uploaded_at: datetime


RequirementState = Literal["missing", "waiting", "met", "refused"]


class RequirementStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How a requirement stands, and why it is not met."""

    name: str
    kind: str
    title: str
    state: RequirementState
    reason: str = ""
    version: str = ""
    url: str = ""
    given: dict[str, Any] = {}
    given_at: datetime | None = None
    given_by: str = ""


class Onboarding(msgspec.Struct, frozen=True, kw_only=True):
    """How far a vendor is: its state, and each requirement in order; `missing` are those it still has to meet."""

    vendor: str
    state: VendorState
    missing: list[str]
    requirements: list[RequirementStanding]
    certificates: list[Certificate] = []


class Submit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A word to the operator who reviews."""

    note: Annotated[str, Meta(max_length=500)] = ""


class Approve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it is right. `embedded_spoke` names an adapter that we run for a vendor without one of its own, `spoke_config` its settings."""

    reason: Reason
    capabilities: Annotated[list[Capability], Meta(max_length=4)] | None = None
    embedded_spoke: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}" + END, max_length=32)] | None = None
    spoke_config: Annotated[dict[ConfigKey, ConfigValue], Meta(max_length=64)] = {}


class SendBack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it is not right yet, as a whole and by requirement: those named have to be given anew."""

    reason: Reason
    requirements: Annotated[dict[RequirementName, Reason], Meta(max_length=50)] = {}


class Reject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the vendor is not taken."""

    reason: Reason
