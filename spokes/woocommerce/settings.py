"""The settings of a WooCommerce shop."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from spokes.web.address import checked_url


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url` is the shop's, the keys are of its REST API with read and write (the secret from the environment).

    `tracking` says where parcels are read: of the Shipment Tracking extension, of the order's meta (`_tracking_number`,
    `_tracking_provider`), or nowhere: then a completed order is one parcel of `carrier` under the order's number.
    `shipping_zone` is the one whose methods are told as rates (0: everywhere else), with `shipping_days` until a parcel arrives.
    `settle` is how many seconds the shop may need to finish a request that it did not answer.
    `webhook_secret` is what the shop signs its webhooks with, if somebody listens to them.
    """

    url: str
    consumer_key: Annotated[str, Meta(min_length=1)]
    consumer_secret: Annotated[str, Meta(min_length=1)]
    tracking: Literal["extension", "meta", "none"] = "extension"
    carrier: Annotated[str, Meta(min_length=1, max_length=64)] = "Untracked"
    shipping_zone: Annotated[int, Meta(ge=0)] | None = None
    shipping_days: Annotated[int, Meta(ge=0, le=365)] = 5
    settle: Annotated[float, Meta(ge=0, le=300)] = 60.0
    webhook_secret: str = ""
    allow_private: bool = False

    def __post_init__(self) -> None:
        """Refuse what could never work, before the first order."""
        checked_url(self.url, allow_private=self.allow_private)
