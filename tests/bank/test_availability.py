"""Buyers are told which ways to pay work now, by what the workers have seen lately."""

from datetime import datetime

from sqlalchemy import text

from hub.payments.availability import STALE_SECONDS, Health, down_since, note_health
from tests.bank.hands import Bank


async def down(bank: Bank) -> dict[str, datetime]:
    async with bank.database.reading() as tx:
        return await down_since(tx)


async def later(bank: Bank, seconds: float) -> None:
    """What was noted becomes older."""
    async with bank.database.tx() as tx:
        await tx.execute(text("UPDATE gateway_health SET noted_at = noted_at - make_interval(secs => :seconds)"), {"seconds": seconds})


async def test_a_provider_is_down_until_it_is_up(bank: Bank) -> None:
    assert await down(bank) == {}
    await note_health(bank.database, "stripe", Health.DOWN)
    assert list(await down(bank)) == ["stripe"]
    await note_health(bank.database, "stripe", Health.OK)
    assert await down(bank) == {}


async def test_repeated_news_keeps_its_beginning(bank: Bank) -> None:
    await note_health(bank.database, "stripe", Health.DOWN)
    began = await down(bank)
    await later(bank, STALE_SECONDS - 1)
    await note_health(bank.database, "stripe", Health.DOWN)
    assert await down(bank) == began
    await note_health(bank.database, "stripe", Health.OK)
    await note_health(bank.database, "stripe", Health.DOWN)
    assert (await down(bank))["stripe"] > began["stripe"]


async def test_old_news_is_no_news(bank: Bank) -> None:
    await note_health(bank.database, "stripe", Health.DOWN)
    await later(bank, STALE_SECONDS - 5)
    assert await down(bank)
    await later(bank, 10)
    assert await down(bank) == {}
