"""A vendor's account with the provider: opened, kept fresh, shown, and the link at which it is put in order."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import func, select, update

from hub.accounts import onboard
from hub.app import create_app
from hub.payments.ports import Gateways
from hub.sandbox.app import SECRET, Sandbox
from hub.sandbox.serve import running
from hub.settings import load_settings
from hub.vendors import accounts
from hub.vendors.tables import vendors
from hub.wiring import wire
from hub.worker.accounts import open_accounts, refresh_accounts
from tests.hub_api import Api, settings_for
from tests.problem import problem
from tests.sandbox.controls import turn
from tests.webhooks.test_apply import known_of, opened

LINK = {"back": "https://shop.example/done", "again": "https://shop.example/again"}


@pytest_asyncio.fixture
async def reached(api: Api, sandbox: Sandbox, database_url: str) -> AsyncGenerator[Api]:
    """The API with the sandbox behind a port, as its process would reach it."""
    async with running(sandbox) as base:
        stripe = {
            "WHEELWRIGHT__STRIPE__BASE_URL": base,
            "WHEELWRIGHT__STRIPE__API_KEY": SECRET,
            "WHEELWRIGHT__STRIPE__TIMEOUT_SECONDS": "2",
            "WHEELWRIGHT__DATABASE__POOL_SIZE": "2",
        }
        wiring = wire(load_settings(environ=settings_for(database_url, **stripe)), "test")
        app = create_app(wiring)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # pyright: ignore[reportArgumentType]  # litestar's own ASGI types
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as http:
            yield Api(app, wiring, http, api.keys)
        for close in app.on_shutdown:
            await close()  # pyright: ignore[reportCallIssue, reportGeneralTypeIssues]  # ours takes nothing
        await wiring.close()


async def nobody_has_an_account(api: Api) -> None:
    fresh: dict[str, Any] = {
        "account_receives": False,
        "account_pays_out": False,
        "account_due": [],
        "account_reason": "",
        "account_seen_at": None,
    }
    async with api.wiring.database.tx() as tx:
        await tx.execute(update(vendors).values(connected_account=None, **fresh))


class TestWorker:
    async def test_opens_and_looks(self, api: Api, gateways: Gateways, sandbox: Sandbox):
        await nobody_has_an_account(api)
        assert (await known_of(api)).state == "opening"
        await asyncio.gather(open_accounts(api.wiring, gateways), open_accounts(api.wiring, gateways))
        assert len(sandbox.store.find("account", "", [])) == 2, "one for each vendor"
        async with api.wiring.database.reading() as tx:
            account, _ = await accounts.account_of(tx, "acme")
        await refresh_accounts(api.wiring, gateways)
        seen = await known_of(api)
        assert (seen.state, seen.may_receive) == ("onboarding", False)
        assert seen.due
        await turn(sandbox, f"accounts/{account}/onboard")
        await refresh_accounts(api.wiring, gateways)
        assert (await known_of(api)).state == "onboarding", "it has just been looked at"
        await self.grow_old(api, accounts.NOT_READY_SECONDS)
        await refresh_accounts(api.wiring, gateways)
        seen = await known_of(api)
        assert (seen.state, seen.may_receive, seen.may_pay_out, seen.due) == ("ready", True, True, [])

    async def test_looks_less_often_at_what_is_in_order(self, api: Api, gateways: Gateways, sandbox: Sandbox):
        account = await opened(api, gateways)
        await turn(sandbox, f"accounts/{account}/onboard")
        await refresh_accounts(api.wiring, gateways)
        await self.grow_old(api, accounts.NOT_READY_SECONDS)
        async with api.wiring.database.reading() as tx:
            assert account not in await accounts.stale(tx, 10)
        await self.grow_old(api, accounts.READY_SECONDS)
        async with api.wiring.database.reading() as tx:
            assert account in await accounts.stale(tx, 10)

    async def test_one_account_that_cannot_be_looked_at_bars_no_other(self, api: Api, gateways: Gateways, sandbox: Sandbox):
        await nobody_has_an_account(api)
        account = await opened(api, gateways)
        await turn(sandbox, f"accounts/{account}/onboard")
        async with api.wiring.database.tx() as tx:
            await tx.execute(update(vendors).where(vendors.c.code == "bolt").values(connected_account="acct_gone"))
        await refresh_accounts(api.wiring, gateways)
        assert (await known_of(api)).state == "ready"
        assert (await known_of(api, "bolt")).state == "onboarding"
        async with api.wiring.database.reading() as tx:
            assert await accounts.stale(tx, 10) == []

    async def test_one_account_that_is_never_answered_for_keeps_no_other_waiting(self, api: Api, gateways: Gateways, sandbox: Sandbox):
        await nobody_has_an_account(api)
        first, second = await opened(api, gateways), await opened(api, gateways, "bolt")
        await turn(sandbox, "faults", {"match": f"GET /v1/accounts/{first}", "mode": "500_before", "times": 50})
        await turn(sandbox, f"accounts/{second}/onboard")
        await refresh_accounts(api.wiring, gateways)
        assert (await known_of(api)).seen_at is None
        assert (await known_of(api, "bolt")).state == "ready"
        await turn(sandbox, "faults", method="DELETE")

    @staticmethod
    async def grow_old(api: Api, seconds: float) -> None:
        async with api.wiring.database.tx() as tx:
            past = await tx.scalar(select(func.now())) - timedelta(seconds=seconds + 1)
            await tx.execute(update(vendors).where(vendors.c.account_seen_at.is_not(None)).values(account_seen_at=past))


class TestVendor:
    async def test_sees_how_its_account_stands(self, api: Api, gateways: Gateways):
        await nobody_has_an_account(api)
        answer = await api("acme", "GET", "/v1/vendor/account")
        assert answer.status_code == 200
        assert answer.json() == {"state": "opening", "may_receive": False, "may_pay_out": False, "due": [], "reason": "", "seen_at": None}
        account = await opened(api, gateways)
        await refresh_accounts(api.wiring, gateways)
        seen = (await api("acme", "GET", "/v1/vendor/account")).json()
        assert (seen["state"], seen["due"] != [], account in str(seen)) == ("onboarding", True, False)
        problem(await api("ada", "GET", "/v1/vendor/account"), 403, "not_allowed")

    async def test_gets_a_link(self, reached: Api, gateways: Gateways):
        await opened(reached, gateways)
        first, second = [await reached("acme", "POST", "/v1/vendor/onboarding", LINK) for _ in range(2)]
        assert first.status_code == 200, first.text
        assert first.json()["url"].startswith("http")
        assert first.json()["url"] != second.json()["url"], "a link is good for one visit"

    async def test_has_none_without_an_account(self, reached: Api):
        await nobody_has_an_account(reached)
        problem(await reached("acme", "POST", "/v1/vendor/onboarding", LINK), 409, "account_not_opened")

    @pytest.mark.parametrize("back", ["javascript:alert(1)", "shop.example", "https://a b", "https://x\n", "", "https://" + "x" * 2048])
    async def test_only_gets_back_to_a_web_address(self, reached: Api, back: str):
        problem(await reached("acme", "POST", "/v1/vendor/onboarding", {**LINK, "back": back}), 400, "invalid_request", "/back")

    async def test_hears_that_the_provider_refuses(self, reached: Api):
        async with reached.wiring.database.tx() as tx:
            await tx.execute(update(vendors).where(vendors.c.code == "acme").values(connected_account="acct_gone"))
        problem(await reached("acme", "POST", "/v1/vendor/onboarding", LINK), 409, "onboarding_refused")

    async def test_a_slow_provider_hurts_nobody_else(self, reached: Api, gateways: Gateways, sandbox: Sandbox):
        await opened(reached, gateways)
        await turn(sandbox, "faults", {"match": "POST /v1/account_links", "mode": "hang_before", "times": 50})
        asked = [asyncio.create_task(reached("acme", "POST", "/v1/vendor/onboarding", LINK)) for _ in range(12)]
        await asyncio.sleep(0.1)
        answers = await asyncio.gather(*(reached("acme", "GET", "/v1/vendor/account") for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        async with asyncio.timeout(10):
            while sum(not each.done() for each in asked) > onboard.AT_ONCE:  # noqa: ASYNC110  # answers have no event
                await asyncio.sleep(0.01)
        assert sum(not each.done() for each in asked) == onboard.AT_ONCE, "some wait for the provider, and hold no connection meanwhile"
        refused = await asyncio.gather(*asked)
        assert {answer.status_code for answer in refused} == {503}
        assert {answer.headers["retry-after"] for answer in refused} == {str(onboard.RETRY_SECONDS)}
        problem(refused[0], 503, "provider_unavailable")


async def test_a_provider_without_accounts_opens_none(api: Api):
    await open_accounts(api.wiring, {})
    await refresh_accounts(api.wiring, {})
