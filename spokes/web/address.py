"""Where a call may go: a vendor's URL and what its DNS says never lead into our own network, unless the settings allow it."""

import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is handed out (IANA); mapped, NAT64, local and multicast addresses lie outside."""
EMBEDDING = tuple(ipaddress.ip_network(net) for net in ("2001::/23", "2002::/16"))
"""Teredo and 6to4: they may carry an IPv4 address to somewhere else."""
NOT_VENDORS = tuple(ipaddress.ip_network(net) for net in ("192.88.99.0/24", "168.63.129.16/32"))
"""6to4 relays, and a cloud's metadata at a public address."""
URL_LENGTH_MAX = 500


class AddressRefused(OSError):
    """The URL leads to an address that is not a public one."""


def is_public(text: str) -> bool:
    """Whether this address, as a resolver gives it, is one that a stranger's server can have."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address in GLOBAL_UNICAST and address.is_global and not any(address in net for net in EMBEDDING)
    usual = address.is_global and not address.is_multicast and not address.is_reserved
    return usual and not any(address in net for net in NOT_VENDORS)


def checked_url(url: str, *, allow_private: bool) -> str:
    """The URL without a slash at its end, if it is one to call. Raises `ValueError` saying what is wrong with it.

    Plain HTTP goes only where `allow_private` lets it: a vendor's own network, or a test.
    """
    if len(url) > URL_LENGTH_MAX or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError(f"url: at most {URL_LENGTH_MAX} printable ASCII characters without blanks")
    parts = urlsplit(url)
    if parts.scheme not in ({"https", "http"} if allow_private else {"https"}):
        raise ValueError("url: it has to begin with https://")
    if not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("url: it needs a host, and neither user, password, query nor fragment")
    return url.rstrip("/")


def checked_socket(info: Any) -> socket.socket:
    """A socket to the very address that is about to be connected to, wherever it came from. Raises `AddressRefused`."""
    family, kind, protocol, _, address = info
    if not is_public(address[0]):
        raise AddressRefused(f"{address[0]} is not a public address")
    return socket.socket(family, kind, protocol)
