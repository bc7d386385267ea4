"""What a simulated spoke remembers over its crashes, by the rules of vendor_sdk/inbox.py: answers, tombstones, facts to be told."""

import msgspec

from vendor_sdk.envelope import Command, Event
from vendor_sdk.messages import ANSWERS, Cancel, Recall, Recalled, Release
from vendor_sdk.ports import answer_kind

PENDING = ".pending"


class Fact:
    """An event to be told at `due_at` (virtual unix seconds)."""

    __slots__ = ("due_at", "event", "sent")

    def __init__(self, event: Event, due_at: float) -> None:
        self.event = event
        self.due_at = due_at
        self.sent = False


class SpokeMemory:
    """Durable: what is in it has been stored."""

    def __init__(self) -> None:
        self.answers: dict[str, Event] = {}
        """The last answer to each command, by its id."""
        self.tombstones: dict[str, str] = {}
        """Why a command must not be done any more, by its id."""
        self.facts: dict[str, list[Fact]] = {}
        """What is told of a command later, by its id."""

    def look(self, command: Command, now: float) -> tuple[Event | str | None, list[Fact]]:
        """The answer that still holds, or the tombstone's reason; and the facts that are to be told anew.

        A command asked anew (a higher attempt) has its facts told anew, and a pending answer is none any more.
        """
        answer = self.answers.get(command.id)
        if answer is None:
            return self.tombstones.get(command.id), []
        facts = self.facts.get(command.id, [])
        anew = [fact for fact in facts if fact.sent and fact.event.attempt < command.attempt]
        for fact in anew:
            fact.sent = False
            fact.event = msgspec.structs.replace(fact.event, attempt=command.attempt)
        late = command.deadline is not None and command.deadline <= now
        if answer.kind.endswith(PENDING) and answer.attempt < command.attempt and not late:
            settling = (fact.event for fact in facts if fact.due_at <= now and fact.event.kind in ANSWERS[command.kind])
            answer = next(settling, None)
        if answer is not None:
            answer = msgspec.structs.replace(answer, attempt=command.attempt, carried=command.carried)
        return answer, anew

    def record(self, command: Command, answer: msgspec.Struct, facts: list[Fact]) -> Event:
        """Remember an answer, with the facts to be told after it, and what it forbids."""
        kind = answer_kind(command.kind, answer)
        event = self.answers[command.id] = made(command, kind, answer)
        if facts and command.id not in self.facts:
            self.facts[command.id] = facts
        match command.body:
            case Release():
                self.tombstones.setdefault(command.body.reserve_command_id, "released")
            case Recall() if isinstance(answer, Recalled):
                self.tombstones.setdefault(command.body.submit_command_id, "recalled")
            case Cancel():
                self.tombstones.setdefault(command.body.authorize_command_id, "canceled")
            case _:
                pass
        return event

    def withdraw(self, command_id: str) -> None:
        """Forget what was to be told of a command and has not been."""
        if command_id in self.facts:
            self.facts[command_id] = [fact for fact in self.facts[command_id] if fact.sent]


def made(command: Command, kind: str, body: msgspec.Struct) -> Event:
    """An event about a command."""
    name = f"{command.id}.{kind.rsplit('.', 1)[-1]}"
    data = msgspec.json.encode(body)
    return Event(id=name, command_id=command.id, kind=kind, body=data, attempt=command.attempt, carried=command.carried)
