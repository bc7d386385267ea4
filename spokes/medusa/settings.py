"""The settings of a Medusa shop."""

from typing import Annotated

import msgspec
from msgspec import Meta

from spokes.web.address import checked_url

Name = Annotated[str, Meta(min_length=1, max_length=64)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url` is the server's, `api_key` a secret API key of its (from the environment).

    `location` is where the stock lies (``sloc_…``), `sales_channel` the one it is sold through (``sc_…``), `region` what orders
    are made in (``reg_…``), `shipping_option` what they leave by (``so_…``). `shipping_zone` is the service zone whose options are told as
    rates (``serzo_…``), with `shipping_days` until a parcel arrives. With `fulfill` a ship makes the fulfillment; without,
    the shop's people do. With `restock` what came back is added to the stock; without, the shop counts it itself.
    `carrier` names the carrier of all parcels; empty, the fulfillment provider does. With `untracked`, an order shipped without
    any tracking number is one parcel under its number. `category` is of products that have none.
    `settle` is how many seconds the server may need to finish a request that it did not answer.
    """

    url: str
    api_key: Annotated[str, Meta(min_length=1)]
    location: Name
    sales_channel: Name
    region: Name
    shipping_option: Name
    shipping_zone: Annotated[str, Meta(max_length=64)] = ""
    shipping_days: Annotated[int, Meta(ge=0, le=365)] = 5
    fulfill: bool = True
    restock: bool = True
    carrier: Annotated[str, Meta(max_length=64)] = ""
    untracked: bool = False
    category: Annotated[str, Meta(pattern=r"^[a-z0-9_-]{1,64}$")] = "general"
    settle: Annotated[float, Meta(ge=0, le=300)] = 15.0
    allow_private: bool = False

    def __post_init__(self) -> None:
        """Refuse what could never work, before the first order."""
        checked_url(self.url, allow_private=self.allow_private)
