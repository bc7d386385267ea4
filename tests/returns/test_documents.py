"""Papers that a vendor gives for a return: its buyer sees all of them, and the last word holds."""

import msgspec

from hub.returns import answer, ask
from hub.returns.model import Authorize, Return
from hub.returns.view import return_view
from hub.runtime.database import Actor
from tests.returns.desk import Desk
from tests.returns.test_spoke import asked, by_hand_until_it_is_delivered, spoke, told
from tests.shop import OPERATOR
from vendor_sdk.messages import Authorized, Document

__all__ = ["by_hand_until_it_is_delivered", "spoke"]

LABEL = Document(kind="return_label", url="https://acme.example/back.pdf", name="Return label")
OTHER = Document(kind="return_label", url="https://acme.example/other.pdf")


async def agreed(desk: Desk, it: Return, *documents: Document) -> Return:
    """Its vendor agrees by hand."""
    said = Authorize(documents=list(documents))
    who = Actor("vendor", it.vendor)
    return await desk.shop.act(lambda tx: answer.decide_authorize(tx, desk.rules, it.id, said, vendor=it.vendor), who)


async def seen(desk: Desk, it: Return) -> list[Document]:
    """By its buyer, of this return alone."""
    mine = await desk.shop.act(lambda tx: ask.of_order(tx, it.order_id), desk.shop.buyer)
    return next(return_view(each).documents for each in mine if each.id == it.id)


async def test_the_buyer_sees_the_label_of_its_return_and_no_other_returns(desk: Desk) -> None:
    order = await desk.bought(("acme", "mug", 1000, 2))
    one, other = await desk.ask(order, "mug", 1), await desk.ask(order, "mug", 1)
    assert await seen(desk, one) == []
    assert (await agreed(desk, one, LABEL, OTHER)).documents == [LABEL, OTHER]
    assert await seen(desk, one) == [LABEL, OTHER]
    assert await seen(desk, other) == []
    assert msgspec.to_builtins(return_view(await desk.look(one)))["documents"][0] == {
        "kind": "return_label",
        "url": "https://acme.example/back.pdf",
        "name": "Return label",
    }


async def test_who_refuses_and_agrees_after_all_gives_other_papers(desk: Desk) -> None:
    it = await agreed(desk, await desk.ask(await desk.bought(("acme", "mug", 1000, 1)), "mug", 1), LABEL, LABEL)
    await desk.refuse(it, OPERATOR)
    await agreed(desk, it, OTHER)
    assert await seen(desk, it) == [OTHER]
    rows = await desk.shop.rows("SELECT position, url, sub_order_id FROM documents WHERE subject_id = :it", it=it.id)
    assert [tuple(row) for row in rows] == [(0, OTHER.url, it.sub_order_id)]


async def test_a_spoke_gives_them_with_its_answer_and_once(spoke: Desk) -> None:
    it = await asked(spoke)
    for paper in (LABEL, OTHER):
        await told(spoke, it.authorize_id, "returns.authorized", Authorized(sub_order_id=it.sub_order_id, documents=[paper]))
    assert await seen(spoke, it) == [LABEL]
