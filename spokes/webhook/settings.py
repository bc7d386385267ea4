"""The settings of a webhook vendor: where its endpoints are, and the secrets that both sides sign with."""

import msgspec

from spokes.web.address import checked_url
from spokes.webhook.signing import read_keys


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url` is the base of the endpoints, `secret` the shared secrets separated by blanks (from the environment).

    All of them sign what is sent, each is believed in what comes: with the new one beside the old, both sides change over
    when they like. `rates` says that the vendor serves ``/rates``. `allow_private` lets `url` be a private address or plain
    HTTP: only on the vendor's own premises.
    """

    url: str
    secret: str
    rates: bool = False
    allow_private: bool = False

    def __post_init__(self) -> None:
        """Refuse what could never work, before the first order."""
        checked_url(self.url, allow_private=self.allow_private)
        read_keys(self.secret)
