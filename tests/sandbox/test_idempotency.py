"""Stripe's v1 idempotency as the sandbox keeps it, and the faults it makes on order."""

import asyncio
from typing import Any

import httpx
import pytest

from hub.sandbox.app import SECRET, create_sandbox
from tests.sandbox.controls import turn
from tests.sandbox.watched import Watched

INTENTS = "/v1/payment_intents"
PAY = "amount=1000&currency=eur&payment_method=pm_card_visa"


class Caller:
    """Plain HTTP, to see headers and statuses as they are."""

    def __init__(self, app: Any, secret: str = SECRET) -> None:
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox", auth=(secret, ""))

    async def post(self, path: str, form: str, key: str | None = None) -> httpx.Response:
        headers = {"content-type": "application/x-www-form-urlencoded"} | ({"idempotency-key": key} if key else {})
        return await self.http.post(path, content=form, headers=headers)

    async def count(self, kind: str) -> int:
        return len((await self.http.get(f"/v1/{kind}?limit=100")).json()["data"])


@pytest.fixture
def caller(watched: Watched) -> Caller:
    return Caller(watched)


class TestKeys:
    async def test_the_same_call_is_answered_again_and_done_once(self, caller: Caller) -> None:
        first, second = [await caller.post(INTENTS, PAY, "k1") for _ in range(2)]
        assert first.content == second.content
        assert "idempotent-replayed" not in first.headers
        assert second.headers["idempotent-replayed"] == "true"
        assert second.headers["original-request"] == first.headers["request-id"]
        assert await caller.count("payment_intents") == 1

    async def test_without_a_key_it_is_done_twice(self, caller: Caller) -> None:
        await caller.post(INTENTS, PAY)
        await caller.post(INTENTS, PAY)
        assert await caller.count("payment_intents") == 2

    @pytest.mark.parametrize(("path", "form"), [(INTENTS, PAY.replace("1000", "1001")), ("/v1/refunds", PAY)])
    async def test_other_parameters_under_the_key_are_refused(self, caller: Caller, path: str, form: str) -> None:
        await caller.post(INTENTS, PAY, "k1")
        other = await caller.post(path, form, "k1")
        assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")

    async def test_a_decline_is_saved(self, caller: Caller) -> None:
        form = "amount=1000&currency=eur&payment_method=pm_card_chargeDeclined&confirm=true"
        first, second = [await caller.post(INTENTS, form, "k1") for _ in range(2)]
        assert first.status_code == second.status_code == 402
        assert second.headers["idempotent-replayed"] == "true"
        assert await caller.count("charges") == 1

    async def test_a_validation_error_is_not_saved(self, caller: Caller) -> None:
        assert (await caller.post(INTENTS, "amount=x&currency=eur", "k1")).status_code == 400
        assert (await caller.post(INTENTS, PAY, "k1")).status_code == 200

    async def test_what_cannot_be_shown_is_not_done(self, caller: Caller) -> None:
        assert (await caller.post(INTENTS, PAY + "&expand[]=nothing", "k1")).status_code == 400
        assert await caller.count("payment_intents") == 0

    async def test_keys_are_forgotten_after_24_hours(self, caller: Caller, watched: Watched) -> None:
        first = await caller.post(INTENTS, PAY, "k1")
        await turn(watched, "advance", {"seconds": 24 * 3600 - 1})
        assert (await caller.post(INTENTS, PAY, "k1")).content == first.content
        await turn(watched, "advance", {"seconds": 1})
        assert (await caller.post(INTENTS, PAY, "k1")).json()["id"] != first.json()["id"]

    async def test_a_twin_under_way_gets_409(self, caller: Caller, watched: Watched) -> None:
        await turn(watched, "faults", {"match": f"POST {INTENTS}", "mode": "slow", "seconds": 0.2})
        slow = asyncio.create_task(caller.post(INTENTS, PAY, "k1"))
        await asyncio.sleep(0.05)
        twin = await caller.post(INTENTS, PAY, "k1")
        assert (twin.status_code, twin.json()["error"]["code"]) == (409, "idempotency_key_in_use")
        assert (await slow).status_code == 200
        assert await caller.count("payment_intents") == 1


