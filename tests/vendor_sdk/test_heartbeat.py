"""What a heartbeat may hold: the hub keeps all vendors' together, so each part is bounded."""

from typing import Any

import msgspec
import pytest

from vendor_sdk.messages import Heartbeat

SANE: dict[str, Any] = {
    "boot_id": "b",
    "version": "1.2",
    "capabilities": ["stock"],
    "breakers": {"stock": "half-open"},
    "in_flight": 3,
    "oldest_command_age": 0.5,
}


def heard(**more: Any) -> Heartbeat:
    """As the hub reads it."""
    return msgspec.json.decode(msgspec.json.encode(SANE | more), type=Heartbeat)


def test_a_sane_one_is_heard() -> None:
    assert heard().breakers == {"stock": "half-open"}


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("boot_id", "b\0"),
        ("version", "\0"),
        ("version", "1" * 65),
        ("in_flight", 1 << 40),
        ("in_flight", -1),
        ("breakers", {"stock\0": "open"}),
        ("breakers", {"stock": "\0"}),
        ("breakers", {"stock": 'open"} 1\n'}),
        ("breakers", {f"b{number}": "open" for number in range(17)}),
        ("capabilities", ["stock"] * 17),
    ],
)
def test_what_could_spoil_the_others_is_refused(part: str, value: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        heard(**{part: value})
