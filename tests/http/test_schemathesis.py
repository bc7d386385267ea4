"""Thousands of made-up requests against a served hub: no 5xx, no answer that its OpenAPI document does not know."""

# schemathesis and hypothesis leave some of their types open
# pyright: reportUnknownVariableType=false, reportUntypedFunctionDecorator=false

import asyncio
import os
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hub.app import create_app
from hub.embedded.nats import Nats
from hub.embedded.ports import free_port
from hub.runtime.database import Database
from hub.settings import load_settings
from hub.wiring import wire
from tests.hub_api import ADDRESS, people, settings_for

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "15"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
BODY = {"price": {"amount": 500, "currency": "EUR"}, "stock": 1000, "product": {"title": "Mug", "category": "kitchen"}}

PATIENCE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture]


class Served:
    """A running hub and what is in it."""

    def __init__(self, url: str, keys: dict[str, str]) -> None:
        self.url = url
        self.keys = keys
        self.ids: dict[str, str] = {}

    def ask(self, who: str, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(method, self.url + path, json=body, headers={"Authorization": f"Bearer {self.keys[who]}"})
        assert answer.status_code < 300, answer.text
        return answer.json()

    def order_something(self) -> None:
        """One of everything, so that real ids lead into the handlers' depths."""
        offer = self.ask("acme", "PUT", "/v1/vendor/offers/mug", BODY)
        bought, kept, left = (self._filled_cart(offer["id"]) for _ in range(3))
        open_quote = self.ask("ada", "POST", f"/v1/carts/{left}/quotes", {"address": ADDRESS})
        quote = self.ask("ada", "POST", f"/v1/carts/{bought}/quotes", {"address": ADDRESS})
        order = self.ask("ada", "POST", "/v1/orders", {"quote_id": quote["id"], "payment_method": "pm_card_visa"})
        self.ids = {
            "cart_id": kept,
            "offer_id": offer["id"],
            "quote_id": open_quote["id"],
            "product_id": offer["product_id"],
            "variant_id": offer["variant_id"],
            "sku": "mug",
            "code": "bolt",
            "order_id": order["id"],
            "sub_order_id": order["sub_orders"][0]["id"],
        }

    def _filled_cart(self, offer_id: str) -> str:
        cart = self.ask("ada", "POST", "/v1/carts", {})["id"]
        self.ask("ada", "PUT", f"/v1/carts/{cart}/lines/{offer_id}", {"quantity": 1})
        return cart


@pytest.fixture(scope="module")
def served(database_url: str, nats: Nats) -> Iterator[Served]:
    """`hub api` as a process of its own."""
    port = free_port()
    environment = {**os.environ, **settings_for(database_url, WHEELWRIGHT__NATS__URL=nats.url, WHEELWRIGHT__LOG__LEVEL="error")}
    command = [sys.executable, "-c", "from hub.cli import main; main()", "api", "--port", str(port)]
    process = subprocess.Popen(command, env=environment)
    hub = Served(f"http://127.0.0.1:{port}", asyncio.run(_people(database_url)))
    try:
        _until_ready(hub.url, process)
        hub.order_something()
        yield hub
    finally:
        process.terminate()
        assert process.wait(15) == 0


async def _people(database_url: str) -> dict[str, str]:
    database = Database(database_url, pool_size=1)
    try:
        return await people(database)
    finally:
        await database.close()


def _until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "the hub ended"
        try:
            if httpx.get(f"{url}/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("the hub did not get ready")


schema = schemathesis.openapi.from_dict(
    create_app(wire(load_settings(environ=settings_for("postgresql+asyncpg://nobody@127.0.0.1:1/none")), "test")).openapi_schema.to_schema()
)
"""Known before anything runs, so that each operation is a test; the served one is the same."""


def test_the_document_is_served(served: Served):
    assert httpx.get(f"{served.url}/schema/openapi.json").json() == schema.raw_schema


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=PATIENCE,
)
def test_every_answer_is_documented(case: Any, served: Served):
    path = case.operation.path
    area = {"admin": "olga", "vendor": "acme"}.get(path.split("/")[2] if path.count("/") > 1 else "", "ada")
    if not path.endswith("/events"):  # a real order's events do not end
        use_real_ids(case, served.ids)
    case.call_and_validate(headers={"Authorization": f"Bearer {served.keys[area]}"}, checks=CHECKS, base_url=served.url, timeout=20)


def use_real_ids(case: Any, ids: dict[str, str]) -> None:
    """Two cases of three, by their own content, are about something that is there."""
    if zlib.crc32(repr((case.body, case.headers, case.path_parameters)).encode()) % 3:
        for place in (case.path_parameters, case.body):
            if isinstance(place, dict):
                place.update({name: known for name, known in ids.items() if name in place})  # pyright: ignore[reportUnknownMemberType]  # JSON


@schema.parametrize()
@settings(max_examples=1, deadline=None, derandomize=True, suppress_health_check=PATIENCE)
def test_no_key_opens_nothing(case: Any, served: Served):
    answer = case.call_and_validate(headers={"Authorization": "Bearer forged"}, checks=CHECKS, base_url=served.url, timeout=20)
    assert answer.status_code >= 400 or not case.operation.definition.raw.get("security")
