"""What is due rings: steps, their deadlines and alarms, provider events, accounts to look at; of what has been seen to, nobody is told."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from hub.simulation.alarm import Alarm, Bell
from hub.simulation.nature import Nature
from hub.simulation.postgres.server import Memory

WOKEN_AGAIN = 5.0
"""Seconds until others are woken: whoever was may have died of it, or be standing still."""
LOOKED_AT_SECONDS = 2700.0
"""How old what is known of an account that may not receive becomes: releases rely on it for an hour."""

Row = tuple[Any, ...]


class Wakened(Protocol):
    """A worker that can be told that steps may be due."""

    def wake(self) -> None:
        """Look for them."""


class Dues:
    """Of one world. Rows are watched as they are committed."""

    def __init__(self, nature: Nature, memory: Memory, bells: Mapping[str, Bell], workers: Sequence[Wakened]) -> None:
        self._nature = nature
        self._bells = bells
        self._workers = workers
        self._which = nature.dice("which worker")
        self._steps, self._events = memory.tables["steps"], memory.tables["provider_events"]
        at = self._steps.position
        self._state, self._due_at, self._waiting = at["state"], at["due_at"], at["waiting"]
        self._deadline, self._alarm_at = at["deadline"], at["alarm_at"]
        self._due, self._again = Alarm(self._wake_one), Alarm(self._wake_all)
        self._late, self._awaited, self._told = Alarm(self._deadlines), Alarm(self._alarms), Alarm(self._provider_events)
        self._unpaid = Alarm(self._accounts)
        self._vendors = memory.tables["vendors"]
        self._vendors.readers.append(self._vendor)
        self._steps.readers.append(self._step)
        self._events.readers.append(self._event)

    def _step(self, _: Mapping[str, int], row: Row, before: Row | None) -> None:
        was = before if before is not None and before[self._state] == "open" else None
        self._move(row if row[self._state] == "open" else None, was)
        for alarm, place in ((self._late, self._deadline), (self._awaited, self._alarm_at)):
            moment, old = row[place] if row[self._state] == "open" else None, None if was is None else was[place]
            if moment != old:
                if old is not None:
                    alarm.off(old.timestamp(), row[0])
                if moment is not None:
                    alarm.at(moment.timestamp(), row[0])

    def _move(self, row: Row | None, was: Row | None) -> None:
        """An open step is due at another moment than it was; None where it is not open."""
        place, waiting = self._due_at, self._waiting
        if row is not None and was is not None and row[place] == was[place]:
            return
        if was is not None and not was[waiting]:
            unix = was[place].timestamp()
            self._due.off(unix, was[0])
            self._again.off(unix + WOKEN_AGAIN, was[0])
        if row is not None and not row[waiting]:
            unix = row[place].timestamp()
            if unix > self._nature.unix():
                self._due.at(unix, row[0])
            else:  # whoever wrote it has woken the workers, unless that was lost
                self._again.at(unix + WOKEN_AGAIN, row[0])

    def _event(self, at: Mapping[str, int], row: Row, before: Row | None) -> None:
        due_at, open_ = row[at["due_at"]], row[at["state"]] in {"new", "parked"}
        if before is not None and (not open_ or before[at["due_at"]] != due_at):
            self._told.off(before[at["due_at"]].timestamp(), row[0])
        if open_ and (before is None or before[at["due_at"]] != due_at):
            self._told.at(due_at.timestamp(), row[0])

    def _vendor(self, at: Mapping[str, int], row: Row, _: Row | None) -> None:
        if row[at["connected_account"]] is not None and not row[at["account_receives"]]:
            self._unpaid.at(self._looked_at_by(row), row[at["code"]])

    def _looked_at_by(self, vendor: Row) -> float:
        seen_at = vendor[self._vendors.position["account_seen_at"]]
        return self._nature.unix() if seen_at is None else seen_at.timestamp() + LOOKED_AT_SECONDS

    def _accounts(self, codes: list[str]) -> None:
        now, receives = self._nature.unix(), self._vendors.position["account_receives"]
        unpaid = [row for code in codes if not (row := self._vendors.rows[code])[receives]]
        self._ring("account facts", self._unpaid, [row for row in unpaid if self._looked_at_by(row) <= now])

    def _open(self, ids: Sequence[str]) -> list[Row]:
        return [row for step_id in ids if (row := self._steps.rows.get(step_id)) and row[self._state] == "open"]

    def _deadlines(self, ids: list[str]) -> None:
        self._ring("deadlines", self._late, self._open(ids))

    def _alarms(self, ids: list[str]) -> None:
        now = self._nature.now()
        self._ring(
            "promises", self._awaited, [row for row in self._open(ids) if row[self._alarm_at] is not None and row[self._alarm_at] <= now]
        )

    def _provider_events(self, ids: list[str]) -> None:
        state, due_at, now = self._events.position["state"], self._events.position["due_at"], self._nature.now()
        events = [row for event_id in ids if (row := self._events.rows.get(event_id))]
        left = [row for row in events if row[state] in {"new", "parked"} and row[due_at] <= now]
        self._ring("provider events", self._told, left)

    def _ring(self, bell: str, alarm: Alarm, left: Sequence[Row]) -> None:
        """Wake who sees to it, and once more a little later: whoever was woken may have died of it."""
        if left:
            self._bells[bell].ring()
        for row in left:
            alarm.at(self._nature.unix() + WOKEN_AGAIN, row[0])

    def _wake_one(self, ids: list[str]) -> None:
        """Steps may be due: whichever worker looks first may have them."""
        if left := self._still_due(ids):
            self._workers[self._which.randrange(len(self._workers))].wake()
            self._look_again(left)

    def _wake_all(self, ids: list[str]) -> None:
        """Steps were due a little while ago."""
        if left := self._still_due(ids):
            for worker in self._workers:
                worker.wake()
            self._look_again(left)

    def _still_due(self, ids: list[str]) -> list[str]:
        now = self._nature.now()
        return [row[0] for row in self._open(ids) if row[self._due_at] <= now]

    def _look_again(self, ids: list[str]) -> None:
        for step_id in ids:
            self._again.at(self._nature.unix() + WOKEN_AGAIN, step_id)
