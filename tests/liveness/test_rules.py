"""What signs of life amount to."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.liveness.rules import Health, Policy, Prospect, Signs, Watch, health, prospect

NOW = datetime(2026, 11, 21, tzinfo=UTC)
WATCH = Watch(degraded=10, down=60, busy=30, slow=120)


def signs(silence: float = 0, **more: Any) -> Signs:
    return Signs(silent_since=NOW - timedelta(seconds=silence), heard_until=NOW, **more)


@pytest.mark.parametrize(
    ("silence", "state"),
    [(-5, "up"), (0, "up"), (9.9, "up"), (10, "degraded"), (59.9, "degraded"), (60, "down"), (86400, "down")],
)
def test_silence_degrades_and_at_last_means_down(silence: float, state: str):
    assert health(signs(silence), WATCH) == state


@pytest.mark.parametrize(
    "trouble",
    [
        {"breakers": {"stock": "closed", "orders": "open"}},
        {"breakers": {"stock": "half-open"}},
        {"busy_at": NOW - timedelta(seconds=29)},
        {"oldest_seconds": 120.0},
    ],
)
def test_trouble_degrades_a_vendor_that_is_heard(trouble: dict[str, Any]):
    assert health(signs(0, **trouble), WATCH) is Health.DEGRADED
    assert health(signs(61, **trouble), WATCH) is Health.DOWN


@pytest.mark.parametrize("fine", [{"breakers": {"stock": "closed"}}, {"busy_at": NOW - timedelta(seconds=31)}, {"oldest_seconds": 119.0}])
def test_what_is_over_or_small_is_no_trouble(fine: dict[str, Any]):
    assert health(signs(0, **fine), WATCH) is Health.UP


BY_POLICY = [
    ("sell", Prospect()),
    ("delay", Prospect(sold=True, delivery="delayed", extra_days=2)),
    ("hide", Prospect(sold=False, delivery="delayed", extra_days=2)),
]


@pytest.mark.parametrize(("policy", "wanted"), BY_POLICY)
def test_down_it_is_sold_by_policy(policy: Policy, wanted: Prospect):
    watch = Watch(policy=policy, delay_days=2, open_policy="hide")
    assert prospect(Health.DOWN, {}, watch) == prospect(Health.DOWN, {"stock": "open"}, watch) == wanted
    assert [prospect(state, {"stock": "closed"}, watch) for state in (None, Health.UP, Health.DEGRADED)] == [Prospect()] * 3


@pytest.mark.parametrize(("policy", "wanted"), BY_POLICY)
def test_with_an_open_breaker_it_is_sold_by_a_policy_of_its_own(policy: Policy, wanted: Prospect):
    watch = Watch(policy="hide", open_policy=policy, open_delay_days=2)
    for capability in ("stock", "orders", "shipping"):
        assert prospect(Health.DEGRADED, {"other": "closed", capability: "open"}, watch) == wanted
    assert prospect(Health.DEGRADED, {"stock": "half-open"}, watch) == Prospect(), "or no order would ever be its trial"
    assert prospect(None, {"stock": "open"}, watch) == Prospect(), "it works by hand"
