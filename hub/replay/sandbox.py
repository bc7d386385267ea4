"""Owns how the replay reads and switches the simulated payment provider."""

from http import HTTPStatus
from typing import Any

import aiohttp

from hub.sections import StripeSettings

PAGE = 100


class NoSandbox(RuntimeError):
    """The hub does not use the sandbox: nothing can be made to go wrong there, and it is no place to try."""


class Provider:
    """The sandbox behind a hub. Raises `aiohttp.ClientError` where it does not answer as it should."""

    def __init__(self, http: aiohttp.ClientSession, settings: StripeSettings) -> None:
        self._http = http
        self._url = settings.base_url
        self._headers = {"Authorization": f"Bearer {settings.api_key}"}

    async def check(self) -> None:
        """Raises `NoSandbox`."""
        if self._url:
            async with self._http.get(f"{self._url}/_sandbox/", headers=self._headers) as answer:
                if answer.status == HTTPStatus.OK and (await answer.json()).get("simulated"):
                    return
        raise NoSandbox("trouble needs a hub on our sandbox of Stripe: use --trouble 0")

    async def switch(self, path: str, **how: object) -> dict[str, Any]:
        """Turn one of its switches (`charges/ch_…/dispute`)."""
        async with self._http.post(f"{self._url}/_sandbox/{path}", json=how, headers=self._headers) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def all(self, kind: str) -> list[dict[str, Any]]:
        """Everything that one of its lists holds (`transfers`)."""
        found: list[dict[str, Any]] = []
        while True:
            after = {"starting_after": str(found[-1]["id"])} if found else {}
            async with self._http.get(f"{self._url}/v1/{kind}", params={"limit": str(PAGE), **after}, headers=self._headers) as answer:
                answer.raise_for_status()
                page = await answer.json()
            found += page["data"]
            if not page["has_more"]:
                return found
