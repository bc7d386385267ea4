"""Vendors keep their endpoints and look at their deliveries; nobody sees another's, and secrets are shown once."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from hub.notifications.forget import forget
from tests.hub_api import Api
from tests.notifications.desk import LIMITS, Desk, now, slug, types

PATH = "/v1/vendor/webhook-endpoints"


async def test_an_endpoint_is_made_seen_changed_and_removed(desk: Desk) -> None:
    made = await desk.endpoint(types=["order.placed"], description="ours", schemes=["v1", "v1a"])
    endpoint = made["endpoint"]
    assert [each["scheme"] for each in made["secrets"]] == ["v1", "v1a"]
    one = f"{PATH}/{endpoint['id']}"
    seen = await desk.api("acme", "GET", one)
    assert seen.json() == endpoint
    assert seen.headers["etag"] == 'W/"0"'
    assert all(each["secret"] not in seen.text for each in made["secrets"] if each["scheme"] == "v1")
    changed = await desk.api("acme", "PATCH", one, {"types": [], "payload": "thin"}, {"If-Match": 'W/"0"'})
    assert (changed.json()["types"], changed.json()["payload"], changed.json()["description"]) == ([], "thin", "ours")
    assert (await desk.api("acme", "PATCH", one, {"types": []}, {"If-Match": 'W/"0"'})).status_code == 412
    assert (await desk.api("acme", "DELETE", one, headers={"If-Match": 'W/"0"'})).status_code == 412
    assert (await desk.api("acme", "DELETE", one)).json()["state"] == "removed"
    assert (await desk.api("acme", "GET", one)).status_code == 404
    assert (await desk.api("acme", "GET", PATH)).json()["data"] == []


async def test_a_secret_is_shown_once_even_if_the_same_is_asked_again(desk: Desk) -> None:
    key = {"Idempotency-Key": "one"}
    first = await desk.api("acme", "POST", PATH, {"url": desk.receiver.url()}, key)
    again = await desk.api("acme", "POST", PATH, {"url": desk.receiver.url()}, key)
    assert first.json()["secrets"][0]["secret"].startswith("whsec_")
    assert again.json()["endpoint"] == first.json()["endpoint"]
    assert again.json()["secrets"] == [{"scheme": "v1", "secret": None}]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "gopher://x.example.com/"}, "/url"),
        ({"url": "https://user@x.example.com/"}, "/url"),
        ({"url": ""}, "/url"),
        ({"url": "https://x.example.com/" + "a" * 3000}, "/url"),
        ({"url": "https://x.example.com/", "types": ["order.eaten"]}, "/types/0"),
        ({"url": "https://x.example.com/", "schemes": ["v1", "v1"]}, "/schemes"),
        ({"url": "https://x.example.com/", "schemes": []}, "/schemes"),
        ({"url": "https://x.example.com/", "payload": "fat"}, "/payload"),
        ({"url": "https://x.example.com/", "secret": "whsec_mine"}, "/secret"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_its_field(desk: Desk, body: dict[str, Any], field: str) -> None:
    answer = await desk.api("acme", "POST", PATH, body)
    assert answer.status_code in {400, 422}, answer.text
    assert answer.json()["field"] == field, answer.text


async def test_a_vendor_has_so_many_and_no_more(desk: Desk) -> None:
    for _ in range(10):
        await desk.endpoint()
    answer = await desk.api("acme", "POST", PATH, {"url": desk.receiver.url()})
    assert (answer.status_code, slug(answer)) == (409, "too_many_endpoints")
    await desk.endpoint(vendor="bolt")


async def test_keys_are_rotated_with_an_overlap_or_at_once(desk: Desk) -> None:
    made = await desk.endpoint(schemes=["v1", "v1a"])
    path = f"{PATH}/{made['endpoint']['id']}/keys"
    first = (await desk.api("acme", "POST", path, {})).json()
    assert [each["scheme"] for each in first["endpoint"]["keys"]].count("v1") == 2
    assert (await desk.api("acme", "POST", path, {"scheme": "v1a"})).json()["secrets"][0]["secret"].startswith("whpk_")
    assert slug(await desk.api("acme", "POST", path, {})) == "too_many_keys"
    last = (await desk.api("acme", "POST", path, {"overlap_seconds": 0})).json()
    assert [each["scheme"] for each in last["endpoint"]["keys"]].count("v1") == 1
    await forget(desk.api.wiring.database, LIMITS)
    assert await desk.scalar("SELECT count(*) FROM webhook_keys") == 3


async def test_what_happened_while_it_was_disabled_can_be_replayed_since_a_moment(desk: Desk) -> None:
    made = await desk.endpoint()
    one = f"{PATH}/{made['endpoint']['id']}"
    assert (await desk.api("acme", "PATCH", one, {"state": "disabled"})).json()["reason"] == "by_vendor"
    since = (now() - timedelta(minutes=1)).isoformat()
    assert slug(await desk.api("acme", "POST", f"{one}/replays", {"since": since})) == "endpoint_disabled"
    await desk.happen("suspend", "activate")
    await desk.deliver()
    assert {(each["state"], each["reason"]) for each in await desk.deliveries()} == {("failed", "endpoint_disabled")}
    await desk.api("acme", "PATCH", one, {"state": "enabled"})
    job = (await desk.api("acme", "POST", f"{one}/replays", {"since": since})).json()
    assert slug(await desk.api("acme", "POST", f"{one}/replays", {"since": since})) == "replay_open"
    await desk.deliver()
    assert [message.json["data"]["change"] for message in desk.receiver.came] == ["suspend", "activate"]
    done = (await desk.api("acme", "GET", f"{one}/replays/{job['id']}")).json()
    assert (done["replayed"], done["done_at"] is not None) == (2, True)
    again = (await desk.api("acme", "POST", f"{one}/replays", {"since": since})).json()
    await desk.deliver()
    assert (await desk.api("acme", "GET", f"{one}/replays/{again['id']}")).json()["replayed"] == 0, "what was delivered is not failed"


async def test_an_endpoint_that_is_born_disabled_is_sent_nothing_and_nothing_is_lost(desk: Desk) -> None:
    other = await desk.endpoint("/other")
    made = await desk.endpoint("/pulled", state="disabled")
    assert (made["endpoint"]["state"], made["endpoint"]["reason"]) == ("disabled", "by_vendor")
    one = f"{PATH}/{made['endpoint']['id']}"
    tested = (await desk.api("acme", "POST", f"{one}/test", {"type": "order.shipped"})).json()
    assert (tested["type"], tested["state"], tested["reason"]) == ("order.shipped", "failed", "endpoint_disabled")
    await desk.happen("suspend")
    await desk.deliver()
    assert desk.receiver.at("/pulled") == []
    assert types(desk.receiver.at("/other")) == ["vendor.updated"], "what the vendor does itself it is not told"
    kept = await desk.deliveries(endpoint=made["endpoint"]["id"])
    assert [(each["type"], each["state"]) for each in kept] == [("order.shipped", "failed"), ("vendor.updated", "failed")]
    body = (await desk.api("acme", "GET", f"/v1/vendor/webhook-deliveries/{tested['id']}")).json()["body"]
    assert msgspec.json.decode(body)["data"]["test"] is True
    wrong = await desk.api("acme", "POST", f"{PATH}/{other['endpoint']['id']}/test", {"type": "order.eaten"})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "/type")


async def test_one_delivery_is_replayed_under_its_id(desk: Desk) -> None:
    made = await desk.endpoint()
    tested = (await desk.api("acme", "POST", f"{PATH}/{made['endpoint']['id']}/test")).json()
    await desk.deliver()
    answer = await desk.api("acme", "POST", f"/v1/vendor/webhook-deliveries/{tested['id']}/replay")
    assert answer.json()["state"] == "pending"
    await desk.deliver()
    assert [message.headers["webhook-id"] for message in desk.receiver.came] == [tested["event_id"]] * 2
    assert (await desk.deliveries())[0]["attempts"] == 2


async def test_another_vendors_are_not_there(desk: Desk) -> None:
    made = await desk.endpoint()
    test = (await desk.api("acme", "POST", f"{PATH}/{made['endpoint']['id']}/test")).json()
    one, delivery = f"{PATH}/{made['endpoint']['id']}", f"/v1/vendor/webhook-deliveries/{test['id']}"
    replayed = (await desk.api("acme", "POST", f"{one}/replays", {"since": now().isoformat()})).json()["id"]
    tries: list[tuple[str, str, Any]] = [
        ("GET", one, None), ("PATCH", one, {"url": "https://evil.example.com/"}), ("DELETE", one, None), ("POST", f"{one}/keys", {}),
        ("POST", f"{one}/test", None), ("POST", f"{one}/replays", {"since": now().isoformat()}), ("GET", f"{one}/replays/{replayed}", None),
        ("GET", delivery, None), ("POST", f"{delivery}/replay", None),
    ]  # fmt: skip
    for method, path, body in tries:
        assert (await desk.api("bolt", method, path, body)).status_code == 404, (method, path)
    assert await desk.deliveries("bolt") == []
    assert await desk.deliveries("bolt", endpoint=made["endpoint"]["id"]) == []
    assert (await desk.look(made)) == made["endpoint"]


async def test_deliveries_are_listed_by_endpoint_state_and_type_in_pages(desk: Desk) -> None:
    made, other = await desk.endpoint(), await desk.endpoint("/other", types=["order.placed"])
    for each in (made, made, other):
        await desk.api("acme", "POST", f"{PATH}/{each['endpoint']['id']}/test")
    await desk.happen("terms")
    await desk.deliver()
    assert len(await desk.deliveries(endpoint=made["endpoint"]["id"])) == 3
    assert len(await desk.deliveries(type="vendor.updated")) == 1
    assert len(await desk.deliveries(state="delivered")) == 4
    page = (await desk.api("acme", "GET", "/v1/vendor/webhook-deliveries?limit=3")).json()
    rest = (await desk.api("acme", "GET", f"/v1/vendor/webhook-deliveries?limit=3&cursor={page['next_cursor']}")).json()
    assert (len(page["data"]), len(rest["data"]), rest["next_cursor"]) == (3, 1, None)


async def test_operators_look_and_see_no_secret(desk: Desk) -> None:
    made = await desk.endpoint()
    await desk.endpoint(vendor="bolt")
    tested = (await desk.api("acme", "POST", f"{PATH}/{made['endpoint']['id']}/test")).json()
    all_ = await desk.api("olga", "GET", "/v1/admin/webhook-endpoints")
    assert {each["vendor"] for each in all_.json()["data"]} == {"acme", "bolt"}
    assert "whsec_" not in all_.text
    assert len((await desk.api("olga", "GET", "/v1/admin/webhook-deliveries?vendor=acme")).json()["data"]) == 1
    assert (await desk.api("olga", "GET", "/v1/admin/webhook-deliveries?vendor=bolt")).json()["data"] == []
    assert (await desk.api("olga", "GET", f"/v1/admin/webhook-deliveries/{tested['id']}")).json()["delivery"]["vendor"] == "acme"
    for who in ("ada", "acme", ""):
        assert (await desk.api(who, "GET", "/v1/admin/webhook-endpoints")).status_code in {401, 403}
    assert (await desk.api("ada", "GET", PATH)).status_code == 403


async def test_metrics_say_what_is_pending_and_who_is_failing(desk: Desk) -> None:
    await desk.endpoint()
    await desk.endpoint(vendor="bolt")
    desk.receiver.status = 500
    await desk.happen("terms")
    await desk.deliver(1)
    await desk.happen("terms")
    lines = (await desk.api("olga", "GET", "/metrics")).text.splitlines()
    assert 'wheelwright_webhooks_pending{standing="later"} 1' in lines
    assert 'wheelwright_webhook_endpoints{standing="failing"} 1' in lines
    assert 'wheelwright_webhook_endpoints{standing="enabled"} 1' in lines
    assert "wheelwright_webhooks_behind{} 1" in lines


async def test_what_is_old_is_forgotten_and_what_is_pending_is_not(desk: Desk) -> None:
    made = await desk.endpoint()
    await desk.happen("terms")
    await desk.deliver()
    desk.receiver.status = 500
    await desk.api("acme", "POST", f"{PATH}/{made['endpoint']['id']}/test")
    await desk.deliver(1)
    await forget(desk.api.wiring.database, LIMITS)
    assert len(await desk.deliveries()) == 2
    for table in ("events", "deliveries"):
        await desk.sql(f"UPDATE webhook_{table} SET created_at = created_at - interval '31 days'")
    await forget(desk.api.wiring.database, LIMITS)
    assert [each["state"] for each in await desk.deliveries()] == ["pending"]
    assert await desk.scalar("SELECT count(*) FROM webhook_events") == 1


async def test_outside_development_a_private_address_is_refused_at_once(database_url: str, api: Api) -> None:
    from hub.app import create_app
    from hub.settings import load_settings
    from hub.wiring import wire
    from tests.hub_api import serving, settings_for

    wiring = wire(load_settings(environ=settings_for(database_url)), "test")
    async with serving(create_app(wiring)) as http:
        for url in ("https://127.0.0.1/", "http://shop.example.com/", "https://shop.example.com:6379/", "https://169.254.169.254/"):
            answer = await http.post(PATH, json={"url": url}, headers={"Authorization": f"Bearer {api.keys['acme']}"})
            assert (answer.status_code, slug(answer), answer.json()["field"]) == (422, "url_refused", "/url")
    await wiring.close()
