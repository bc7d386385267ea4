"""Each event once and in order to each endpoint that wants it, again when it fails, and no endpoint to another's cost."""

import asyncio
import time

import pytest
from standardwebhooks.webhooks import Webhook

from hub.notifications import claim
from hub.notifications.deliver import Courier
from hub.notifications.rules import Answer, Limits, judge
from tests.notifications.desk import LIMITS, Desk, Message, types
from tests.notifications.test_signing import verify_v1a


async def test_what_happens_is_told_signed_and_verifies(desk: Desk) -> None:
    made = await desk.endpoint(schemes=["v1", "v1a"])
    await desk.happen("terms")
    await desk.deliver()
    (message,) = desk.receiver.came
    secrets = {each["scheme"]: each["secret"] for each in made["secrets"]}
    body = Webhook(secrets["v1"]).verify(message.body, message.headers)
    assert verify_v1a(secrets["v1a"], message.headers, message.body)
    assert (body["type"], body["data"]["id"], body["data"]["change"]) == ("vendor.updated", "acme", "terms")
    assert set(body) == {"type", "timestamp", "data"}
    (delivery,) = await desk.deliveries()
    assert (delivery["state"], delivery["attempts"], delivery["event_id"]) == ("delivered", 1, message.headers["webhook-id"])


async def test_nothing_of_another_vendor_and_nothing_from_before(desk: Desk) -> None:
    await desk.happen("terms")
    await desk.endpoint("/acme")
    await desk.endpoint("/bolt", vendor="bolt")
    await desk.happen("suspend", vendor="bolt")
    await desk.deliver()
    assert [(message.path, message.json["data"]["change"]) for message in desk.receiver.came] == [("/bolt", "suspend")]


async def test_an_endpoint_hears_of_the_types_that_it_named(desk: Desk) -> None:
    await desk.endpoint("/orders", types=["order.placed", "order.shipped"])
    await desk.endpoint("/vendor", types=["vendor.updated"])
    await desk.happen("terms")
    await desk.deliver()
    assert [message.path for message in desk.receiver.came] == ["/vendor"]


async def test_during_a_rotation_old_and_new_secret_verify_and_afterwards_the_new_one_alone(desk: Desk) -> None:
    made = await desk.endpoint()
    path = f"/v1/vendor/webhook-endpoints/{made['endpoint']['id']}/keys"
    new = (await desk.api("acme", "POST", path, {"overlap_seconds": 600})).json()
    await desk.happen("terms")
    await desk.deliver()
    secrets = [made["secrets"][0]["secret"], new["secrets"][0]["secret"]]
    for secret in secrets:
        Webhook(secret).verify(desk.receiver.came[0].body, desk.receiver.came[0].headers)
    await desk.sql("UPDATE webhook_keys SET expires_at = now() WHERE expires_at IS NOT NULL")
    await desk.happen("terms")
    await desk.deliver()
    assert desk.receiver.came[1].headers["webhook-signature"].count("v1,") == 1
    Webhook(secrets[1]).verify(desk.receiver.came[1].body, desk.receiver.came[1].headers)


async def test_what_fails_is_tried_ten_times_under_one_id_and_then_given_up(desk: Desk) -> None:
    await desk.endpoint()
    desk.receiver.status = 500
    await desk.happen("terms")
    await desk.follow()
    for attempt in range(1, 11):
        await desk.courier.once()
        await desk.courier.idle()
        assert len(desk.receiver.came) == attempt
        await desk.later()
    await desk.deliver(3)
    assert len({message.headers["webhook-id"] for message in desk.receiver.came}) == 1
    assert len({message.body for message in desk.receiver.came}) == 1
    (delivery,) = await desk.deliveries()
    assert (delivery["state"], delivery["reason"], delivery["attempts"]) == ("failed", "exhausted", 10)
    shown = (await desk.api("acme", "GET", f"/v1/vendor/webhook-deliveries/{delivery['id']}")).json()
    assert [(each["number"], each["status"], each["response"]) for each in shown["attempts"]] == [(n, 500, "ok") for n in range(1, 11)]
    assert shown["body"] == desk.receiver.came[0].body.decode()


