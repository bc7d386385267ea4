"""What the provider refuses for want of money is tried ever more seldom."""

from datetime import UTC, datetime

from hub.transfers.release import RELEASE, RELEASE_CREDIT, again_step
from hub.transfers.states import TransferState
from hub.transfers.store import CREDIT, SHARE, Transfer


def refused(times: int, kind: str = SHARE) -> Transfer:
    """A transfer that was sent and refused so often: two changes of its state each."""
    return Transfer(
        id="trf_1",
        kind=kind,
        order_id="ord_1",
        sub_order_id="sub_1",
        saga_id="ord_1",
        vendor="acme",
        gateway="stripe",
        state=TransferState.HELD,
        version=2 * times,
        amount=0,
        reversed=0,
        netted=0,
        currency="EUR",
        account=None,
        charge=None,
        reference=None,
        hold_until=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_each_refusal_doubles_the_pause_up_to_three_hours() -> None:
    minutes = [again_step(refused(times)).after / 60 for times in (1, 2, 3, 4, 5, 6, 100_000)]
    assert minutes == [10, 20, 40, 80, 160, 180, 180]


def test_what_was_never_sent_waits_as_after_the_first_refusal() -> None:
    assert again_step(refused(0)).after == again_step(refused(1)).after


def test_a_credit_is_released_as_one() -> None:
    assert (again_step(refused(1)).kind, again_step(refused(1, CREDIT)).kind) == (RELEASE, RELEASE_CREDIT)
