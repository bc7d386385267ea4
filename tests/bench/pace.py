"""How long the benchmark takes: the whole of it, or a smoke of every part."""

import msgspec


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """`limit_seconds` is a run of pgbench, `seconds` one of ours; `skus` are offered by the market's three vendors together."""

    rounds: int
    limit_seconds: int
    seconds: float
    skus: int
    offers: int
    """How many the reads search through."""
    orders: tuple[int, ...]
    """How many there are already, one after the other, while it grows."""
    vendors: tuple[int, ...]
    lives: int
    """Orders in the first round of whole lives; the others take as many as that one could have lived in `lives_seconds`, but no fewer."""
    lives_seconds: float
    confirm_seconds: float
    """Of orders at a steady pace."""
    replayed: int
    """Real orders, where there are any; 0 leaves them out."""
    letters: int
    """Dead letters of each of ten vendors."""


WHOLE = Pace(
    rounds=3,
    limit_seconds=3,
    seconds=3.0,
    skus=10_000,
    offers=1_000_000,
    orders=(10_000, 100_000, 1_000_000),
    vendors=(10, 100, 1_000),
    lives=40,
    lives_seconds=10.0,
    confirm_seconds=2.0,
    replayed=200,
    letters=10_000,
)
QUICK = Pace(
    rounds=1,
    limit_seconds=1,
    seconds=0.5,
    skus=300,
    offers=3_000,
    orders=(100,),
    vendors=(4,),
    lives=5,
    lives_seconds=0.5,
    confirm_seconds=0.1,
    replayed=0,
    letters=100,
)
