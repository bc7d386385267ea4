"""The watch itself: it must see what is wrong, and know every endpoint."""

from typing import Any

import pytest
import stripe

from hub.gateways.stripe.wire import InProcess
from hub.sandbox.app import SECRET, create_sandbox
from hub.sandbox.forms import decode
from hub.sandbox.routes import ROUTES
from tests.sandbox.stripe_schemas import answer_schema, request_schema
from tests.sandbox.watched import CONTRACT, Watched


def test_it_knows_every_simulated_endpoint() -> None:
    assert {f"{route.method} {route.path}" for route in ROUTES} == set(CONTRACT)


@pytest.mark.parametrize("name", sorted(CONTRACT))
def test_everything_the_sandbox_accepts_is_a_parameter_of_stripe(name: str) -> None:
    [route] = [route for route in ROUTES if f"{route.method} {route.path}" == name]
    known = set(request_schema(CONTRACT[name][0]).schema["properties"])
    assert set(route.shape.__struct_fields__) <= known | {"expand"}


@pytest.mark.parametrize(
    "form",
    [
        "amount=1&currency=eur&payment_method_types[0]=card",
        "amount=1",
        "amount=one&currency=eur",
        "amount=1&currency=eur&capture_method=later",
        "amount=1&currency=eur&automatic_payment_methods[enabled]=perhaps",
    ],
)
def test_a_wrong_request_is_seen(form: str) -> None:
    assert request_schema("PaymentIntentCreateParams").wrong(decode(form))


def test_a_wrong_answer_is_seen() -> None:
    good: dict[str, Any] = {
        "object": "transfer_reversal",
        "id": "trr_1",
        "amount": 1,
        "created": 1,
        "currency": "eur",
        "metadata": None,
        "transfer": "tr_1",
    }
    schema = answer_schema("transfer_reversal")
    assert not schema.wrong(good)
    assert schema.wrong({name: value for name, value in good.items() if name != "transfer"})
    assert schema.wrong(good | {"amount": "1"})
    assert schema.wrong(good | {"currency": None})
    assert answer_schema("charge").wrong({"status": "done"})


async def test_a_sandbox_that_drifts_is_caught() -> None:
    """Breaks what the sandbox remembers of a payment and expects the watch to say so."""
    app = Watched(create_sandbox())
    client = stripe.StripeClient(SECRET, base_addresses={"api": "http://sandbox"}, http_client=InProcess(app, 5.0))
    intent = await client.v1.payment_intents.create_async({"amount": 100, "currency": "eur"})
    assert app.checked == 1
    assert not app.violations
    stored = app.sandbox.store.get(intent.id)
    assert stored is not None
    app.sandbox.store.put(stored | {"status": "cancelled", "amount": None})
    await client.v1.payment_intents.retrieve_async(intent.id)
    app.sandbox.close()
    assert len(app.violations) == 2
