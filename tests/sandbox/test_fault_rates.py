"""Faults on a share of the calls: the same for the same seed, counted, and cheap."""

import time
from collections import Counter
from typing import Any

import httpx

from hub.sandbox.app import SECRET, create_sandbox
from hub.sandbox.faults import Faults, Mode
from tests.sandbox.controls import turn

ORDER = b'{"match": "POST /v1/*", "modes": ["500_before", "500_saved", "429"], "rate": 0.35, "seed": 7}'


def fates(order: bytes = ORDER, calls: int = 2_000) -> list[Mode | None]:
    faults = Faults()
    faults.order(order)
    struck = [faults.take("POST", "/v1/transfers") for _ in range(calls)]
    return [fault and fault.mode for fault in struck]


def test_the_share_is_as_ordered_and_repeatable() -> None:
    first = fates()
    assert first == fates()
    assert first != fates(ORDER.replace(b"7}", b"8}"))
    count = Counter(first)
    assert 0.32 < 1 - count[None] / 2_000 < 0.38
    assert all(count[mode] > 180 for mode in (Mode.ERROR_BEFORE, Mode.ERROR_SAVED, Mode.RATE_LIMITED))


def test_other_calls_draw_nothing() -> None:
    faults = Faults()
    faults.order(ORDER)
    drawn: list[Mode | None] = []
    for _ in range(100):
        assert faults.take("GET", "/v1/transfers") is None
        struck = faults.take("POST", "/v1/transfers")
        drawn.append(struck and struck.mode)
    assert drawn == fates(calls=100)


def test_it_is_cheap() -> None:
    started = time.process_time()
    fates(calls=10_000)
    assert time.process_time() - started < 0.5


async def test_what_struck_is_told_by_mode() -> None:
    app = create_sandbox()
    await turn(app, "faults", {"match": "POST /v1/*", "modes": ["500_before", "garbage"], "rate": 0.35, "seed": 7})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox", auth=(SECRET, "")) as http:
        answers = [(await http.post("/v1/payment_intents", data={"amount": "100", "currency": "eur"})).content for _ in range(60)]
        garbage = sum(b"upstream" in body for body in answers)
        broken = sum(b"injected fault" in body for body in answers)
        [rate] = (await turn(app, "faults", method="GET"))["faults"]
        assert (rate["seen"], rate["struck"]) == (60, {"500_before": broken, "garbage": garbage})
        assert broken
        assert garbage
        orders: list[dict[str, Any]] = [
            {"match": "*", "modes": [], "rate": 0.1},
            {"match": "*", "modes": ["429"], "rate": 2},
            {"match": "*", "rate": 0.5},
        ]
        for wrong in orders:
            assert (await http.post("/_sandbox/faults", json=wrong)).status_code == 400
    app.close()
