"""Tells the other processes which providers answer, so that buyers are offered what works."""

from hub.payments.availability import Health, note_health
from hub.payments.ports import Gateways
from hub.runtime.database import Database


async def note_all(database: Database, gateways: Gateways) -> None:
    """To be said again and again: news of this kind goes stale."""
    for gateway in gateways.values():
        await note_health(database, gateway.name, Health.OK if gateway.answers else Health.DOWN)
