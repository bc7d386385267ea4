"""Where the hub is, whose key it is, and how long is waited: checked once, and never shown."""

import ipaddress
import re

import httpx
import msgspec

from vendor_sdk.errors import Misconfigured

_KEY = re.compile(r"[!-~]{8,512}")
_HOST = re.compile(r"[\w.:-]+")
AGENT = "wheelwright-vendor-sdk"


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long is waited, in seconds: for one attempt, and for a whole call with its retries; none begins with less than `least` left."""

    attempt: float = 15.0
    call: float = 60.0
    least: float = 0.1
    first_pause: float = 0.5
    longest_pause: float = 20.0


class Connection:
    """A hub and a vendor's key for it."""

    def __init__(self, base_url: str, api_key: str, *, patience: Patience, allow_http: bool) -> None:
        self.base_url = check_base_url(base_url, allow_http=allow_http)
        if _KEY.fullmatch(api_key) is None:
            raise Misconfigured("the API key is not one: 8 to 512 visible characters without spaces are expected")
        self._api_key = api_key
        self.patience = patience

    def __repr__(self) -> str:
        return f"Connection({self.base_url!r}, …)"

    @property
    def headers(self) -> dict[str, str]:
        """What every request bears."""
        return {"Authorization": f"Bearer {self._api_key}", "User-Agent": AGENT, "Accept": "application/json, text/csv"}


def check_base_url(text: str, *, allow_http: bool) -> str:
    """The address without a final slash. Raises `Misconfigured` for what a key should not be sent to."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise Misconfigured(f"the base URL is none: {error}") from error
    if url.scheme not in {"https", "http"} or not _HOST.fullmatch(url.host):
        raise Misconfigured("the base URL has to be https://…")
    if url.userinfo or url.query or url.fragment:
        raise Misconfigured("the base URL has neither user, nor query, nor fragment")
    if url.scheme == "http" and not allow_http and not _is_here(url.host):
        raise Misconfigured("http would show the key to the whole way there: use https, or say allow_http")
    return str(url).rstrip("/")


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
