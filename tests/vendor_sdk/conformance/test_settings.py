"""What certify.toml may say, and what of it must not be told."""

from pathlib import Path
from typing import Any

import pytest

from vendor_sdk.conformance.certify import certify
from vendor_sdk.conformance.settings import Loaded, Settings, config_hash, load, located
from vendor_sdk.errors import Misconfigured

ADAPTER = "tests.vendor_sdk.shop.stage:Inside"


def written(folder: Path, text: str) -> Path:
    path = folder / "certify.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("adapter = ", "certify.toml"),
        ("upstream = 'url'", "adapter"),
        ("adapter = 'x'\nadaptor = 'y'", "adaptor"),
        ("adapter = 'x'\nvendor = 'No Vendor'", "vendor"),
        ("adapter = 'x'\nskus = { plenty = 'A', few = 'B', units = 2 }", "units"),
        ("adapter = 'x'\nskip = { wire = 'no' }", "skip"),
        ("adapter = 'x'\npatience = 0", "patience"),
        ("adapter = 'x'\nreaches = 'stock.reserve'", "reaches"),
        ("adapter = 'x'\n# \ud800", "utf-8"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "certify.toml"
    path.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(Misconfigured, match=named):
        load(path, {})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"skip": {"stock.no-such-rule": "because it is so"}}, "no-such-rule"),
        ({"skip": {"wire": "everything is too much"}}, "wire"),
        ({"adapter": "no.such.module:Adapter"}, "no.such.module"),
        ({"stage": "no.such.module:Stage"}, "no.such.module"),
        ({"stage": "tests.vendor_sdk.shop.stage:Inside"}, "no Stage class"),
        ({"upstream": "address"}, "address"),
        ({"config": {"url": "http://127.0.0.1:1", "hue": "red"}, "stage": ""}, "hue"),
    ],
)
async def test_settings_that_nothing_can_be_tried_with_are_refused_at_once(changes: dict[str, Any], named: str) -> None:
    given: dict[str, Any] = {"adapter": ADAPTER, "config": {"url": "http://127.0.0.1:1"}} | changes
    settings = Settings(**given)
    with pytest.raises(Misconfigured, match=named):
        await certify(Loaded(settings=settings, config_hash=config_hash({})))


def test_secrets_come_from_the_environment_and_are_neither_hashed_nor_told(tmp_path: Path) -> None:
    path = written(tmp_path, "adapter = 'x'\n[config]\nurl = 'http://shop'\npassword = 'hunter22'\n[config.more]\nnames = ['a']")
    loaded = load(path, {"SPOKE_CERTIFY_CONFIG_API_KEY": "sk_live_1", "SPOKE_ACME_CONFIG_URL": "http://other"})
    assert loaded.settings.config == {"url": "http://shop", "password": "hunter22", "more": {"names": ["a"]}, "api_key": "sk_live_1"}
    assert loaded.config_hash == config_hash({"more": {"names": ["a"]}, "url": "http://shop", "password": "another"})
    assert loaded.config_hash != config_hash({"url": "http://shop"})
    assert loaded.told("401 for sk_live_1 or hunter22") == "401 for … or …"


def test_a_name_is_a_file_a_folder_or_an_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "adapter = 'x'")
    assert located(str(path)) == path
    assert located(str(tmp_path)) == path
    assert located("dummy").parts[-3:] == ("spokes", "dummy", "certify.toml")
    monkeypatch.chdir(tmp_path)
    assert located("").resolve() == path.resolve()
    path.unlink()
    with pytest.raises(Misconfigured, match=r"certify\.toml"):
        located("")
    with pytest.raises(Misconfigured, match="nobody"):
        located("nobody")
