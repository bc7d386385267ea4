"""Where webhooks may go: which addresses and which URLs. Whatever a vendor types or its DNS says, our own network is out of reach."""

import ipaddress
from urllib.parse import urlsplit

from hub.kernel.errors import Invalid
from hub.notifications.model import URL_LENGTH_MAX

GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is handed out (IANA); mapped (``::ffff:``), NAT64 (``64:ff9b:``), local and multicast lie outside."""
EMBEDDING = tuple(ipaddress.ip_network(net) for net in ("2001::/23", "2002::/16"))
"""Teredo and other protocols' own, and 6to4: they may carry an IPv4 address to somewhere else."""
NOT_VENDORS = tuple(ipaddress.ip_network(net) for net in ("192.88.99.0/24", "168.63.129.16/32"))
"""6to4 relays, and a cloud's metadata at a public address."""
INNER = frozenset({"localhost", "local", "internal"})
"""Endings of names that are never a stranger's."""


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


def check_url(url: str, *, ports: frozenset[int], allow_private: bool) -> str:
    """The URL if webhooks may go there, as far as that can be told without DNS. Raises `Invalid` (``url_refused``)."""
    if problem := _problem(url, ports, allow_private=allow_private):
        raise Invalid("url_refused", problem, field="/url")
    return url


def _problem(url: str, ports: frozenset[int], *, allow_private: bool) -> str | None:
    if len(url) > URL_LENGTH_MAX or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return f"a URL is at most {URL_LENGTH_MAX} printable ASCII characters without blanks"
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        return "this is not a URL"
    if parts.scheme not in ({"https", "http"} if allow_private else {"https"}):
        return "the URL has to begin with https://"
    if not host or "@" in parts.netloc or parts.fragment:
        return "the URL needs a host, and neither user, password nor fragment"
    return None if allow_private else _out_of_reach(host, port or 443, ports)


def _out_of_reach(host: str, port: int, ports: frozenset[int]) -> str | None:
    if port not in ports:
        return f"the port has to be one of {', '.join(map(str, sorted(ports)))}"
    if _is_literal(host) and not is_public(host):
        return "this address is not a public one"
    return "this host is not a public one" if host.rstrip(".").rpartition(".")[2] in INNER else None


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
