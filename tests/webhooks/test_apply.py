"""What providers told is applied: in any order, any number of times, before our own commit, a month late, by any number of workers."""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update

from hub.accounts import look as accounts_of_vendors
from hub.letters.tables import dead_letters
from hub.payments.ports import Gateways, PaymentGateway
from hub.runtime import steps
from hub.runtime.database import Tx
from hub.runtime.steps import HUB_TARGET, NewStep
from hub.sandbox.app import Sandbox
from hub.transfers.store import SHARE, NewTransfer, open_transfer
from hub.vendors import accounts
from hub.vendors.accounts import Standing
from hub.vendors.tables import vendors
from hub.webhooks import store
from hub.worker.notices import NOTICES, Hint, Notice, hint_of
from hub.worker.provider import apply_events
from tests.hub_api import Api
from tests.sandbox.controls import turn
from tests.webhooks.signing import kept, let_pass, states, tell


async def opened(api: Api, gateways: Gateways, vendor: str = "acme", *, known: bool = True) -> str:
    """A connected account, which we may not know of yet."""
    account = await gateways["stripe"].open_account(f"account.{vendor}.{id(gateways)}", vendor=vendor, name=vendor, country="DE")
    async with api.wiring.database.tx() as tx:
        fresh: dict[str, Any] = {"account_receives": False, "account_pays_out": False, "account_due": [], "account_seen_at": None}
        await tx.execute(update(vendors).where(vendors.c.code == vendor).values(connected_account=account if known else None, **fresh))
    return account


async def known_of(api: Api, vendor: str = "acme") -> accounts.VendorAccount:
    async with api.wiring.database.reading() as tx:
        return (await accounts.account_of(tx, vendor))[1]


def failing(error: Callable[[], BaseException], topic: str = "account") -> dict[str, Notice]:
    """As always, but what is written last in the transaction of a topic is followed by an error."""

    async def take(tx: Tx, hint: Hint, facts: Any, seen_at: datetime) -> bool:
        await NOTICES[topic].take(tx, hint, facts, seen_at)
        raise error()

    return {**NOTICES, topic: Notice(NOTICES[topic].look, take)}


class TestAccounts:
    async def test_an_onboarded_account_is_noted(self, api: Api, gateways: Gateways, sandbox: Sandbox):
        account = await opened(api, gateways)
        await turn(sandbox, f"accounts/{account}/onboard")
        await tell(api, "account.updated", account, account=account)
        await apply_events(api.wiring, gateways)
        assert await states(api) == {"evt_1": "applied"}
        assert (await known_of(api)).state == "ready"

    async def test_a_capability_is_the_account_s(self, api: Api, gateways: Gateways, sandbox: Sandbox):
        account = await opened(api, gateways)
        await turn(sandbox, f"accounts/{account}/onboard")
        await tell(api, "capability.updated", "transfers", account=account)
        await apply_events(api.wiring, gateways)
        assert (await known_of(api)).may_receive

    async def test_what_waited_for_the_account_goes_on_and_nothing_else(self, api: Api, gateways: Gateways, sandbox: Sandbox):
        account = await opened(api, gateways)
        async with api.wiring.database.tx() as tx:
            held = await open_transfer(tx, _share("ord_waits"))
            other = await open_transfer(tx, _share("ord_other", vendor="bolt"))
            new = [
                NewStep(kind="payout.release", target=HUB_TARGET, saga_id="ord_waits", subject_id=held.id, payload={}, id="cmd_tried"),
                NewStep(kind="payout.release", target=HUB_TARGET, saga_id="ord_other", subject_id=other.id, payload={}, id="cmd_other"),
                NewStep(
                    kind="payout.release", target=HUB_TARGET, saga_id="ord_waits", subject_id=held.id, payload={}, after=999, id="cmd_held"
                ),
            ]
            await steps.add(tx, *new)
        async with api.wiring.database.tx() as tx:
            assert {step.id for step in await steps.claim(tx, per_target=99, sending=False)} == {"cmd_tried", "cmd_other"}
        await turn(sandbox, f"accounts/{account}/onboard")
        await tell(api, "account.updated", account, account=account)
        await apply_events(api.wiring, gateways)
        async with api.wiring.database.tx() as tx:
            assert {step.id for step in await steps.claim(tx, per_target=99, sending=False)} == {"cmd_tried"}

    async def test_shuffled_and_tripled_events_end_with_the_truth(self, api: Api, gateways: Gateways, sandbox: Sandbox):
        account = await opened(api, gateways)
        told = [f"evt_{number}" for number in range(8)]
        for number in range(8):
            await turn(sandbox, f"accounts/{account}/onboard")
            if number % 2:
                await turn(sandbox, f"accounts/{account}/capabilities", {"transfers": "inactive"})
        truth = await gateways["stripe"].look_account(account)
        order = told * 3
        random.Random(7).shuffle(order)
        for name in order:
            await tell(api, "account.updated", account, event_id=name, account=account)
            await apply_events(api.wiring, gateways)
            assert (await known_of(api)).may_receive == truth.may_receive
        assert await states(api) == dict.fromkeys(told, "applied")

    async def test_what_was_asked_for_earlier_never_replaces_what_is_known(self, api: Api, gateways: Gateways):
        account = await opened(api, gateways)
        now = datetime.now(UTC)  # noqa: TID251  # a moment to compare with
        good, bad = Standing(receives=True, pays_out=True), Standing(receives=False, pays_out=False)
        async with api.wiring.database.tx() as tx:
            assert [noted.better for noted in await accounts.note_account(tx, account, good, now)] == [True]
            assert [noted.better for noted in await accounts.note_account(tx, account, bad, now - timedelta(seconds=1))] == [False]
            assert await accounts.note_account(tx, "acct_nobody", good, now) == []
        assert (await known_of(api)).may_receive

    async def test_an_account_that_is_closed_may_do_nothing(self, api: Api, gateways: Gateways, sandbox: Sandbox):
        account = await opened(api, gateways)
        await turn(sandbox, f"accounts/{account}/onboard")
        with sandbox.store.transaction():
            sandbox.store.remove(account)
        await tell(api, "account.application.deauthorized", "ca_1", account=account)
        await apply_events(api.wiring, gateways)
        seen = await known_of(api)
        assert (seen.state, seen.may_receive, seen.may_pay_out) == ("onboarding", False, False)
        assert seen.reason


