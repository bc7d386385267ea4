"""The system of corner over HTTP: one method per thing it can be asked, in its own words."""

import httpx
import msgspec

from vendor_sdk.upstream import Answer, Upstream

Lines = list[dict[str, str | int]]


class CornerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the adapter."""

    url: str


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What the shop answers about anything."""

    status: str
    number: str = ""
    missing: dict[str, int] = {}
    carrier: str = ""
    code: str = ""


class CornerSystem:
    """The shop's API."""

    def __init__(self, config: CornerConfig, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.http = Upstream(config.url, transport=transport)

    async def close(self) -> None:
        await self.http.close()

    async def hold(self, key: str, order: str, lines: Lines) -> Reply:
        return _reply(await self.http.call("POST", "/reservations", key=key, json={"order": order, "lines": lines}, expects=(201, 409)))

    async def free(self, held: str) -> Reply:
        return _reply(await self.http.call("DELETE", f"/reservations/{held}", expects=(200, 404)))

    async def order(self, key: str, order: dict[str, object]) -> Reply:
        return _reply(await self.http.call("POST", "/orders", key=key, json=order))

    async def cancel(self, order: str) -> Reply:
        return _reply(await self.http.call("POST", f"/orders/{order}/cancel", expects=(200, 404)))

    async def send(self, key: str, order: str) -> Reply:
        return _reply(await self.http.call("POST", f"/orders/{order}/parcels", key=key, expects=(200, 404)))

    async def arrived(self, order: str) -> Reply:
        answer = await self.http.call("GET", f"/orders/{order}/parcels", expects=(200, 404))
        return _reply(answer) if answer.status == 200 else Reply(status="unknown")


def _reply(answer: Answer) -> Reply:
    return answer.read(Reply)
