"""What follows from a promise when it is given: its end, and what is done on the way."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from hub.kernel.alarm import ring
from hub.kernel.errors import Invalid
from hub.promises.model import OwnPromises, Promises, check, in_force
from hub.promises.rules import our_promises_from
from hub.promises.schedule import BREAK, ESCALATE, REMIND, pledge

START = datetime(2026, 3, 27, 12, tzinfo=UTC)
HOUR, DAY = 3600, 86_400
SECONDS: Any = {"acceptance": DAY, "shipping": 30 * DAY, "delivery": 60 * DAY}
FRIDAYS = {"zone": "UTC", "weekly": {"fri": [{"opens": "00:00", "closes": "24:00"}]}}


def promises(**own: Any) -> Promises:
    return in_force(msgspec.convert(own, OwnPromises), OwnPromises(), SECONDS)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_a_vendors_own_word_comes_before_ours_field_by_field():
    ours = msgspec.convert({"acceptance": {"seconds": HOUR, "reminders": [0.5]}}, OwnPromises)
    own = msgspec.convert({"acceptance": {"seconds": 2 * HOUR}}, OwnPromises)
    merged = in_force(own, ours, SECONDS)
    assert (merged.acceptance.seconds, merged.acceptance.reminders, merged.shipping.seconds) == (2 * HOUR, [0.5], 30 * DAY)


def test_reminders_escalation_and_the_end_come_in_their_order():
    given = pledge("acceptance", promises(acceptance={"seconds": 1000, "reminders": [0.5, 0.95], "escalation": 0.9}), START)
    assert given.by == after(1000)
    assert [(alarm.do, alarm.at) for alarm in given.alarms] == [
        (REMIND, after(500)),
        (ESCALATE, after(900)),
        (REMIND, after(950)),
        (BREAK, after(1000)),
    ]
    wait = given.wait()
    assert wait.seconds == 1000
    assert wait.alarms is not None
    assert [alarm.do for alarm in wait.alarms.alarms] == [REMIND, ESCALATE, REMIND], "the end of the waiting is the step's own deadline"


def test_working_time_is_counted_and_reminders_come_in_it_too():
    given = pledge("shipping", promises(calendar=FRIDAYS, shipping={"seconds": DAY, "counts": "working", "reminders": [0.75]}), START)
    assert [(alarm.do, alarm.at) for alarm in given.alarms] == [(REMIND, after(6.5 * DAY + 6 * HOUR)), (BREAK, after(7 * DAY))]


def test_what_has_to_be_over_before_is_hurried_in_proportion():
    given = pledge("acceptance", promises(acceptance={"seconds": 1000, "reminders": [0.5]}), START, latest=after(100))
    assert (given.by, given.alarms[0].at) == (after(100), after(50))
    over = pledge("acceptance", promises(), START, latest=after(-5))
    assert (over.by, over.wait().seconds) == (START, 0)


def test_a_part_that_is_canceled_at_the_end_is_waited_for_longer():
    kept = pledge("shipping", promises(shipping={"seconds": 10 * DAY, "at_end": "cancel"}), START).wait(5 * DAY)
    assert kept.seconds > 10 * DAY
    assert kept.alarms is not None
    assert kept.alarms.alarms[-1].do == BREAK


def test_of_several_alarms_that_are_past_the_last_rings():
    given = pledge("acceptance", promises(acceptance={"seconds": 1000, "reminders": [0.1, 0.2, 0.8]}), START)
    rung = ring(given.alarms, timedelta(0), after(300))
    assert rung.alarm is not None
    assert (rung.alarm.data["share"], rung.again_at) == (0.2, after(800))
    slipped = ring(given.alarms, timedelta(seconds=500), after(300))
    assert (slipped.alarm, slipped.again_at) == (None, after(600))


@pytest.mark.parametrize(
    ("own", "slug", "field"),
    [
        ({"acceptance": {"at_end": "cancel"}}, "promise_end_invalid", "/acceptance/at_end"),
        ({"delivery": {"at_end": "decline"}}, "promise_end_invalid", "/delivery/at_end"),
        ({"shipping": {"reminders": [0.5, 0.5]}}, "reminders_invalid", "/shipping/reminders"),
        ({"shipping": {"reminders": [0.9, 0.5]}}, "reminders_invalid", "/shipping/reminders"),
        ({"shipping": {"counts": "working"}}, "calendar_missing", "/shipping/counts"),
        ({"acceptance": {"seconds": 31 * DAY}}, "promise_too_long", "/acceptance/seconds"),
        ({"calendar": FRIDAYS, "acceptance": {"seconds": 5 * DAY, "counts": "working"}}, "promise_too_long", "/acceptance/seconds"),
    ],
)
def test_promises_that_make_no_sense_are_refused(own: dict[str, Any], slug: str, field: str):
    with pytest.raises(Invalid) as refused:
        check(promises(**own))
    assert (refused.value.slug, refused.value.field) == (slug, field)


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ({"acceptance": {"seconds": -1}}, "acceptance.seconds"),
        ({"accepting": {}}, "accepting"),
        ({"shipping": {"counts": "working"}}, "/shipping/counts"),
        ({"suspension": {"rules": [{"name": "x", "figure": "charm", "below": 1}]}}, "/suspension/rules/0/figure"),
        ({"suspension": {"rules": [{"name": "x", "figure": "refund_rate"}]}}, "/suspension/rules/0/below"),
        ({"suspension": {"rules": [{"name": "x", "figure": "refund_rate", "above": 10_001}]}}, "/suspension/rules/0/above"),
        ({"suspension": {"rules": [{"name": "x", "figure": "refund_rate", "above": 1}] * 2}}, "/suspension/rules/1/name"),
        ({"suspension": {"rules": [{"name": "x", "figure": "refund_rate", "above": 1, "days": 8}]}}, "days"),
        ({"suspension": {"vendors_per_day": -1}}, "vendors_per_day"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_naming_where(data: dict[str, Any], names: str):
    with pytest.raises(ValueError, match="promises") as refused:
        our_promises_from(data, SECONDS)
    assert names in str(refused.value)