async def test_the_pause_is_that_of_the_schedule(desk: Desk) -> None:
    await desk.endpoint()
    desk.receiver.status = 500
    await desk.happen("terms")
    await desk.deliver(3)
    assert len(desk.receiver.came) == 1
    assert 3 < await desk.scalar("SELECT extract(epoch FROM due_at - now()) FROM webhook_deliveries") < 5.6
    await desk.later(6)
    await desk.deliver(3)
    assert len(desk.receiver.came) == 2
    assert 260 < await desk.scalar("SELECT extract(epoch FROM due_at - now()) FROM webhook_deliveries") < 331


async def test_what_is_of_one_key_waits_for_the_one_before_and_others_go_on(desk: Desk) -> None:
    await desk.endpoint()
    failing = True
    desk.receiver.replies["/hook"] = lambda message: (500 if failing and message.json["data"]["id"] == "acme" else 200, {})
    await desk.happen("suspend", "activate", "terms")
    (first,) = (await desk.api("acme", "GET", "/v1/vendor/webhook-endpoints")).json()["data"]
    await desk.api("acme", "POST", f"/v1/vendor/webhook-endpoints/{first['id']}/test")
    await desk.deliver()
    assert types(desk.receiver.came) == ["vendor.updated", "test"] or types(desk.receiver.came) == ["test", "vendor.updated"]
    failing = False
    await desk.later(10)
    await desk.deliver()
    told = [message.json["data"]["change"] for message in desk.receiver.came if message.type == "vendor.updated"]
    assert told == ["suspend", "suspend", "activate", "terms"]


@pytest.mark.parametrize(
    ("status", "said", "seconds"), [(429, {"retry-after": "120"}, 120), (503, {"retry-after": "90"}, 90), (502, {}, 60)]
)
async def test_an_overloaded_endpoint_is_left_alone(desk: Desk, status: int, said: dict[str, str], seconds: float) -> None:
    made = await desk.endpoint()
    desk.receiver.replies["/hook"] = lambda _: (status, said)
    await desk.happen("terms")
    await desk.deliver(1)
    await desk.happen("terms", vendor="acme")
    await desk.api("acme", "POST", f"/v1/vendor/webhook-endpoints/{made['endpoint']['id']}/test")
    await desk.deliver()
    assert len(desk.receiver.came) == 1
    left = await desk.scalar("SELECT extract(epoch FROM quiet_until - now()) FROM webhook_endpoints")
    assert seconds - 5 < left <= seconds


async def test_gone_disables_at_once_and_tells_the_other_endpoints(desk: Desk) -> None:
    gone, other = await desk.endpoint("/gone"), await desk.endpoint("/other", types=["webhook_endpoint.disabled"])
    desk.receiver.replies["/gone"] = lambda _: (410, {})
    await desk.happen("terms", "terms")
    await desk.deliver()
    seen = await desk.look(gone)
    assert (seen["state"], seen["reason"]) == ("disabled", "gone")
    assert len(desk.receiver.at("/gone")) == 1
    failed = await desk.deliveries(endpoint=gone["endpoint"]["id"])
    assert sorted((each["state"], each["reason"]) for each in failed) == [("failed", "endpoint_disabled"), ("failed", "gone")]
    await desk.deliver()
    (notice,) = desk.receiver.at("/other")
    assert notice.json["data"] == {
        "id": gone["endpoint"]["id"], "state": "disabled", "reason": "gone", "url": gone["endpoint"]["url"],
    }  # fmt: skip
    assert (await desk.look(other))["state"] == "enabled"


async def test_days_of_failure_disable_and_one_success_begins_anew(desk: Desk) -> None:
    made = await desk.endpoint()
    desk.receiver.status = 500
    await desk.happen("terms")
    await desk.deliver(1)
    await desk.sql("UPDATE webhook_endpoints SET failing_since = now() - interval '4 days'")
    await desk.later(10)
    await desk.deliver(1)
    assert (await desk.look(made))["state"] == "enabled"
    desk.receiver.status = 200
    await desk.later(1000)
    await desk.deliver(1)
    assert (await desk.look(made))["failing_since"] is None
    desk.receiver.status = 500
    await desk.happen("terms")
    await desk.deliver(1)
    await desk.sql("UPDATE webhook_endpoints SET failing_since = now() - interval '5 days'")
    await desk.later(10)
    await desk.deliver(1)
    seen = await desk.look(made)
    assert (seen["state"], seen["reason"]) == ("disabled", "failing")


