"""No webhook goes to our own network, however its address is written."""

from pathlib import Path

import pytest

from hub.kernel.errors import Invalid
from hub.notifications.destination import check_url, is_public
from hub.settings import SettingsRefused, load_settings
from hub.wiring import limits

PORTS = frozenset({443, 8443})


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "2a00:1450:4001::1"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "0.0.0.0", "0.1.2.3",  # ours
        "169.254.169.254", "168.63.129.16", "100.100.100.200", "100.64.0.1", "fd00:ec2::254",  # metadata and carriers
        "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
        "192.88.99.1", "::1", "::", "::127.0.0.1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8",  # mapped
        "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1",  # NAT64
        "2002:7f00:1::", "2002:808:808::1", "2001:0:53aa:64c:0:0:80ff:fffe", "2001:db8::1", "100::1",  # 6to4, Teredo, documentation
        "", "localhost", "127.1", "not an address",
    ],
)  # fmt: skip
def test_all_others(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url", ["https://shop.example.com/hooks?a=b", "https://shop.example.com:8443/", "https://8.8.8.8/x", "https://[2606:2800:21f::1]/"]
)
def test_urls_that_may_be_asked(url: str) -> None:
    assert check_url(url, ports=PORTS, allow_private=False) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example.com/", "ftp://shop.example.com/", "file:///etc/passwd", "//shop.example.com/", "shop.example.com", "",
        "https://", "https:///x", "https://user:password@shop.example.com/", "https://shop.example.com@127.0.0.1/",
        "https://shop.example.com/#part", "https://shop.example.com:22/", "https://shop.example.com:99999/", "https://shop.example.com:x/",
        "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest/meta-data/",
        "https://localhost/", "https://LOCALHOST./", "https://metadata.google.internal/", "https://printer.local/",
        "https://shop.example.com/\r\nX: y", "https://shop.example.com/a b", "https://shop.example.com\\@10.0.0.1/", "https://[::1/",
        "https://sh\u00f6p.example.com/", "https://shop.example.com/" + "a" * 2100,
    ],
)  # fmt: skip
def test_urls_that_are_refused_by_name(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_url(url, ports=PORTS, allow_private=False)
    assert refused.value.field == "/url"


def test_in_development_one_may_reach_oneself() -> None:
    for url in ("http://127.0.0.1:9000/hook", "https://localhost:1/", "http://[::1]:8080/"):
        assert check_url(url, ports=PORTS, allow_private=True) == url
    with pytest.raises(Invalid):
        check_url("gopher://127.0.0.1/", ports=PORTS, allow_private=True)


def test_the_settings_name_the_ports(tmp_path: Path) -> None:
    more = tmp_path / "more.toml"
    more.write_text('[notifications]\nports = "443,9443"\n')
    assert limits(load_settings(more, {})).ports == {443, 9443}
    assert limits(load_settings(None, {"WHEELWRIGHT__NOTIFICATIONS__PORTS": "443"})).ports == {443}
    assert limits(load_settings(None, {})).ports == PORTS
    assert not limits(load_settings(None, {})).allow_private
    with pytest.raises(SettingsRefused, match=r"notifications\.ports"):
        load_settings(None, {"WHEELWRIGHT__NOTIFICATIONS__PORTS": "all"})
