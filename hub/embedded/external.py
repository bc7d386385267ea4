"""Owns `hub nats-config`: the broker's configuration for a broker that is not ours to run."""

from sqlalchemy.ext.asyncio import create_async_engine

from hub.embedded.nats_config import BrokerUser, nats_config
from hub.embedded.nkey import public_of
from hub.embedded.vendors import accounts, find_vendors
from hub.sections import Settings

SYSTEM = BrokerUser(user="sys", password="$NATS_SYSTEM_PASSWORD")  # noqa: S106 - the name of a variable of the broker's


async def print_config(settings: Settings) -> None:
    """Print it: vendors from the database, the hub's user from the settings; passwords stay variables of the broker's."""
    nats = settings.nats
    hub = (
        BrokerUser(nkey=public_of(nats.nkey_seed)) if nats.nkey_seed else BrokerUser(user=nats.user or "hub", password="$NATS_HUB_PASSWORD")  # noqa: S106 - as above
    )
    engine = create_async_engine(settings.database.address())
    try:
        vendors = await find_vendors(engine)
    finally:
        await engine.dispose()
    text = nats_config(accounts(vendors, None), hub=hub, system=SYSTEM, leaf_listen=nats.leaf_listen)
    print(text, end="")  # noqa: T201 - its purpose