async def test_a_slow_endpoint_delays_nobody_and_gets_no_more_than_its_share(desk: Desk) -> None:
    slow = await desk.endpoint("/slow")
    await desk.endpoint("/quick", vendor="bolt")
    desk.receiver.stuck.add("/slow")
    for _ in range(10):
        await desk.api("acme", "POST", f"/v1/vendor/webhook-endpoints/{slow['endpoint']['id']}/test")
    await desk.happen("terms", vendor="bolt")
    await desk.follow()
    began = time.monotonic()
    await desk.courier.once()
    await desk.courier.once()
    await desk.receiver.told("/quick")
    assert time.monotonic() - began < 0.8
    assert len(desk.receiver.at("/slow")) <= 4
    await desk.courier.idle()
    assert len(desk.receiver.at("/slow")) == 4
    assert {each["state"] for each in await desk.deliveries()} == {"pending"}


async def test_many_at_once_and_each_endpoint_within_its_bound(desk: Desk) -> None:
    made = await desk.endpoint()
    for _ in range(12):
        await desk.api("acme", "POST", f"/v1/vendor/webhook-endpoints/{made['endpoint']['id']}/test")
    await desk.deliver()
    assert len(desk.receiver.came) == 12
    assert len({message.headers["webhook-id"] for message in desk.receiver.came}) == 12
    assert desk.receiver.most <= 4


async def test_several_workers_send_each_once(desk: Desk) -> None:
    made = await desk.endpoint()
    for _ in range(12):
        await desk.api("acme", "POST", f"/v1/vendor/webhook-endpoints/{made['endpoint']['id']}/test")
    await desk.happen(*["terms"] * 5)
    await desk.follow()
    others = [Courier(desk.api.wiring.database, LIMITS) for _ in range(3)]
    for _ in range(20):
        await asyncio.gather(*(courier.once() for courier in (desk.courier, *others)))
        await asyncio.gather(*(courier.idle() for courier in (desk.courier, *others)))
    for courier in others:
        await courier.stop(0)
    assert len(desk.receiver.came) == len({message.headers["webhook-id"] for message in desk.receiver.came}) == 17


async def test_what_a_killed_worker_was_sending_is_sent_again_under_the_same_id(desk: Desk) -> None:
    await desk.endpoint()
    await desk.happen("terms")
    await desk.follow()
    dying = Courier(desk.api.wiring.database, Limits(allow_private=True, timeout_seconds=30))
    desk.receiver.stuck.add("/hook")
    await dying.once()
    await desk.receiver.told("/hook")
    await dying.stop(0)
    desk.receiver.stuck.clear()
    await desk.deliver(2)
    assert len(desk.receiver.came) == 1, "not before its lease has ended"
    await desk.later(80)
    await desk.deliver(2)
    assert [message.headers["webhook-id"] for message in desk.receiver.came] == [desk.receiver.came[0].headers["webhook-id"]] * 2
    assert [each["state"] for each in await desk.deliveries()] == ["delivered"]


async def test_a_result_that_comes_after_the_lease_is_noted_and_changes_nothing(desk: Desk) -> None:
    await desk.endpoint()
    await desk.happen("terms")
    await desk.follow()
    database = desk.api.wiring.database
    async with database.tx() as tx:
        (late,) = await claim.claim(tx, most=10, per_endpoint=4, seconds=1)
    await desk.later(80)
    await desk.deliver(1)
    async with database.tx() as tx:
        answer = Answer(status=500, seconds=70)
        assert not await claim.settle(tx, late, answer, judge(answer, late.step, 0.5))
    (delivery,) = await desk.deliveries()
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 2)


async def test_a_payload_is_thin_if_that_is_wanted(desk: Desk) -> None:
    await desk.endpoint(payload="thin")
    await desk.happen("terms")
    await desk.deliver()
    message: Message = desk.receiver.came[0]
    assert "object" not in message.json["data"]
