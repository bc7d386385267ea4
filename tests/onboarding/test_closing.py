"""A vendor that closes: nothing new, nothing lost, nobody hurried; called off as long as it is not over."""

from sqlalchemy import text

from hub.onboarding.close import close_vendors, end
from hub.payouts import store as payouts
from hub.runtime.nkeys import new_seed, public_of
from tests.hub_api import ADDRESS, Api
from tests.onboarding.conftest import approved, invited, joined
from tests.problem import problem


async def closing(api: Api, code: str) -> None:
    answer = await api("olga", "POST", f"/v1/admin/vendors/{code}/close", {"reason": "sells no more"})
    assert answer.json()["state"] == "closing", answer.text


async def test_an_open_order_keeps_it_open_and_says_so(api: Api):
    await approved(api, "yew")
    offer = await api.offer("bowl", vendor="yew")
    cart = await api.cart("ada", lines={offer: 1})
    quote = (await api("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})).json()
    placed = await api("ada", "POST", "/v1/orders", {"quote_id": quote["id"], "payment_method": "pm_card_visa"})
    assert placed.status_code == 201, placed.text
    late = (await api("ada", "POST", f"/v1/carts/{await api.cart('ada', lines={offer: 1})}/quotes", {"address": ADDRESS})).json()
    await closing(api, "yew")
    refused = await api("ada", "POST", "/v1/orders", {"quote_id": late["id"], "payment_method": "pm_card_visa"})
    problem(refused, 409, "offer_unavailable")
    assert await close_vendors(api.wiring.database, {}) == 0
    left = (await api("olga", "GET", "/v1/admin/vendors/yew/closing")).json()
    assert (left["state"], left["open"]["orders"]) == ("closing", 1)
    assert (await api("yew", "GET", "/v1/vendor/orders")).json()["data"][0]["state"] == "reserved"
    called_off = await api("olga", "POST", "/v1/admin/vendors/yew/suspend", {"reason": "stays after all"})
    assert called_off.json()["state"] == "suspended"
    assert (await api("olga", "POST", "/v1/admin/vendors/yew/activate", {"reason": "stays"})).json()["state"] == "active"


async def test_what_it_owes_keeps_it_open(api: Api):
    await approved(api, "oak")
    fine = {"kind": "fine", "amount": {"amount": 500, "currency": "EUR"}, "reason": "late"}
    answer = await api("olga", "POST", "/v1/admin/vendors/oak/adjustments", fine)
    assert answer.status_code == 201, answer.text
    await closing(api, "oak")
    await close_vendors(api.wiring.database, {})
    left = (await api("olga", "GET", "/v1/admin/vendors/oak/closing")).json()
    assert (left["state"], left["open"], left["with_us"]) == ("closing", {}, [{"amount": -500, "currency": "EUR"}])
    for key in (await api("oak", "GET", "/v1/vendor/keys")).json()["data"]:
        assert key["expires_at"] is None


async def test_with_nothing_left_it_is_closed_once_and_its_keys_end_with_it(api: Api):
    await joined(api, "ivy", capabilities=["stock"])
    await api("ivy", "POST", "/v1/vendor/nkeys", {"nkey_public": public_of(new_seed())})
    await closing(api, "ivy")
    assert await close_vendors(api.wiring.database, {}) == 1
    assert await close_vendors(api.wiring.database, {}) == 0
    async with api.wiring.database.tx() as tx:
        assert not await end(tx, "ivy")
        assert await tx.scalar(text("SELECT count(*) FROM api_keys WHERE subject = 'ivy' AND revoked_at IS NULL")) == 0
        assert await tx.scalar(text("SELECT count(*) FROM vendor_nkeys WHERE vendor = 'ivy' AND revoked_at IS NULL")) == 0
    for who, path, body in (("olga", "keys", {}), ("olga", "suspend", {"reason": "x"}), ("olga", "onboarding/approve", {"reason": "x"})):
        assert (await api(who, "POST", f"/v1/admin/vendors/ivy/{path}", body)).status_code == 409


async def test_one_that_nobody_ever_approved_cannot_be_called_back_into_selling(api: Api):
    await joined(api, "sedge")
    await closing(api, "sedge")
    problem(await api("olga", "POST", "/v1/admin/vendors/sedge/suspend", {"reason": "stays"}), 409, "never_active")


async def test_what_is_on_its_way_back_to_it_keeps_it_open(api: Api):
    await approved(api, "rowan")
    offer = await api.offer("bowl", vendor="rowan")
    cart = await api.cart("ada", lines={offer: 1})
    quote = (await api("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})).json()
    order = (await api("ada", "POST", "/v1/orders", {"quote_id": quote["id"], "payment_method": "pm_card_visa"})).json()
    names = {"ord": order["id"], "sub": order["sub_orders"][0]["id"]}
    async with api.wiring.database.tx() as tx:
        sent = "INSERT INTO returns (id, order_id, sub_order_id, vendor, state, pays_shipping)"
        await tx.execute(text(f"{sent} VALUES ('ret_rowan', :ord, :sub, 'rowan', 'in_transit', 'buyer')"), names)
    await closing(api, "rowan")
    assert (await api("olga", "GET", "/v1/admin/vendors/rowan/closing")).json()["open"]["returns"] == 1


async def test_a_payout_that_failed_is_not_asked_for_again_at_once(api: Api):
    await approved(api, "birch")
    facts = "connected_account = 'acct_birch', account_receives = true, account_pays_out = true"
    failed = "INSERT INTO payouts (id, vendor, gateway, account, state, amount, currency, step_id, requested_by, reason, failed_at)"
    async with api.wiring.database.tx() as tx:
        await tx.execute(text(f"UPDATE vendors SET {facts} WHERE code = 'birch'"))
        row = "('po_birch', 'birch', 'stripe', 'acct_birch', 'failed', 100, 'EUR', 'cmd_birch', 'birch', 'account_not_ready', now())"
        await tx.execute(text(f"{failed} VALUES {row}"))
    await closing(api, "birch")
    waits = (await api("olga", "GET", "/v1/admin/vendors/birch/closing")).json()["at_provider"]
    assert waits == ["EUR: the last payout failed: account_not_ready"]
    async with api.wiring.database.tx() as tx:
        assert await payouts.held_up(tx, "birch") == {"EUR": "account_not_ready"}
        await tx.execute(text("UPDATE payouts SET failed_at = now() - interval '2 hours' WHERE id = 'po_birch'"))
        assert await payouts.held_up(tx, "birch") == {}
    await close_vendors(api.wiring.database, {})  # without a provider nobody can say what is in its account
    assert (await api("olga", "GET", "/v1/admin/vendors/birch")).json()["state"] == "closing"


async def test_an_invitation_that_is_taken_back_ends_the_vendor(api: Api):
    made = await invited(api, "moss")
    path = f"/v1/admin/vendor-invitations/{made['invitation']['id']}/revoke"
    assert (await api("olga", "POST", path, {"reason": "a mistake"})).json()["revoked_at"]
    assert await close_vendors(api.wiring.database, {}) >= 1
    assert (await api("olga", "GET", "/v1/admin/vendors/moss")).json()["state"] == "closed"
