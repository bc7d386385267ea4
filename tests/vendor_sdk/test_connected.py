"""The whole way of a vendor, timed: from an empty environment with the wheel to orders of a running hub, also over a leaf node."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.embedded.folder import Folder
from hub.embedded.nats import Nats
from hub.embedded.ports import claim_port
from hub.embedded.start import own_hub
from tests.vendor_sdk.test_leaf import as_documented
from tests.vendor_sdk.walk import fill, shop_url
from tests.vendor_sdk.wheel import install
from vendor_sdk.client import Client
from vendor_sdk.client.answers import Money
from vendor_sdk.client.offered import Described, Terms

__all__ = ["shop_url"]

CODE = "corner"
ADAPTER = "corner.adapter:Corner"
PASSWORD = "of-the-premises"  # of a broker that lives for this test
MINUTES_MAX = 3
PATIENCE_SECONDS = 60.0
OPTIONS = [{"code": "post", "name": "Post", "price": {"amount": 490, "currency": "EUR"}, "days": 3}]
ADDRESS = {"name": "Ada", "line1": "Main Street 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}
LEFT = {"shipped", "delivered", "completed"}


def until(done: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := done()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)
    return found


class Hub:
    """Asks a running hub as its operator and as a buyer."""

    def __init__(self, http: httpx.Client, keys: dict[str, str]) -> None:
        self._http = http
        self._keys = keys

    def __call__(self, who: str, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self._keys[who]}"} if who else {}
        answer = self._http.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    def buys(self, offer: str) -> str:
        """Place an order over one unit, and wait until it has left; the state it is in then."""
        cart = self("customer", "POST", "/v1/carts", {"lines": {offer: 1}})["id"]
        quote = self("customer", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})["id"]
        order = self("customer", "POST", "/v1/orders", {"quote_id": quote, "payment_method": "pm_card_visa"})["id"]
        return until(lambda: (state := self("customer", "GET", f"/v1/orders/{order}")["state"]) in LEFT and state)


def joined(hub: Hub) -> dict[str, Any]:
    """Invited by an operator, and in."""
    new = {"code": CODE, "name": "Corner", "country": "DE", "email": "jo@corner.example"}
    token = hub("operator", "POST", "/v1/admin/vendor-invitations", new)["token"]
    body = {"token": token, "shipping_options": OPTIONS, "capabilities": ["stock", "orders", "shipping"]}
    return hub("", "POST", "/v1/vendor-invitations/accept", body)


def onboard(hub: Hub, vendor: Client, report: bytes) -> None:
    """Give what is asked for, and be approved."""
    vendor.joining.agree("terms", "2026-01", "Jo Corner, owner")
    vendor.joining.tell_taxes("Corner GmbH", "Main Street 1, Berlin", "DE", vat_id="DE123456789")
    vendor.joining.choose_channel("adapter", adapter=ADAPTER)
    vendor.joining.certify(report)
    until(lambda: not vendor.joining.look().missing)
    vendor.joining.submit()
    hub("operator", "POST", f"/v1/admin/vendors/{CODE}/onboarding/approve", {"reason": "certified"})


@contextmanager
def spoke(sdk: list[str | Path], project: Path, environment: dict[str, str]) -> Iterator[None]:
    """The vendor's own process; not installed, so the adapter is named by its module."""
    command = [*sdk, "run", CODE, "--config", "spokes", "--data", "data", "--log-level", "ERROR"]
    with subprocess.Popen(command, cwd=project, env=os.environ | {"SPOKE_ADAPTER": ADAPTER} | environment) as process:
        try:
            yield
        finally:
            process.terminate()
    assert process.returncode == 0


def test_a_vendor_is_connected_in_minutes(
    wheel: Path, tmp_path: Path, scratch: Path, shop_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves = f"127.0.0.1:{claim_port(0, 'leaves')}"
    folder = Folder(scratch / "hub")
    with (
        own_hub(folder, os.environ | {"WHEELWRIGHT__NATS__LEAF_LISTEN": leaves}) as running,
        httpx.Client(base_url=running.url, timeout=10) as http,
    ):
        hub = Hub(http, json.loads(folder.keys.read_text())["keys"])

        began = time.monotonic()
        sdk: list[str | Path] = [install(wheel, tmp_path / "venv"), "-m", "vendor_sdk.cli"]
        subprocess.run([*sdk, "new", CODE], cwd=tmp_path, check=True, capture_output=True)
        project = tmp_path / CODE
        fill(project, shop_url)
        subprocess.run([*sdk, "certify", "--report", "report"], cwd=project, check=True, capture_output=True)
        keys = joined(hub)
        with Client(running.url, keys["api_key"]) as vendor:
            onboard(hub, vendor, (project / "report" / "report.json").read_bytes())
            terms = Terms(price=Money(amount=1200, currency="EUR"), stock=100, product=Described(title="Mug", category="kitchen"))
            offer = vendor.offers.put("MUG", terms).id
        own = {"SPOKE_CORNER_CONFIG_URL": shop_url}
        direct = {"SPOKE_NATS_URL": running.environment["WHEELWRIGHT__NATS__URL"], "SPOKE_CORNER_NATS_SEED": keys["nkey_seed"]}

        with spoke(sdk, project, own | direct):
            assert hub.buys(offer) in LEFT
        assert time.monotonic() - began < MINUTES_MAX * 60

        monkeypatch.setenv("LEAF_SEED", keys["nkey_seed"])
        monkeypatch.setenv("PREMISES_PASSWORD", PASSWORD)
        leaf = Nats(tmp_path / "leaf", as_documented(f"nats-leaf://{leaves}"))
        leaf.start()
        try:
            (project / "spokes" / "corner.toml").write_text(f'adapter = "{ADAPTER}"\n[nats]\nurl = "{leaf.url}"\nuser = "spoke"\n')
            with spoke(sdk, project, own | {"SPOKE_CORNER_NATS_PASSWORD": PASSWORD}):
                assert hub.buys(offer) in LEFT
        finally:
            leaf.stop()
