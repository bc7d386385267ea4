"""Without any webhook the hub is right as well: it looks through what the provider lists."""

import asyncio

from sqlalchemy import func, select, update

from hub.payments.ports import Gateways
from hub.sandbox.app import Sandbox
from hub.webhooks.tables import provider_cursors
from hub.worker.provider import apply_events, sweep_events
from tests.hub_api import Api
from tests.sandbox.controls import turn
from tests.webhooks.signing import kept, let_pass, states, tell
from tests.webhooks.test_apply import known_of, opened


async def sweep_again(api: Api, gateways: Gateways) -> None:
    """A sweep when it is time for one."""
    async with api.wiring.database.tx() as tx:
        await tx.execute(update(provider_cursors).values(due_at=func.now()))
    await sweep_events(api.wiring, gateways)


async def test_what_no_webhook_brought_is_found_and_applied(api: Api, gateways: Gateways, sandbox: Sandbox):
    account = await opened(api, gateways)
    await turn(sandbox, f"accounts/{account}/onboard")
    await sweep_events(api.wiring, gateways)
    found = await kept(api)
    assert found
    assert {(row["endpoint"], row["account"], row["raw"], row["state"]) for row in found.values()} == {("sweep", account, None, "new")}
    await let_pass(api)
    await apply_events(api.wiring, gateways)
    assert set((await states(api)).values()) == {"applied"}
    assert (await known_of(api)).state == "ready"


async def test_what_a_webhook_brought_is_not_kept_twice(api: Api, gateways: Gateways, sandbox: Sandbox):
    account = await opened(api, gateways)
    await turn(sandbox, f"accounts/{account}/onboard")
    listed = await gateways["stripe"].events(since=0, accounts=True)
    for event in listed:
        await tell(api, event.kind, event.subject, event_id=event.id, account=event.account)
    before = await kept(api)
    await sweep_events(api.wiring, gateways)
    assert {name: row["endpoint"] for name, row in (await kept(api)).items()} == {name: row["endpoint"] for name, row in before.items()}


async def test_a_sweep_goes_on_where_the_last_one_ended(api: Api, gateways: Gateways, sandbox: Sandbox):
    account = await opened(api, gateways)
    await turn(sandbox, f"accounts/{account}/onboard")
    await sweep_events(api.wiring, gateways)
    first = set(await kept(api))
    await turn(sandbox, "advance", {"seconds": 86_400})
    await turn(sandbox, f"accounts/{account}/capabilities", {"transfers": "inactive"})
    await sweep_events(api.wiring, gateways)
    assert set(await kept(api)) == first, "it is not time yet"
    asked: list[int] = []

    class Counting:
        """The same provider, noting since when it was asked."""

        def __getattr__(self, name: str):
            return getattr(gateways["stripe"], name)

        async def events(self, *, since: int, accounts: bool = False):
            asked.append(since)
            return await gateways["stripe"].events(since=since, accounts=accounts)

    await sweep_again(api, {"stripe": Counting()})  # pyright: ignore[reportArgumentType]  # it has all that a gateway has
    assert len(set(await kept(api)) - first) > 0
    await sweep_again(api, {"stripe": Counting()})  # pyright: ignore[reportArgumentType]  # as above
    assert max(asked[2:]) > max(asked[:2]), "what was seen is not looked through again and again"


async def test_two_workers_sweep_once(api: Api, gateways: Gateways):
    calls: list[bool] = []

    class Slow:
        """A provider that takes its time."""

        def __getattr__(self, name: str):
            return getattr(gateways["stripe"], name)

        async def events(self, *, since: int, accounts: bool = False):
            calls.append(accounts)
            await asyncio.sleep(0.05)
            return await gateways["stripe"].events(since=since, accounts=accounts)

    slow: Gateways = {"stripe": Slow()}  # pyright: ignore[reportAssignmentType]  # it has all that a gateway has
    await asyncio.gather(*(sweep_events(api.wiring, slow) for _ in range(3)))
    assert sorted(calls) == [False, True]


async def test_a_provider_that_is_away_is_swept_later_from_where_it_was(api: Api, gateways: Gateways, sandbox: Sandbox):
    account = await opened(api, gateways)
    await turn(sandbox, f"accounts/{account}/onboard")
    await turn(sandbox, "faults", {"match": "GET /v1/events*", "mode": "drop_before", "times": 1})
    await turn(sandbox, "faults", {"match": "GET /v1/accounts*", "mode": "500_before", "times": 1})
    await sweep_events(api.wiring, gateways)
    assert not await kept(api)
    await sweep_again(api, gateways)
    assert await kept(api)


async def test_only_what_means_something_to_us_is_kept(api: Api, gateways: Gateways):
    await gateways["stripe"].open_payment("key", order_id="ord_1", amount=1000, currency="EUR", payment_method="pm_card_visa")
    listed = await gateways["stripe"].events(since=0)
    assert [event.kind for event in listed] == ["payment_intent.created"]
    await sweep_events(api.wiring, gateways)
    assert not await kept(api)
    async with api.wiring.database.reading() as tx:
        rows = await tx.rows(select(provider_cursors.c.stream).order_by(provider_cursors.c.stream))
    assert [row.stream for row in rows] == ["connect", "platform"]
