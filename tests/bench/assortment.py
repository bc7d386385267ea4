"""A large assortment: as many products as wanted, of made-up words that are as unevenly frequent as real ones, each with an offer."""

import random
from collections.abc import Sequence
from itertools import product
from typing import Any

from sqlalchemy import text

from hub.replay.open_shops import each
from tests.bench.loading import CONNECTIONS, loading

WORDS = 5_000
OF_TITLE, OF_DESCRIPTION = 4, 8
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprtvz" for vowel in "aeiou"]
_WORD = f"w[1 + floor(power(random(), 1.5) * {WORDS})::int]"
"""The first words of the list come up far more often than the last."""
_ID = "lpad(n::text, 26, '0')"
_FROM = "FROM generate_series(1, CAST(:count AS int)) n, (SELECT CAST(:vendors AS text[]) AS v) t"
_PRODUCTS = text(
    f"INSERT INTO products (id, described_by, title, description, category) SELECT 'prd_' || {_ID}, v[1 + n % array_length(v, 1)],"
    f" {' || $$ $$ || '.join([_WORD] * OF_TITLE)}, {' || $$ $$ || '.join([_WORD] * OF_DESCRIPTION)}, 'category ' || n % 50"
    f" {_FROM}, (SELECT CAST(:words AS text[]) AS w) u"
)
_VARIANTS = text(
    f"INSERT INTO variants (id, product_id) SELECT 'var_' || {_ID}, 'prd_' || {_ID} FROM generate_series(1, CAST(:count AS int)) n"
)
_OFFERS = text(
    "INSERT INTO offers (id, variant_id, vendor, sku, price, currency)"
    f" SELECT 'off_' || {_ID}, 'var_' || {_ID}, v[1 + n % array_length(v, 1)], 'many-' || n, 500 + n % 5000, 'EUR' {_FROM}"
)
_STOCK = text(
    f"INSERT INTO stock (offer_id, on_hand, received) SELECT 'off_' || {_ID}, 1000, 1000 FROM generate_series(1, CAST(:count AS int)) n"
)

_TABLES = {"products": _PRODUCTS, "variants": _VARIANTS, "offers": _OFFERS, "stock": _STOCK}


async def load(url: str, vendors: Sequence[str], count: int) -> None:
    """So many products with an offer each, over these vendors in turn."""
    values: dict[str, Any] = {"count": count, "vendors": list(vendors), "words": words()}

    async def fill(table: str) -> None:
        async with loading(url, [table]) as connection:
            await connection.execute(_TABLES[table], values)

    await each(list(_TABLES), fill, CONNECTIONS)


def words() -> list[str]:
    """Made-up words, always the same, the most frequent first."""
    made = ["".join(parts) for parts in product(_SYLLABLES, repeat=3)]
    random.Random(7).shuffle(made)
    return made[:WORDS]


def product_id(number: int) -> str:
    """Of the products from 1 on."""
    return f"prd_{number:026d}"
