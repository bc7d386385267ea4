"""A vendor's event outlives any number of deliveries while the database is away: that is no fault of the event."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import ProgrammingError

from hub.simulation.loop import run
from hub.simulation.market import rules_of
from hub.simulation.nature import Nature
from hub.simulation.postgres.server import Memory, SimulatedDatabase
from hub.simulation.process import Process
from hub.wiring import tables
from hub.worker.listen import TRIES_MAX, is_away, take_event

NONSENSE = b"{"


class Message:
    """Delivered for the hundredth time."""

    subject = "evt.acme.stock.reserved"
    headers = {"Mk-Event-Id": "e1", "Nats-Msg-Id": "e1"}  # noqa: RUF012  # nobody writes to it
    data = NONSENSE
    metadata: Any = SimpleNamespace(num_delivered=100, timestamp=datetime(2026, 11, 29, tzinfo=UTC))

    def __init__(self) -> None:
        self.acked = 0

    async def ack(self) -> None:
        self.acked += 1


async def deliver(*, down: bool) -> tuple[int, int]:
    """How often it was acknowledged, and how many letters there are."""
    nature = Nature(1, {})
    memory, message = Memory(tables(), nature), Message()
    memory.down = down
    wiring: Any = SimpleNamespace(database=SimulatedDatabase(memory, Process(nature, "worker")), timing=rules_of("EUR").timing)
    try:
        await take_event(wiring, "acme", message)
    except OSError:
        assert down
    return message.acked, len(memory.tables["dead_letters"].rows)


def test_it_comes_again_however_often() -> None:
    assert Message.metadata.num_delivered > TRIES_MAX
    assert run(deliver(down=True)) == (0, 0)


def test_what_cannot_be_read_is_kept_for_triage() -> None:
    assert run(deliver(down=False)) == (1, 1)


@pytest.mark.parametrize(
    ("error", "away"), [(ConnectionRefusedError(), True), (ValueError(), False), (ProgrammingError("", None, ValueError()), False)]
)
def test_only_a_lost_connection_is_the_databases_fault(error: Exception, *, away: bool) -> None:
    assert is_away(error) is away