class TestWaiting:
    async def test_an_event_before_our_own_commit_waits_for_it(self, api: Api, gateways: Gateways, sandbox: Sandbox):
        account = await opened(api, gateways, known=False)
        await turn(sandbox, f"accounts/{account}/onboard")
        await tell(api, "account.updated", account, account=account)
        await apply_events(api.wiring, gateways)
        row = (await kept(api))["evt_1"]
        assert (row["state"], row["attempts"]) == ("parked", 1)
        async with api.wiring.database.tx() as tx:
            await tx.execute(update(vendors).where(vendors.c.code == "acme").values(connected_account=account))
        await apply_events(api.wiring, gateways)
        assert await states(api) == {"evt_1": "parked"}, "it is not due yet"
        await let_pass(api)
        await apply_events(api.wiring, gateways)
        assert await states(api) == {"evt_1": "applied"}
        assert (await known_of(api)).state == "ready"

    async def test_a_webhook_leaves_us_time_to_record_what_we_did(self, api: Api, gateways: Gateways):
        account = await opened(api, gateways)
        async with api.wiring.database.tx() as tx:
            hint = msgspec.convert(
                {"id": "evt_1", "kind": "account.updated", "subject": account, "account": account, "at": 1}, store.ProviderEvent
            )
            await store.keep(tx, hint, gateway="stripe", endpoint="stripe", raw=b"{}", headers={})
        await apply_events(api.wiring, gateways)
        assert await states(api) == {"evt_1": "new"}

    async def test_what_nobody_knows_after_days_is_an_operator_s(self, api: Api, gateways: Gateways):
        account = await opened(api, gateways, known=False)
        await tell(api, "account.updated", account, account=account)
        await apply_events(api.wiring, gateways)
        await let_pass(api, days=3)
        await apply_events(api.wiring, gateways)
        assert await states(api) == {"evt_1": "unmatched"}
        letters = await _letters(api)
        assert [letter["headers"]["subject"] for letter in letters] == [account]
        assert letters[0]["payload"] == ""
        await let_pass(api, days=30)
        await apply_events(api.wiring, gateways)
        assert await states(api) == {"evt_1": "unmatched"}, "it is over"

    async def test_an_operator_applies_it_again_once_it_is_known(self, api: Api, gateways: Gateways, sandbox: Sandbox):
        account = await opened(api, gateways, known=False)
        await turn(sandbox, f"accounts/{account}/onboard")
        await tell(api, "account.updated", account, account=account)
        await let_pass(api, days=3)
        await apply_events(api.wiring, gateways)
        assert await states(api) == {"evt_1": "unmatched"}
        async with api.wiring.database.tx() as tx:
            await tx.execute(update(vendors).where(vendors.c.code == "acme").values(connected_account=account))
        answer = await api("olga", "POST", "/v1/admin/provider-events/evt_1/apply")
        assert (answer.status_code, answer.json()["state"]) == (200, "new")
        assert "olga" in answer.json()["detail"]
        await apply_events(api.wiring, gateways)
        assert await states(api) == {"evt_1": "applied"}

    async def test_an_event_of_a_month_ago_changes_nothing_that_happened_since(self, api: Api, gateways: Gateways, sandbox: Sandbox):
        account = await opened(api, gateways)
        await turn(sandbox, f"accounts/{account}/onboard")
        await tell(api, "account.updated", account, account=account)
        await apply_events(api.wiring, gateways)
        await turn(sandbox, f"accounts/{account}/capabilities", {"transfers": "inactive"})
        await tell(api, "account.updated", account, event_id="evt_2", account=account)
        await apply_events(api.wiring, gateways)
        await let_pass(api, days=31)
        assert (await api("olga", "POST", "/v1/admin/provider-events/evt_1/apply")).status_code == 200
        await apply_events(api.wiring, gateways)
        assert not (await known_of(api)).may_receive
        await tell(api, "account.updated", account, account=account)
        await apply_events(api.wiring, gateways)
        assert await states(api) == {"evt_1": "applied", "evt_2": "applied"}

    async def test_long_done_events_are_forgotten_and_open_ones_are_not(self, api: Api, gateways: Gateways):
        await tell(api, "brand.new.thing", "x_1")
        await apply_events(api.wiring, gateways)
        await tell(api, "account.updated", "acct_1", event_id="evt_2", account="acct_1")
        await let_pass(api, days=61)
        async with api.wiring.database.tx() as tx:
            assert await store.forget_old(tx) == 1
        assert await states(api) == {"evt_2": "new"}


