"""What opens doors to you, and when you are away."""

from datetime import datetime

import msgspec

from vendor_sdk.client.answers import Answer


class ApiKey(Answer, frozen=True):
    """A key for the vendor API that works; never the key itself. With `expires_at` it is being replaced."""

    id: str
    name: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


class ApiKeys(Answer, frozen=True):
    """The keys that work now, the newest first."""

    data: list[ApiKey]


class MadeApiKey(Answer, frozen=True):
    """A new key, shown this once: null when the answer is repeated. Not in its repr."""

    id: str
    api_key: str | None
    live: list[ApiKey]

    def __repr__(self) -> str:
        return f"MadeApiKey(id={self.id!r}, …)"


class Nkey(Answer, frozen=True):
    """A key that opens your account on the broker, until `expires_at` if it is being replaced."""

    nkey_public: str
    created_at: datetime
    expires_at: datetime | None


class Nkeys(Answer, frozen=True):
    """The nkeys that work now, the newest first."""

    data: list[Nkey]


class NewNkey(Answer, frozen=True):
    """A new nkey; `seed` is its secret half if the hub made it, shown this once. Not in its repr."""

    nkey_public: str
    seed: str | None
    live: list[Nkey]

    def __repr__(self) -> str:
        return f"NewNkey(nkey_public={self.nkey_public!r}, …)"


class Vacation(Answer, frozen=True):
    """A vacation, present, to come or past; all null if there never was one. It ends by itself."""

    begins: datetime | None
    ends: datetime | None
    on_vacation: bool


class Certificate(Answer, frozen=True):
    """A report that your adapter passes the conformance kit at these levels, as the hub has it."""

    digest: str
    adapter: str
    sdk_version: str
    levels: list[str]
    made_at: datetime
    uploaded_at: datetime


class Requirement(Answer, frozen=True):
    """How a requirement stands (``missing``, ``waiting``, ``met``, ``refused``), and why it is not met."""

    name: str
    kind: str
    title: str
    state: str
    reason: str = ""
    version: str = ""
    url: str = ""


class Onboarding(Answer, frozen=True):
    """How far you are: `missing` are the requirements that you still have to meet."""

    vendor: str
    state: str
    missing: list[str]
    requirements: list[Requirement]
    certificates: list[Certificate] = msgspec.field(default_factory=list[Certificate])
