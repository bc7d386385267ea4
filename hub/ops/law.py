"""What a law is: a query whose every row is a breach, and how it is narrowed to what was touched lately."""

import msgspec

TOUCHED = ":orders"
"""In a query: the ids of the orders that something happened to lately."""


class Law(msgspec.Struct, frozen=True, kw_only=True):
    """`settled` laws need not hold while orders are on their way, only once nothing moves any more.

    In `breaches` stands ``{only}`` where a condition narrows it to orders touched lately: that `narrow`, a column, is
    one of theirs. A law without `narrow` looks at everything: its query is cheap by an index, or (`heavy`) it is left to
    the full check.
    """

    name: str
    says: str
    breaches: str
    narrow: str | None = None
    settled: bool = False
    heavy: bool = False

    @property
    def everywhere(self) -> str:
        """The query over everything."""
        return self.breaches.replace("{only}", "")

    @property
    def lately(self) -> str | None:
        """The query over what was touched lately; None if only the full check asks it."""
        if self.settled or self.heavy:
            return None
        condition = "" if self.narrow is None else f"AND {self.narrow} = ANY(CAST({TOUCHED} AS text[]))"
        return self.breaches.replace("{only}", condition)
