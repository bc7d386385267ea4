"""Feeds as their vendors see them."""

from datetime import datetime
from typing import Literal

import msgspec

from hub.feeds.model import Feed, FeedKind, Heard
from hub.runtime.problems import Problem

FeedState = Literal["open", "complete", "incomplete"]

ERRORS_SHOWN = 100


class RowError(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was not taken: `row` of `page` (rows count from 0), and the `problem` with the field."""

    page: int
    row: int
    sku: str | None
    problem: Problem


class FeedView(msgspec.Struct, frozen=True, kw_only=True):
    """A feed as its vendor sees it.

    `at` is as of when the vendor told it, `pages` how many there are, if that is known. A whole catalog is ``open`` until every
    page and the end have come; ``incomplete`` is one that never will be a proof of absence, for the `reason`, and
    rates of which none was taken: ``empty``, ``rows_refused``, ``currency_missing``. `withdrawn`: taken
    off sale, for it was said or because the whole catalog does not name them.
    """

    id: str
    kind: FeedKind
    state: FeedState
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


class FeedWithErrors(msgspec.Struct, frozen=True, kw_only=True):
    """A feed and the first of its rows that were not taken."""

    feed: FeedView
    errors: list[RowError]


def view(feed: Feed, heard: Heard) -> FeedView:
    """A feed as it is shown."""
    ended: FeedState = "incomplete" if feed.reason else "complete"
    t = heard.tally
    return FeedView(
        id=feed.id,
        kind=feed.kind,
        state="open" if feed.ended_at is None else ended,
        at=feed.at,
        begun_at=feed.begun_at,
        ended_at=feed.ended_at,
        reason=feed.reason,
        pages=feed.pages,
        pages_heard=heard.pages,
        rows=t.rows,
        created=t.created,
        changed=t.changed,
        unchanged=t.unchanged,
        stale=t.stale,
        withdrawn=t.withdrawn + feed.absent,
        failed=t.failed,
    )
