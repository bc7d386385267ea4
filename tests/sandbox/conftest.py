"""A watched sandbox in memory, and the real `stripe` client talking to it in process."""

from collections.abc import AsyncIterator

import pytest
import stripe

from hub.gateways.stripe.wire import InProcess
from hub.sandbox.app import SECRET, create_sandbox
from tests.sandbox.watched import Watched

EPOCH = 1_800_000_000


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    """A sandbox whose clock stands still until it is advanced. The test fails if anything it said is not as Stripe says it."""
    app = Watched(create_sandbox(clock=lambda: EPOCH))
    yield app
    app.sandbox.close()
    assert not app.violations, "\n".join(app.violations)


@pytest.fixture
def client(watched: Watched) -> stripe.StripeClient:
    """The official client, wired to the sandbox."""
    return stripe.StripeClient(SECRET, base_addresses={"api": "http://sandbox"}, http_client=InProcess(watched, 5.0), max_network_retries=0)
