"""The settings of a Shopify shop."""

from typing import Annotated

import msgspec
from msgspec import Meta

from spokes.web.address import checked_url


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url` is the shop's (``https://acme.myshopify.com``), `access_token` its app's for the Admin API (from the environment).

    `location` is where the stock lies (``gid://shopify/Location/…``). With `untracked`, a fulfilled order without any tracking
    number is one parcel of `carrier` under the order's name; without, it is pending until there is one.
    """

    url: str
    access_token: Annotated[str, Meta(min_length=1)]
    location: Annotated[str, Meta(pattern=r"^gid://shopify/Location/[0-9]+$")]
    untracked: bool = False
    carrier: Annotated[str, Meta(min_length=1, max_length=64)] = "Untracked"
    allow_private: bool = False

    def __post_init__(self) -> None:
        """Refuse what could never work, before the first order."""
        checked_url(self.url, allow_private=self.allow_private)
