"""A full hub says so at once, with when to come again; a process about to end sends everybody elsewhere while it still answers."""

import asyncio
from typing import Any

import httpx

from hub.runtime.callers import Callers
from hub.runtime.edge import Edge, Rates
from hub.runtime.traffic import Traffic
from tests.hub_api import Api
from tests.problem import problem

RATES = Rates(anonymous=10**6, customer=10**6, vendor=10**6, operator=10**6)


class Slow:
    """Answers when it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.began = 0
        self.stream_ends = asyncio.Event()

    async def __call__(self, scope: Any, _: Any, send: Any) -> None:
        self.began += 1
        if scope["path"] == "/stream":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"so ", "more_body": True})
            await self.stream_ends.wait()
        else:
            if not scope["path"].startswith("/health"):
                await self.may.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"it is", "more_body": False})


def serving(api: Api, app: Any, traffic: Traffic) -> httpx.AsyncClient:
    edge: Any = Edge(app, Callers(api.wiring.database), RATES, traffic)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=edge), base_url="http://hub")


async def until(done: Any) -> None:
    async with asyncio.timeout(5):
        while not done():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.01)


async def test_more_than_there_is_room_for_is_told_to_come_again(api: Api):
    slow, traffic = Slow(), Traffic(2)
    async with serving(api, slow, traffic) as http:
        asked = [asyncio.ensure_future(http.get("/v1/search")) for _ in range(2)]
        await until(lambda: slow.began == 2)
        refused = await http.get("/v1/search")
        problem(refused, 503, "too_busy")
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["x-request-id"]
        assert slow.began == 2, "nothing was done"
        assert (await http.get("/health/live")).status_code == 200, "a busy process is not a dead one"
        slow.may.set()
        assert [answer.status_code for answer in await asyncio.gather(*asked)] == [200, 200]
        assert (await http.get("/v1/search")).status_code == 200
    assert (traffic.under_way, traffic.turned_away) == (0, 1)


async def test_a_stream_that_has_begun_takes_no_room(api: Api):
    slow, traffic = Slow(), Traffic(1)
    slow.may.set()
    async with serving(api, slow, traffic) as http:
        stream = asyncio.ensure_future(http.get("/stream"))
        await until(lambda: slow.began == 1)
        assert (await http.get("/v1/search")).status_code == 200
        slow.stream_ends.set()
        assert (await stream).status_code == 200


async def test_who_goes_away_leaves_room(api: Api):
    slow, traffic = Slow(), Traffic(1)
    async with serving(api, slow, traffic) as http:
        gone = asyncio.ensure_future(http.get("/v1/search"))
        await until(lambda: slow.began == 1)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert traffic.under_way == 0


async def test_a_process_about_to_end_is_not_ready_and_answers(api: Api):
    traffic: Traffic = api.app.state.traffic
    before = await api("", "GET", "/v1/search")
    assert "connection" not in before.headers
    traffic.draining = True
    try:
        problem(await api("", "GET", "/health/ready"), 503, "draining")
        assert (await api("", "GET", "/health/live")).status_code == 200
        answer = await api("", "GET", "/v1/search")
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    finally:
        traffic.draining = False
