"""A door leads where it may, and lets nothing in that is too big."""

import pytest
from aiohttp import web

from spokes.web.address import checked_url
from spokes.web.door import Door
from tests.spokes.faulty import serving
from vendor_sdk.errors import AdapterError, Misconfigured


async def hello(_: web.Request) -> web.Response:
    return web.Response(text="hello" * 10)


async def test_our_own_network_is_out_of_reach_unless_the_settings_allow_it() -> None:
    app = web.Application()
    app.add_routes([web.get("/", hello)])
    async with serving(app) as url:
        allowed, strict = Door(url, allow_private=True), Door(url)
        assert (await allowed.send("GET", "/", headers={})).body.startswith(b"hello")
        by_name = Door(url.replace("127.0.0.1", "localhost"))
        for door in (strict, by_name):
            with pytest.raises(Misconfigured, match="not a public address"):
                await door.send("GET", "/", headers={})
        for door in (allowed, strict, by_name):
            await door.close()


async def test_an_answer_has_a_bound() -> None:
    app = web.Application()
    app.add_routes([web.get("/", hello)])
    async with serving(app) as url:
        exact, short = (Door(url, allow_private=True, body_max=most) for most in (50, 49))
        assert len((await exact.send("GET", "/", headers={})).body) == 50
        with pytest.raises(AdapterError, match="longer than 49"):
            await short.send("GET", "/", headers={})
        await exact.close()
        await short.close()


@pytest.mark.parametrize(
    "url", ["ftp://a.example", "https://a.example/?x", "https://a.example/#x", "https://a b", "https:\\\\a", "https://" + "a" * 600]
)
def test_a_url_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        checked_url(url, allow_private=True)