class TestFaults:
    async def test_before_nothing_is_done_or_saved(self, caller: Caller, watched: Watched) -> None:
        for mode, status in (("429", 429), ("500_before", 500)):
            await turn(watched, "faults", {"match": "POST /v1/*", "mode": mode})
            assert (await caller.post(INTENTS, PAY, "k1")).status_code == status
        assert await caller.count("payment_intents") == 0
        assert (await caller.post(INTENTS, PAY, "k1")).status_code == 200

    @pytest.mark.parametrize(("mode", "made"), [("500_saved", 1), ("500_burnt", 0)])
    async def test_a_saved_500_is_replayed(self, caller: Caller, watched: Watched, mode: str, made: int) -> None:
        await turn(watched, "faults", {"match": f"POST {INTENTS}", "mode": mode})
        assert (await caller.post(INTENTS, PAY, "k1")).status_code == 500
        again = await caller.post(INTENTS, PAY, "k1")
        assert (again.status_code, again.headers["idempotent-replayed"]) == (500, "true")
        assert await caller.count("payment_intents") == made

    async def test_a_fault_strikes_so_often_and_no_more(self, caller: Caller, watched: Watched) -> None:
        await turn(watched, "faults", {"match": f"POST {INTENTS}", "mode": "500_before", "times": 2, "skip": 1})
        assert [(await caller.post(INTENTS, PAY)).status_code for _ in range(4)] == [200, 500, 500, 200]
        [fault] = (await turn(watched, "faults", method="GET"))["faults"]
        assert fault["struck"] == 2

    async def test_a_fault_that_makes_no_sense_is_refused(self, caller: Caller) -> None:
        for body in (b'{"match": "POST /v1/transfers", "mode": "explode"}', b"{", b"[]"):
            assert (await caller.http.post("/_sandbox/faults", content=body)).status_code == 400


class TestDoor:
    async def test_a_wrong_key_opens_nothing(self, watched: Watched) -> None:
        stranger = Caller(watched, "sk_test_other")
        assert (await stranger.post(INTENTS, PAY)).status_code == 401
        assert (await stranger.http.post("/_sandbox/advance", json={"seconds": 1})).status_code == 401

    async def test_it_says_that_it_is_simulated_to_anybody(self, watched: Watched) -> None:
        stranger = Caller(watched, "")
        told = (await stranger.http.get("/_sandbox/")).json()
        assert told["simulated"] is True
        assert "SIMULATED" in told["about"]

    async def test_what_is_not_simulated_is_said_so(self, caller: Caller) -> None:
        answer = await caller.post("/v1/subscriptions", "")
        assert answer.status_code == 404
        assert "simulates a part" in answer.json()["error"]["message"]

    @pytest.mark.parametrize("form", ["a[b=1", "a[b]=1&a=2", "a=1&a[b]=2", "%ff=%fe", "metadata[][]=1", "[x]=1", "=1"])
    async def test_a_garbled_form_is_an_error_of_the_caller(self, caller: Caller, form: str) -> None:
        assert (await caller.post(INTENTS, form)).status_code == 400

    async def test_another_account_must_exist(self, caller: Caller) -> None:
        answer = await caller.http.get("/v1/balance", headers={"stripe-account": "acct_nobody"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "account_invalid")

    async def test_two_sandboxes_share_nothing(self, caller: Caller) -> None:
        await caller.post(INTENTS, PAY)
        assert await Caller(create_sandbox()).count("payment_intents") == 0

    @pytest.mark.parametrize(("onboard", "status"), [(True, "active"), (False, "inactive")])
    async def test_accounts_are_onboarded_at_once_only_if_asked(self, onboard: bool, status: str) -> None:
        app = create_sandbox(onboard=onboard)
        made = await Caller(app).post("/v1/accounts", "country=DE&capabilities[transfers][requested]=true")
        assert made.json()["capabilities"] == {"transfers": status}
        app.close()
