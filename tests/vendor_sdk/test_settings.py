"""A spoke's settings: the file, the environment above it, secrets never in it, and every mistake named."""

import json
import logging
from pathlib import Path

import pytest

from vendor_sdk.errors import Misconfigured
from vendor_sdk.logs import JsonFormatter, bound
from vendor_sdk.settings import load


def write(folder: Path, text: str, name: str = "shop-one") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def test_the_file_and_the_defaults(tmp_path: Path) -> None:
    text = 'adapter = "dummy"\n[nats]\nseed_file = "keys/{vendor}.nk"\n[guard]\nattempts = 5\n[config]\nship_after = 2\n'
    settings = load(write(tmp_path, text), {}).settings
    assert (settings.vendor, settings.adapter, settings.guard.attempts, settings.guard.timeout) == ("shop-one", "dummy", 5, 10.0)
    assert settings.nats.seed_file == str(tmp_path / "keys/shop-one.nk")
    assert settings.config == {"ship_after": 2}


def test_the_environment_is_above_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, 'adapter = "dummy"\nconcurrency = 4\n[nats]\nurl = "nats://a"\n')
    environ = {"SPOKE_NATS_URL": "nats://b", "SPOKE_CONCURRENCY": "9", "SPOKE_GUARD_BREAKER_RESET": "2.5", "HOME": "/"}
    settings = load(path, environ).settings
    assert (settings.nats.url, settings.concurrency, settings.guard.breaker_reset) == ("nats://b", 9, 2.5)


def test_a_capability_may_be_tuned_by_itself(tmp_path: Path) -> None:
    text = 'adapter = "dummy"\n[guard]\nbreaker_failures = 7\n[guard.orders]\nbreaker_reset = 30.0\nattempts = 1\n'
    limits = load(write(tmp_path, text), {"SPOKE_GUARD_STOCK_TIMEOUT": "2.5"}).settings.guard
    orders, stock, shipping = (limits.of(name) for name in ("orders", "stock", "shipping"))
    assert (orders.breaker_failures, orders.breaker_reset, orders.attempts, orders.timeout) == (7, 30.0, 1, 10.0)
    assert (stock.breaker_failures, stock.breaker_reset, stock.attempts, stock.timeout) == (7, 10.0, 3, 2.5)
    assert shipping == limits


def test_secrets_come_from_the_environment_and_do_not_show(tmp_path: Path) -> None:
    path = write(tmp_path, 'adapter = "dummy"\n')
    environ = {
        "SPOKE_SHOP_ONE_NATS_SEED": "SUOWN",
        "SPOKE_NATS_SEED": "SUALL",
        "SPOKE_SHOP_ONE_CONFIG_API_KEY": "k",
        "SPOKE_NATS_PASSWORD": "pw",
    }
    loaded = load(path, environ)
    assert (loaded.secrets.seed, loaded.secrets.password) == ("SUOWN", "pw")
    assert loaded.settings.config == {"api_key": "k"}
    assert "SUOWN" not in repr(loaded)
    assert "pw" not in repr(loaded)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('adapter = "dummy"\nconcurency = 4\n', "concurency"),
        ('adapter = "dummy"\n[nats]\nseed = "SU"\n', "seed"),
        ('adapter = "dummy"\n[guard]\nattempts = 0\n', r"guard\.attempts"),
        ('adapter = "dummy"\n[guard.orders]\nbreaker_reset = 0\n', r"guard\.orders\.breaker_reset"),
        ('adapter = "dummy"\n[guard.rates]\nattempts = 2\n', "rates"),
        ('adapter = "dummy"\nvendor = "Shop One"\n', "vendor"),
        ("concurrency = 4\n", "adapter"),
        ("adapter = \n", r"shop-one\.toml"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        load(write(tmp_path, text), {})


@pytest.mark.parametrize("name", ["SPOKE_NATS_URI", "SPOKE_NAT_URL", "SPOKE_CONCURENCY"])
def test_a_misspelt_variable_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        load(write(tmp_path, 'adapter = "dummy"\n'), {name: "1"})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"nobody\.toml"):
        load(tmp_path / "nobody.toml", {})


def test_the_sample_spokes_are_valid() -> None:
    from vendor_sdk.adapter import read_config
    from vendor_sdk.registry import find

    samples = sorted((Path(__file__).parents[2] / "config" / "spokes").glob("*.toml"))
    assert samples
    for path in samples:
        settings = load(path, {}).settings
        read_config(find(settings.adapter), settings.config)


def test_a_log_line_says_what_it_belongs_to() -> None:
    record = logging.LogRecord("vendor_sdk.spoke", logging.WARNING, "f", 1, "asked %s", ("again",), None)
    with bound(vendor="acme", correlation_id="req-1", traceparent=""):
        line = json.loads(JsonFormatter().format(record))
    assert (line["event"], line["level"], line["vendor"], line["correlation_id"]) == ("asked again", "warning", "acme", "req-1")
    assert "traceparent" not in line
    assert "vendor" not in json.loads(JsonFormatter().format(record))
