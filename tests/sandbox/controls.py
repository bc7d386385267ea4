"""The sandbox's switches, from a test."""

from typing import Any

import httpx

from hub.sandbox.app import SECRET

Json = dict[str, Any]


async def turn(app: Any, path: str, body: Json | None = None, *, method: str = "POST", base: str = "http://sandbox") -> Json:
    """Call ``/_sandbox/<path>`` of an app, or of the address `base` where `app` is None."""
    transport = httpx.ASGITransport(app) if app is not None else None
    async with httpx.AsyncClient(transport=transport, base_url=base, headers={"authorization": f"Bearer {SECRET}"}) as http:
        answer = await http.request(method, f"/_sandbox/{path}", json=body or {})
        assert answer.status_code == 200, answer.text
        return answer.json()