class TestTrouble:
    @pytest.mark.parametrize("mode", ["drop_before", "500_before", "429", "garbage"])
    async def test_a_provider_that_is_away_costs_time(self, api: Api, gateways: Gateways, sandbox: Sandbox, mode: str):
        account = await opened(api, gateways)
        await turn(sandbox, f"accounts/{account}/onboard")
        await turn(sandbox, "faults", {"match": "GET /v1/accounts/*", "mode": mode, "times": 3})
        await tell(api, "account.updated", account, account=account)
        for _ in range(3):
            await apply_events(api.wiring, gateways)
            assert await states(api) == {"evt_1": "new"}
            await let_pass(api, days=4)
        await apply_events(api.wiring, gateways)
        assert await states(api) == {"evt_1": "applied"}, "an event is not given up because its provider was away"
        assert (await known_of(api)).state == "ready"

    async def test_one_event_s_trouble_is_not_the_others(self, api: Api, gateways: Gateways, sandbox: Sandbox):
        account = await opened(api, gateways)
        await turn(sandbox, f"accounts/{account}/onboard")
        await tell(api, "refund.updated", "re_1", event_id="evt_bad")
        await tell(api, "account.updated", account, event_id="evt_good", account=account)
        broken = {**NOTICES, "refund": Notice(_look_nowhere, NOTICES["refund"].take)}
        await apply_events(api.wiring, gateways, broken)
        assert await states(api) == {"evt_bad": "parked", "evt_good": "applied"}
        assert "secret" not in (await kept(api))["evt_bad"]["detail"]

    async def test_an_object_that_the_provider_has_not_is_looked_for_again(self, api: Api, gateways: Gateways):
        await tell(api, "refund.updated", "re_none")
        await apply_events(api.wiring, gateways)
        row = (await kept(api))["evt_1"]
        assert row["state"] == "parked"
        assert "resource_missing" in row["detail"]

    async def test_a_worker_killed_in_the_middle_leaves_nothing_half_done(self, api: Api, gateways: Gateways, sandbox: Sandbox):
        account = await opened(api, gateways)
        await turn(sandbox, f"accounts/{account}/onboard")
        await tell(api, "account.updated", account, account=account)
        with pytest.raises(asyncio.CancelledError):
            await apply_events(api.wiring, gateways, failing(asyncio.CancelledError))
        assert await states(api) == {"evt_1": "new"}
        assert (await known_of(api)).state == "onboarding"
        await apply_events(api.wiring, gateways)
        assert await states(api) == {"evt_1": "new"}, "its lease is another worker's"
        await let_pass(api)
        await apply_events(api.wiring, gateways)
        assert await states(api) == {"evt_1": "applied"}
        assert (await known_of(api)).state == "ready"

    async def test_a_worker_killed_after_claiming(self, api: Api, gateways: Gateways):
        account = await opened(api, gateways)
        await tell(api, "account.updated", account, account=account)
        async with api.wiring.database.tx() as tx:
            assert [event.id for event in await store.claim(tx, 10)] == ["evt_1"]
        async with api.wiring.database.tx() as tx:
            assert await store.claim(tx, 10) == []
        await let_pass(api)
        await apply_events(api.wiring, gateways)
        assert await states(api) == {"evt_1": "applied"}

    async def test_many_workers_apply_each_event_once(self, api: Api, gateways: Gateways):
        account = await opened(api, gateways)
        looks: list[str] = []

        async def look(gateway: PaymentGateway, hint: Hint) -> Any:
            looks.append(hint.subject)
            return await accounts_of_vendors.look(gateway, hint.subject)

        counted = {**NOTICES, "account": Notice(look, NOTICES["account"].take)}
        for number in range(120):
            await tell(api, "account.updated", account, event_id=f"evt_{number}", account=account)
        await asyncio.gather(*(apply_events(api.wiring, gateways, counted) for _ in range(4)))
        assert set((await states(api)).values()) == {"applied"}
        assert {row["attempts"] for row in (await kept(api)).values()} == {1}
        assert len(looks) <= 8, "one look does for all events of one object"

    async def test_a_provider_that_is_not_set_up_here(self, api: Api):
        await tell(api, "refund.updated", "re_1")
        await apply_events(api.wiring, {})
        assert await states(api) == {"evt_1": "parked"}


