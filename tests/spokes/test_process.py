"""Spokes of real adapters as processes on a real broker: killed when the vendor has done it and not answered, it is done once."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.spokes.medusa import shop as medusa
from tests.spokes.shopify import shop as shopify
from tests.spokes.webhook import vendor as webhook
from tests.spokes.woocommerce import shop as woocommerce
from tests.vendor_sdk import orders
from tests.vendor_sdk.process import SpokeProcess
from tests.vendor_sdk.stand import Stand

VENDORS = ["medusa", "shopify", "webhook", "woocommerce"]
SYSTEMS: dict[str, tuple[Any, int, dict[str, Any]]] = {
    "medusa": (medusa.a_shop, 1, {**medusa.SETTINGS, "settle": 0}),
    "shopify": (shopify.a_shop, 2, {"access_token": shopify.TOKEN, "location": shopify.LOCATION}),
    "webhook": (webhook.a_vendor, 0, {"secret": webhook.SECRET}),
    "woocommerce": (woocommerce.a_shop, 1, {"consumer_key": woocommerce.KEY, "consumer_secret": woocommerce.SECRET, "settle": 0}),
}
"""By adapter: its vendor's system, how many calls of a start and a reserve change nothing, and its settings."""


@pytest_asyncio.fixture(scope="module")
async def stand(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    """The hub's side of a broker, with a vendor for each adapter."""
    stand = Stand(tmp_path_factory.mktemp("stand"), VENDORS)
    await stand.open()
    yield stand
    await stand.close()


def write(stand: Stand, folder: Path, name: str, config: dict[str, Any]) -> None:
    (folder / f"{name}.nk").write_text(stand.seeds[name])
    lines = [f'adapter = "{name}"', "[nats]", f'url = "{stand.server.url}"', f'seed_file = "{name}.nk"']
    lines += ["[feeds]", "catalog_every = 0", "levels_every = 0", "rates_every = 0", "[config]"]  # calls of its own would be hit instead
    lines += [f"{key} = {json.dumps(value)}" for key, value in config.items()]
    (folder / f"{name}.toml").write_text("\n".join(lines))


def left(system: Any) -> int:
    """Free units of the vendor's mugs."""
    match system:
        case shopify.Shop():
            return system.level("mug")["available"]
        case medusa.Shop():
            return system.free("mug")
        case woocommerce.Shop():
            return system.units("mug")
        case _:
            return system.units["mug"]


@pytest.mark.parametrize("name", VENDORS)
async def test_killed_between_effect_and_answer_it_does_nothing_twice(stand: Stand, tmp_path: Path, name: str) -> None:
    a_system, before, config = SYSTEMS[name]
    async with a_system() as system:
        system.stock("mug", 5)
        system.fault("mute", after=before)
        write(stand, tmp_path, name, {"url": system.url, "allow_private": True, **config})
        spoke = SpokeProcess(stand, tmp_path, name)
        try:
            await spoke.start()
            await stand.command(name, orders.reserve("sub-1"), f"{name}.r")
            await asyncio.wait_for(system.is_silent.wait(), 20)
            await spoke.kill()
            assert left(system) == 3
            await spoke.start()
            await stand.command(name, orders.reserve("sub-1"), f"{name}.r", attempt=2)
            await stand.event(f"{name}.r.reserved", attempt=2, within=20)
            await stand.command(name, orders.release("sub-1", f"{name}.r"), f"{name}.l")
            await stand.event(f"{name}.l.released", within=20)
        finally:
            await spoke.kill()
        assert left(system) == 5
        assert not [value for value in config.values() if isinstance(value, str) and value in spoke.log]
