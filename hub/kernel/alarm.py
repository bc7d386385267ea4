"""An alarm: what is to be done about something that is still awaited when its moment comes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """At `at`, `do` is done with `data`, if the answer is still awaited."""

    at: datetime
    do: str
    data: dict[str, Any] = {}


class Alarms(msgspec.Struct, frozen=True, kw_only=True):
    """The alarms of one awaited answer, earliest first, and the `deadline` that it was given when they were set."""

    deadline: datetime
    alarms: list[Alarm]

    def slip(self, deadline: datetime | None) -> timedelta:
        """By how much the deadline has moved since: nobody's time runs before he was asked."""
        return timedelta(0) if deadline is None else max(timedelta(0), deadline - self.deadline)


class Wait(NamedTuple):
    """How long an answer is awaited, in seconds, and what is done meanwhile."""

    seconds: float
    alarms: Alarms | None = None


class Rung(NamedTuple):
    """What is to be done now, if anything; what is left; and when to look again."""

    alarm: Alarm | None
    left: Sequence[Alarm]
    again_at: datetime | None


def ring(alarms: Sequence[Alarm], slip: timedelta, now: datetime) -> Rung:
    """What rings at `now`, everything being later by `slip`. Of several that are past only the last: it stands for those before it."""
    past = [alarm for alarm in alarms if alarm.at + slip <= now]
    left = alarms[len(past) :]
    return Rung(past[-1] if past else None, left, left[0].at + slip if left else None)
