"""Returns of a vendor whose spoke is asked: what it is told, what it says, and what becomes of what it cannot do."""

import msgspec
import pytest
import pytest_asyncio

from hub.checkout.hear import Heard, hear_in
from hub.kernel.errors import Conflict
from hub.returns.model import Return
from hub.returns.states import ReturnState
from hub.triage.settle import Settler
from tests.returns.desk import Desk
from tests.returns.test_races import late
from vendor_sdk import messages
from vendor_sdk.messages import Authorized, Dead, Inspected, Message, Received, Refused

R = ReturnState


@pytest_asyncio.fixture(scope="module")
async def spoke(desk: Desk) -> Desk:
    """A third vendor, whose spoke does returns and stock, and nothing else."""
    await desk.shop.vendor("cedar", capabilities=["returns"], nkey_public="U" + "A" * 55)
    await desk.shop.accounts()
    return desk


async def asked(spoke: Desk) -> Return:
    """A return that its vendor's spoke was sent once."""
    it = await spoke.ask(await spoke.bought(("cedar", "mug", 1000, 2)), "mug", 2)
    await spoke.shop.sql("UPDATE vendors SET capabilities = '{returns,stock}' WHERE code = 'cedar'")
    await spoke.shop.sql(f"UPDATE steps SET attempt = 1 WHERE id = '{it.authorize_id}'")
    return it


@pytest_asyncio.fixture(autouse=True)
async def by_hand_until_it_is_delivered(spoke: Desk) -> None:
    await spoke.shop.sql("UPDATE vendors SET capabilities = '{returns}' WHERE code = 'cedar'")


async def told(desk: Desk, command_id: str | None, kind: str, body: Message) -> None:
    """The spoke says something about a command."""
    headers = {messages.COMMAND_ID: command_id or "", messages.EVENT_ID: f"{command_id}.{kind}"}
    heard = Heard(vendor="cedar", subject=f"evt.cedar.{kind}", headers=headers, body=messages.encode(body))
    await desk.shop.act(lambda tx: hear_in(tx, desk.shop.wiring.timing, heard))
    await desk.shop.run()


async def sent(desk: Desk, it: Return, kind: str) -> list[dict[str, object]]:
    """What the spoke was told of that kind."""
    rows = await desk.shop.rows("SELECT payload FROM steps WHERE saga_id = :order AND kind = :kind", order=it.order_id, kind=kind)
    return [row.payload for row in rows]


async def test_it_agrees_receives_and_is_told_to_restock_what_is_good(spoke: Desk) -> None:
    it = await asked(spoke)
    [wish] = await sent(spoke, it, "returns.authorize")
    assert (wish["return_id"], wish["items"]) == (it.id, [{"sku": "mug-1000", "quantity": 2, "reason": "changed_mind"}])
    part = it.sub_order_id
    await told(spoke, it.authorize_id, "returns.authorized", Authorized(sub_order_id=part, reference="7", instructions="to the shop"))
    it = await spoke.look(it)
    assert (it.state, it.reference, it.instructions) == (R.AUTHORIZED, "7", "to the shop")
    found = [Inspected(sku="mug-1000", good=1, rejected=1, reason="worn")]
    await told(spoke, it.authorize_id, "returns.received", Received(sub_order_id=part, items=found))
    it = await spoke.look(it)
    assert (it.state, it.lines[0].rejected_reason) == (R.REFUNDED, "worn")
    [again] = await sent(spoke, it, "stock.restock")
    assert again == {"sub_order_id": part, "return_id": it.id, "items": [{"sku": "mug-1000", "quantity": 1}]}
    assert await spoke.shop.breaches() == []


async def test_it_refuses(spoke: Desk) -> None:
    it = await asked(spoke)
    await told(spoke, it.authorize_id, "returns.refused", Refused(sub_order_id=it.sub_order_id, reason="hygiene"))
    it = await spoke.look(it)
    assert (it.state, it.reason, await sent(spoke, it, "returns.cancel")) == (R.REFUSED, "hygiene", [])


async def test_a_spoke_that_was_asked_hears_that_nothing_will_come(spoke: Desk) -> None:
    it = await asked(spoke)
    assert (await spoke.cancel(it)).state is R.CANCELED
    [off] = await sent(spoke, it, "returns.cancel")
    assert (off["authorize_command_id"], off["reason"]) == (it.authorize_id, "canceled_by_customer")
    await told(spoke, it.authorize_id, "returns.authorized", Authorized(sub_order_id=it.sub_order_id))
    assert (await spoke.look(it)).state is R.CANCELED


async def test_what_it_gives_up_on_waits_to_be_mended_and_is_decided_in_time(spoke: Desk) -> None:
    it = await asked(spoke)
    dead = Dead(command_kind="returns.authorize", error="misconfigured", detail="no such shelf", attempts=1, payload="{}")
    await told(spoke, it.authorize_id, "spoke.dead", dead)
    assert ((await spoke.look(it)).state, await spoke.letters(it)) == (R.REQUESTED, ["misconfigured"])
    assert (await late(spoke, it)).state is R.AUTHORIZED, "its vendor has not said no in time"
    await Settler(spoke.shop.wiring.database).once()
    [letter] = await spoke.shop.rows("SELECT state, resolution FROM dead_letters WHERE saga_id = :id", id=it.order_id)
    assert (letter.state, letter.resolution) == ("resolved", "the return is authorized")


async def test_an_order_has_so_many_returns_and_no_more(spoke: Desk) -> None:
    once = msgspec.structs.replace(spoke.rules, most=1)
    order = await spoke.bought(("acme", "mug", 1000, 2))
    await spoke.cancel(await spoke.ask(order, "mug", 1, rules=once))
    with pytest.raises(Conflict) as no:
        await spoke.ask(order, "mug", 1, rules=once)
    assert no.value.slug == "too_many_returns"
