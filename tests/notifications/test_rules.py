"""Ten steps to a day and more, jitter, what a receiver may ask for, and when nobody asks any more."""

from datetime import timedelta

import pytest

from hub.notifications.rules import SCHEDULE, Answer, Limits, Verdict, is_hopeless, judge, retry_after


def test_the_schedule_is_that_of_the_specification() -> None:
    waits = [judge(Answer(status=500), attempt, 0.5).pause for attempt in range(1, 10)]
    assert waits == [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert judge(Answer(status=500), 10, 0.5) == Verdict(fate="failed")
    assert SCHEDULE[0] == 0


@pytest.mark.parametrize(("dice", "pause"), [(0.0, 270.0), (0.5, 300.0), (0.999, 329.94)])
def test_jitter_is_a_tenth_to_both_sides(dice: float, pause: float) -> None:
    assert judge(Answer(status=500), 2, dice).pause == pytest.approx(pause)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(status: int) -> None:
    assert judge(Answer(status=status), 1, 0.5) == Verdict(fate="delivered")


@pytest.mark.parametrize("status", [None, 100, 301, 302, 304, 307, 400, 401, 404, 500, 501])
def test_all_else_is_tried_again(status: int | None) -> None:
    assert judge(Answer(status=status), 1, 0.5) == Verdict(fate="again", pause=5)


def test_gone_disables_at_once() -> None:
    assert judge(Answer(status=410), 1, 0.5) == Verdict(fate="failed", gone=True)


@pytest.mark.parametrize(("status", "asked", "pause", "quiet"), [
    (429, 90.0, 90.0, 90.0), (503, 90.0, 90.0, 90.0), (503, None, 5.0, 0.0), (429, None, 5.0, 60.0), (502, None, 5.0, 60.0),
    (504, 90.0, 5.0, 60.0), (429, 1e9, 86_400.0, 86_400.0), (500, 90.0, 5.0, 0.0), (429, 1.0, 5.0, 1.0),
])  # fmt: skip
def test_what_an_overloaded_endpoint_gets(status: int, asked: float | None, pause: float, quiet: float) -> None:
    found = judge(Answer(status=status, retry_after=asked), 1, 0.5)
    assert (found.pause, found.quiet) == (pause, quiet)


def test_one_that_does_not_answer_is_left_alone_for_a_while() -> None:
    assert judge(Answer(timed_out=True), 1, 0.5).quiet == 60


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after("120", 0, None) == 120
    assert retry_after("9" * 5000, 0, None) == 999_999_999
    assert retry_after("Fri, …", 1000, 1060) == 60
    assert retry_after("Fri, …", 1000, 900) == 0
    assert [retry_after(value, 0, None) for value in (None, "soon", "-5", "1.5", "\u0662")] == [None] * 5


def test_hopeless_is_days_without_a_success() -> None:
    assert is_hopeless(timedelta(days=5), Limits())
    assert not is_hopeless(timedelta(days=4, hours=23), Limits())
