"""Names of files: which of a vendor's are for us, and what ours are called; pure."""

import re
from enum import StrEnum

NAME = re.compile(r"(?P<kind>[a-z]+)(?:[ ._-][A-Za-z0-9 ._-]{0,100})?\.csv", re.IGNORECASE)
"""No slash, no control character, nothing hidden: what has another name is let lie."""


class Kind(StrEnum):
    """What a vendor's file holds; its name begins with it: ``stock-2026-01-31.csv``."""

    CATALOG = "catalog"
    STOCK = "stock"
    RATES = "rates"
    ANSWERS = "answers"
    SHIPMENTS = "shipments"


def kind_of(name: str) -> Kind | None:
    """What a file in the inbox holds by its name; None for one that is not for us, or not yet (``stock.csv.part``)."""
    match = NAME.fullmatch(name)
    try:
        return Kind(match["kind"].lower()) if match else None
    except ValueError:
        return None


def filed(name: str, digest: str) -> str:
    """A loaded file's name: the same for the same content, no other's for another."""
    return f"{digest[:12]}-{name}"


def report_of(name: str) -> str:
    """The name of the report on the file that is filed under `name`."""
    return f"{name}.report.csv"


def ours(what: str, command_id: str) -> str:
    """The name of a file that a command writes, the same each time it is asked."""
    return f"{what}-{command_id}.csv"
