"""What follows from a promise at the moment it is given: by when it is to be kept, and what is done on the way there."""

from datetime import datetime, timedelta
from typing import NamedTuple

from hub.kernel.alarm import Alarm, Alarms, Wait
from hub.promises.calendar import due
from hub.promises.model import LONGEST, PromiseName, Promises

REMIND = "promise.remind"
ESCALATE = "promise.escalate"
BREAK = "promise.break"
"""The promise's time is over."""
CANCELING = 86_400
"""How many seconds longer is waited where a part is canceled at the end: its vendor may have to be asked."""


class Pledge(NamedTuple):
    """A promise that was given: at `start`, to be kept `by`; what is done meanwhile, the earliest first."""

    start: datetime
    by: datetime
    alarms: list[Alarm]

    def wait(self, patience: float = 0) -> Wait:
        """For its answer: until it was to be given, and at least for `patience` seconds."""
        own = (self.by - self.start).total_seconds()
        seconds = max(0.0, patience, own + (CANCELING if self.alarms[-1].data["at_end"] == "cancel" else 0))
        until = self.start + timedelta(seconds=seconds)
        return Wait(seconds, Alarms(deadline=until, alarms=[alarm for alarm in self.alarms if alarm.at < until]))


def pledge(name: PromiseName, promises: Promises, start: datetime, *, latest: datetime | None = None) -> Pledge:
    """A promise given at `start`. What has to be over by `latest` is hurried in proportion."""
    promise = promises.of(name)
    calendar = promises.calendar if promise.counts == "working" else None
    most = start + LONGEST[name]
    whole = due(start, promise.seconds, calendar, most)
    by = whole if latest is None else max(start, min(whole, latest))

    def after(share: float) -> datetime:
        return due(start, promise.seconds * share, calendar, most) if by == whole else start + (by - start) * share

    said = {"promise": name, "by": by.isoformat(), "at_end": promise.at_end}
    on_the_way = [(share, REMIND) for share in promise.reminders] + [(promise.escalation, ESCALATE)]
    alarms = [Alarm(at=after(share), do=do, data={**said, "share": share}) for share, do in on_the_way if share < 1]
    return Pledge(start, by, [*sorted(alarms, key=lambda alarm: alarm.at), Alarm(at=by, do=BREAK, data=said)])
