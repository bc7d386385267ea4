"""What Stripe is to be asked for: kinds that it has, each of which we follow, and nothing that costs and says nothing."""

from pathlib import Path
from typing import get_args

import pytest
import stripe
from stripe.params import WebhookEndpointCreateParams

from hub.sandbox.app import create_sandbox
from hub.sandbox.store import PLATFORM
from hub.sandbox.webhook_endpoints import endpoints
from hub.webhooks.kinds import OURS, THEIRS
from hub.worker.notices import NOTICES, hint_of

ALL = [*((kind, None) for kind in OURS), *((kind, "acct_1") for kind in THEIRS)]


@pytest.mark.parametrize(("kind", "account"), ALL)
def test_each_is_a_kind_of_stripe_s_and_is_followed(kind: str, account: str | None) -> None:
    [known] = get_args(WebhookEndpointCreateParams.__annotations__["enabled_events"])
    assert kind in get_args(known), f"stripe {stripe.VERSION} has no such kind"
    hint = hint_of("stripe", kind, "obj_1", account)
    assert hint is not None
    assert hint.topic in NOTICES


def test_none_is_asked_for_at_the_wrong_endpoint() -> None:
    assert not OURS.keys() & THEIRS.keys()
    assert all(hint_of("stripe", kind, "obj_1", None if account else "acct_1") is None for kind, account in ALL)


def test_an_endpoint_that_was_told_everything_is_told_what_it_wants_at_the_next_start(tmp_path: Path) -> None:
    for events in (("*",), OURS):
        made = create_sandbox(tmp_path / "kept.sqlite", webhooks=endpoints(["http://127.0.0.1:1=whsec_x"], connect=False, events=events))
        [known] = made.store.find("webhook_endpoint", PLATFORM)
        made.close()
        assert known["enabled_events"] == list(events)
