"""The real Medusa server, by `make test-live`: it certifies the adapter, and has no status that the adapter does not know."""

import re
from pathlib import Path

import msgspec
import pytest

from spokes.medusa.mapping import FULFILLMENT_STATUSES, ORDER_STATUSES, PAYMENT_STATUSES
from tests.spokes.medusa import live
from tests.spokes.medusa.live import LiveFailed, Server
from vendor_sdk.conformance.certify import certify
from vendor_sdk.conformance.settings import FILE, load

TYPES = live.FOLDER / "node_modules" / "@medusajs" / "types" / "dist"
STATUS = r"type {name}Status = ([^;]*);"


@pytest.mark.live
@pytest.mark.timeout(3000)
async def test_the_real_server_certifies_the_adapter(server: Server) -> None:
    loaded = load(Path(__file__).parent / FILE, {})
    config = {"url": server.url, "allow_private": True, "settle": 2, **server.settings}
    stage = {"stage": "tests.spokes.medusa.stage:ServerStage", "patience": 15.0}
    settings = msgspec.structs.replace(loaded.settings, config=config, **stage)
    report = await certify(msgspec.structs.replace(loaded, settings=settings))
    assert [(rule.id, rule.outcome, rule.came) for rule in report.rules if rule.outcome in {"failed", "open"}] == []
    assert report.passed


@pytest.mark.live
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("name", "known", "file"),
    [
        ("Order", ORDER_STATUSES, "order/common.d.ts"),
        ("Payment", PAYMENT_STATUSES, "http/order/common.d.ts"),
        ("Fulfillment", FULFILLMENT_STATUSES, "http/order/common.d.ts"),
    ],
)
def test_every_status_of_the_installed_version_is_mapped(name: str, known: dict[str, object], file: str) -> None:
    found = re.search(STATUS.format(name=name), (TYPES / file).read_text())
    assert found is not None
    assert set(re.findall(r'"(\w+)"', found[1])) == set(known)


def test_without_node_it_says_so_and_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LiveFailed, match=r"npm is not installed: .* needs Node\.js 20"):
        live.program("npm")
