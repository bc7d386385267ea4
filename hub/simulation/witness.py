"""Sees what leaves no trace in a world at rest: what was acknowledged when, and what the broker took for a repetition."""

from collections.abc import Mapping

from hub.simulation.postgres.server import Memory
from hub.simulation.streams import Delivery
from vendor_sdk import subjects
from vendor_sdk.messages import ATTEMPT, EVENT_ID, MSG_ID

EVENTS = subjects.event_stream("")
PENDING = "pending"
"""Such an answer may be said again and again, and is noted nowhere."""


class Witness:
    """Told by the broker; `seen` is what is wrong, as ``law: what``."""

    def __init__(self, memory: Memory) -> None:
        self._inbox = memory.tables["inbox"]
        self._letters = memory.tables["dead_letters"]
        self._attempts: dict[tuple[str, str], str | None] = {}
        self.seen: list[str] = []

    def acknowledged(self, stream: str, delivery: Delivery) -> None:
        """Acknowledged is only what is in the books by then: noted as applied, or kept for triage."""
        vendor = stream.removeprefix(EVENTS)
        if vendor == stream or delivery.subject.endswith(PENDING):
            return
        event_id = delivery.headers.get(EVENT_ID, "")
        if (vendor, event_id) not in self._inbox.rows and not self._kept(f"event:{vendor}:{delivery.headers.get(MSG_ID, '')}"):
            self.seen.append(f"acknowledged_is_in_the_books: {vendor} {delivery.subject} {event_id} was acknowledged and is nowhere")

    def published(self, stream: str, headers: Mapping[str, str], *, duplicate: bool) -> None:
        """A command sent anew gets to its vendor: the broker swallows only what is the same attempt."""
        attempt = headers.get(ATTEMPT)
        if attempt is None:
            return
        message_id = headers.get(MSG_ID, "")
        first = self._attempts.setdefault((stream, message_id), attempt)
        if duplicate and first != attempt:
            self.seen.append(f"no_redrive_is_swallowed: {stream} {message_id}: attempt {attempt} was taken for attempt {first}")

    def _kept(self, identity: str) -> bool:
        place = self._letters.position["identity"]
        return any(row[place] == identity for row in self._letters.rows.values())
