"""Who works at which sample vendor, as `hub seed` has written it down."""

from pathlib import Path

import msgspec


class Pace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds from an order's coming until it leaves, and from then until it has arrived."""

    ship_after: float
    deliver_after: float


class Staff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By vendor: the key of a clerk for the vendor API, the folder of a storekeeper."""

    clerks: dict[str, str] = {}
    storekeepers: dict[str, str] = {}
    pace: Pace


def read(path: Path) -> Staff:
    """Raises `msgspec.DecodeError` for what is none, `OSError` where there is nothing."""
    return msgspec.json.decode(path.read_bytes(), type=Staff)
