"""The sample marketplace: put in once, keys kept."""

import stat
from pathlib import Path

import msgspec
from sqlalchemy import func, select, update

from hub.catalog.tables import offers
from hub.embedded.folder import Folder
from hub.embedded.nkey import public_of
from hub.inventory.tables import stock
from hub.runtime import auth
from hub.runtime.database import Database
from hub.seed import Told, seed
from hub.settings import load_settings
from hub.vendors import store
from tests.hub_api import settings_for


def told(folder: Path) -> Told:
    return msgspec.json.decode((folder / "keys.json").read_bytes(), type=Told)


async def test_twice_is_once(database_url: str, tmp_path: Path):
    settings = load_settings(environ=settings_for(database_url))
    await seed(settings, tmp_path)
    first = told(tmp_path)
    database = Database(database_url, pool_size=2)
    async with database.tx() as tx:
        await tx.execute(update(stock).values(on_hand=7, received=7))
    await seed(settings, tmp_path)
    assert told(tmp_path) == first
    async with database.reading() as tx:
        assert await tx.scalar(select(func.count()).select_from(offers)) == 40
        assert await tx.scalar(select(func.min(stock.c.on_hand))) == 7
        for key, kind in ((first.keys.customer, "customer"), (first.keys.operator, "operator")):
            caller = await auth.find(tx, key)
            assert caller is not None
            assert caller.actor.kind == kind
        sold_by = await tx.rows(select(offers.c.vendor).where(offers.c.id.in_(first.examples["offer_ids"])))
        assert {row.vendor for row in sold_by} == set(first.keys.vendors) == {"acme-audio", "bolt-books", "cedar-crafts"}
        for row in await store.embedded_spokes(tx):
            path = Folder(tmp_path).spoke_seeds / f"{row.code}.nk"
            assert public_of(path.read_text()) == row.nkey_public
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    await database.close()


async def test_lost_keys_are_handed_out_anew(database_url: str, tmp_path: Path):
    settings = load_settings(environ=settings_for(database_url))
    await seed(settings, tmp_path)
    first = told(tmp_path)
    (tmp_path / "keys.json").unlink()
    await seed(settings, tmp_path)
    second = told(tmp_path)
    assert second.keys.vendors.keys() == first.keys.vendors.keys()
    assert second.keys.customer != first.keys.customer
    assert second.examples == first.examples