class TestKinds:
    @pytest.mark.parametrize(
        ("kind", "subject", "account", "topic"),
        [
            ("payment_intent.succeeded", "pi_1", None, "payment"),
            ("payment_intent.created", "pi_1", None, None),
            ("refund.failed", "re_1", None, "refund"),
            ("charge.refund.updated", "re_1", None, "refund"),
            ("charge.refunded", "ch_1", None, None),
            ("charge.dispute.funds_withdrawn", "dp_1", None, "dispute"),
            ("payout.failed", "po_1", "acct_1", "payout"),
            ("payout.paid", "po_1", None, None),
            ("account.external_account.updated", "ba_1", "acct_1", "bank"),
            ("account.updated", "acct_ours", None, None),
            ("balance.available", "", None, None),
            ("transfer.created", "tr_1", None, None),
        ],
    )
    def test_what_a_kind_is_a_hint_of(self, kind: str, subject: str, account: str | None, topic: str | None):
        hint = hint_of("stripe", kind, subject, account)
        assert (hint.topic if hint else None) == topic
        if topic == "account":
            assert hint is not None
            assert hint.subject == "acct_1"

    async def test_what_is_nothing_to_us_is_ignored(self, api: Api, gateways: Gateways):
        await tell(api, "brand.new.thing", "x_1")
        await tell(api, "payment_intent.created", "pi_1", event_id="evt_2")
        await apply_events(api.wiring, gateways)
        assert await states(api) == {"evt_1": "ignored", "evt_2": "ignored"}


async def _look_nowhere(_: PaymentGateway, __: Hint) -> Any:
    raise ValueError("pi_1_secret_abc")


def _share(order_id: str, vendor: str = "acme") -> NewTransfer:
    return NewTransfer(kind=SHARE, vendor=vendor, gateway="stripe", currency="EUR", order_id=order_id, sub_order_id=f"sub_{order_id}")


async def _letters(api: Api) -> list[dict[str, Any]]:
    async with api.wiring.database.reading() as tx:
        return [dict(row) for row in await tx.mappings(select(dead_letters).where(dead_letters.c.source == "provider"))]
