"""What became of what your system has told by itself."""

from datetime import datetime

from vendor_sdk.client.answers import Answer
from vendor_sdk.client.errors import Details


class RowError(Answer, frozen=True):
    """A row that was not taken: `row` of `page` (rows count from 0), and the `problem` with the field."""

    page: int
    row: int
    sku: str | None
    problem: Details


class Feed(Answer, frozen=True):
    """A whole catalog, a change of it, counts or rates, told as of `at`; how many of its rows did what.

    A whole catalog is ``open`` until every page and its end have come; ``incomplete``, for a `reason`, it takes nothing off sale.
    Rates that are ``incomplete`` changed nothing.
    """

    id: str
    kind: str
    state: str
    at: datetime
    begun_at: datetime
    ended_at: datetime | None
    reason: str
    pages: int | None
    pages_heard: int
    rows: int
    created: int
    changed: int
    unchanged: int
    stale: int
    withdrawn: int
    failed: int


class FeedWithErrors(Answer, frozen=True):
    """A feed and the first of its rows that were not taken."""

    feed: Feed
    errors: list[RowError]
