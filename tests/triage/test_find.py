"""Letters are found by any of their facts."""

from typing import Any

import msgspec
import pytest

from hub.triage import find
from hub.triage.find import Filter
from tests.triage.spokes import Spokes


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ({"state": "open"}, {"state": "resolved"}),
        ({"source": "step"}, {"source": "event"}),
        ({"target": "acme", "kind": "orders.submit", "reason": "failed"}, {"target": "acme", "kind": "stock.reserve"}),
        ({"at_risk_min": 2490, "currency": "EUR"}, {"at_risk_min": 2491}),
        ({"attempts_min": 1, "times_min": 1}, {"times_min": 2}),
        ({"failed_after": "2026-01-01T00:00:00Z"}, {"failed_before": "2026-01-01T00:00:00Z"}),
        ({"text": "garb"}, {"text": "%"}),
    ],
)
async def test_by_what_is_known_of_it(spokes: Spokes, right: dict[str, Any], wrong: dict[str, Any]) -> None:
    _, letter = await spokes.dead_order()
    async with spokes.database.reading() as tx:
        for asked, number in ((right, 1), (wrong, 0)):
            assert len(await find.browse(tx, msgspec.convert(asked, Filter), after=None, limit=9)) == number
        names = {"saga_id": letter.saga_id, "subject_id": letter.subject_id, "step_id": letter.step_id}
        for name, value in names.items():
            assert await find.browse(tx, msgspec.convert({name: value}, Filter), after=None, limit=9) == [letter]
            assert await find.browse(tx, msgspec.convert({name: "of_nobody"}, Filter), after=None, limit=9) == []
