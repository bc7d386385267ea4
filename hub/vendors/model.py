"""What is said about vendors, in and out."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hub.kernel.money import Money
from hub.kernel.text import END
from hub.vendors.money_terms import BankAccount, OwnTerms
from hub.vendors.states import VendorState
from vendor_sdk.feeds import RATES_MAX
from vendor_sdk.subjects import VENDOR_PATTERN

Capability = Literal["stock", "orders", "shipping", "returns"]
VendorCode = Annotated[
    str, Meta(pattern=VENDOR_PATTERN.removesuffix("$") + END, max_length=63, description="lower case, begins with a letter")
]
OptionCode = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}" + END, max_length=32)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Nkey = Annotated[str, Meta(pattern=r"^U[A-Z2-7]{55}" + END, max_length=56, description="the public half of a user nkey")]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$", min_length=2, max_length=2, description="ISO 3166-1 alpha-2")]
ConfigKey = Annotated[str, Meta(min_length=1, max_length=64)]
ConfigInt = Annotated[int, Meta(ge=-(2**53), le=2**53)]
ConfigText = Annotated[str, Meta(max_length=4096)]
ConfigScalar = ConfigInt | float | bool | ConfigText
ConfigTable = dict[ConfigKey, ConfigScalar]
ConfigValue = ConfigScalar | ConfigTable | list[ConfigScalar | ConfigTable]

OPTIONS_MAX = RATES_MAX


class ShippingOption(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way in which a vendor ships: `price` for the parcel, `days` until it arrives."""

    code: OptionCode
    name: Name
    price: Money
    days: Annotated[int, Meta(ge=0, le=365)]


class NewVendor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A vendor to be admitted. Null `commission_bps` (hundredths of a percent) and `hold_seconds`: as the marketplace has it."""

    code: VendorCode
    name: Name
    country: Country
    nkey_public: Nkey | None = None
    capabilities: Annotated[list[Capability], Meta(max_length=4)] = []
    commission_bps: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    hold_seconds: Annotated[int, Meta(ge=0, le=365 * 86_400)] | None = None
    shipping_options: Annotated[list[ShippingOption], Meta(min_length=1, max_length=OPTIONS_MAX)]
    embedded_spoke: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}" + END, max_length=32)] | None = None
    spoke_config: Annotated[dict[ConfigKey, ConfigValue], Meta(max_length=64)] = {}
    connected_account: Annotated[str, Meta(pattern=r"^acct_[A-Za-z0-9_]{1,64}" + END, max_length=69)] | None = None


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor as operators see it."""

    code: str
    name: str
    country: str
    state: VendorState
    version: int
    nkey_public: str | None
    connected_account: str | None
    capabilities: list[str]
    embedded_spoke: str | None
    commission_bps: int | None
    hold_seconds: int | None
    created_at: datetime
    vacation_from: datetime | None = None
    vacation_until: datetime | None = None
    shipping_options: list[ShippingOption] = []


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """A new vendor with its key for the vendor API, shown this once: null when the answer is repeated."""

    vendor: Vendor
    key_id: str
    api_key: str | None


class Terms(OwnTerms, frozen=True, kw_only=True):
    """What the rest of the hub needs to know about a vendor; what is in force of its terms says `Marketplace.in_force`."""

    code: str
    name: str
    country: str
    state: VendorState
    capabilities: frozenset[str]
    commission_bps: int | None
    connected_account: str | None
    bank_account: BankAccount | None = None
    on_vacation: bool = False

    @property
    def sells(self) -> bool:
        """Whether its offers are for sale."""
        return self.state is VendorState.ACTIVE and not self.on_vacation
