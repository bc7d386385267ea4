"""Checks the payment provider's side of the end: one charge an order, one transfer a share, its balance the books' clearing account."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import aiohttp

from hub.replay.expected import Expected
from hub.replay.files import CURRENCY
from hub.replay.verdict import Verdict, amount, count, no_exceptions
from hub.settings import StripeSettings

PAGE = 100


async def check_provider(
    web: aiohttp.ClientSession, settings: StripeSettings, expected: Expected, books: Mapping[str, int], accounts: Mapping[str, str]
) -> list[Verdict]:
    """`books` are the ledger's balances by kind of account, `accounts` each vendor's connected account by its id in the files."""
    booked = [entry for entry in await _all(web, settings, "balance_transactions") if entry["currency"] == CURRENCY.lower()]
    charges = [entry for entry in booked if entry["type"] == "charge"]
    others = [f"{entry['type']} {entry['id']}" for entry in booked if entry["type"] not in {"charge", "transfer"}]
    paid: Counter[str] = Counter()
    transfers = [transfer for transfer in await _all(web, settings, "transfers") if transfer["currency"] == CURRENCY.lower()]
    for transfer in transfers:
        paid[transfer["destination"]] += transfer["amount"]
    unpaid = [
        f"{vendor}: {share}, paid {paid[accounts[vendor]]}" for vendor, share in expected.shares.items() if paid[accounts[vendor]] != share
    ]
    return [
        amount("charged by the provider", expected.captured, sum(entry["amount"] for entry in charges)),
        amount("the provider's fees are the books'", -sum(entry["fee"] for entry in charges), books.get("processing_fees", 0)),
        count("transfers at the provider, one per sub-order", expected.sub_orders, len(transfers)),
        no_exceptions("a vendor not paid exactly its share", unpaid),
        no_exceptions("a movement that is neither charge nor transfer", others),
        amount("the provider's balance is the clearing account", -books.get("clearing", 0), sum(entry["net"] for entry in booked)),
    ]


async def _all(web: aiohttp.ClientSession, settings: StripeSettings, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        after = {"starting_after": str(found[-1]["id"])} if found else {}
        headers = {"Authorization": f"Bearer {settings.api_key}"}
        async with web.get(f"{settings.base_url}/v1/{kind}", params={"limit": str(PAGE), **after}, headers=headers) as answer:
            answer.raise_for_status()
            page = await answer.json()
        found += page["data"]
        if not page["has_more"]:
            return found
