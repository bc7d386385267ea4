"""An offer of which its vendor has not told yet how many there are can be quoted, and is sold out."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from hub.kernel.errors import Conflict
from tests.conftest import MakeDatabase
from tests.shop import Shop, open_shop


@pytest_asyncio.fixture
async def shop(fresh_database: MakeDatabase) -> AsyncGenerator[Shop]:
    """A shop with an offer that has no stock, as a catalog feed without counts leaves it."""
    opened = await open_shop(await fresh_database(), "acme")
    await opened.place(("acme", "mug", 1000, 1), ("acme", "bare", 1000, 1))
    await opened.sql("DELETE FROM stock WHERE offer_id IN (SELECT id FROM offers WHERE sku LIKE 'bare%')")
    yield opened
    await opened.close()


@pytest.mark.parametrize("more", [(), (("acme", "mug", 1000, 1),)])
async def test_it_is_sold_out(shop: Shop, more: tuple[tuple[str, str, int, int], ...]) -> None:
    with pytest.raises(Conflict) as refused:
        await shop.place(("acme", "bare", 1000, 1), *more)
    assert refused.value.slug == "sold_out"
    assert refused.value.facts == {"offer_id": await shop.scalar("SELECT id FROM offers WHERE sku LIKE 'bare%'")}
