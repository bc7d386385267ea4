"""When a whole catalog has come, and whether it proves that what it does not name is no longer sold."""

from hub.feeds.model import Feed, Heard


def has_ended(feed: Feed, heard: Heard) -> bool:
    """Whether nothing more can come of it: every page is here, or one too many."""
    return feed.pages is not None and (heard.pages >= feed.pages or heard.last > feed.pages)


def proves_nothing(feed: Feed, heard: Heard) -> str:
    """Why a catalog that has ended takes nothing off sale; empty if it does.

    A vendor's system that is broken tells an empty catalog, or half of one, with the best conscience.
    """
    if heard.last > (feed.pages or 0):
        return "pages_differ"
    if heard.tally.rows != feed.rows_told:
        return "rows_differ"
    if heard.tally.rows == 0:
        return "empty"
    if heard.unnamed:
        return "rows_unreadable"
    return ""
