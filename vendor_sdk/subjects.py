"""The subject space: who says what to whom over NATS, seen from the hub and from a vendor's own account.

The hub sees ``cmd.<vendor>.<area>.<verb>`` and ``evt.<vendor>.<area>.<fact>``. A vendor's account never names the
vendor: the broker's export adds it, so no vendor can speak for another (one account per vendor).
"""

import re

VENDOR_PATTERN = r"^[a-z][a-z0-9_-]{1,62}$"
"""What a vendor's code may look like: it is a subject token, a stream suffix and a NATS account name."""

CONSUMER_HUB = "hub"
DEAD_LETTER_STREAM = "DLQ"
ADVISORY_STREAM = "ADV"
SPOKE_JETSTREAM_PREFIX = "JSHUB"
"""What a vendor's account calls the hub's JetStream API: the import's local prefix."""

SPOKE_EVENTS = "evt"
SPOKE_HEARTBEAT = "hb"
SPOKE_RPC = "rpc"


def is_vendor_code(text: str) -> bool:
    """Whether `text` may be a vendor's code."""
    return re.match(VENDOR_PATTERN, text) is not None


def account(vendor: str) -> str:
    """The NATS account of one vendor."""
    return f"V_{vendor}"


def command_stream(vendor: str) -> str:
    """The stream that holds the commands for one vendor."""
    return f"CMD_{vendor}"


def spoke_consumer(area: str) -> str:
    """The durable consumer of a vendor's commands of one area: each capability is pulled by itself, so one may stop alone."""
    return f"spoke-{area}"


def event_stream(vendor: str) -> str:
    """The stream that holds what one vendor told."""
    return f"EVT_{vendor}"


def command(vendor: str, kind: str) -> str:
    """The hub-side subject of a command; `kind` is ``<area>.<verb>``."""
    return f"cmd.{vendor}.{kind}"


def event(vendor: str, kind: str) -> str:
    """The hub-side subject of an event; `kind` is ``<area>.<fact>``."""
    return f"evt.{vendor}.{kind}"


def spoke_event(kind: str) -> str:
    """The subject on which a vendor's account publishes an event."""
    return f"{SPOKE_EVENTS}.{kind}"


def heartbeat(vendor: str) -> str:
    """The hub-side subject of a vendor's heartbeats."""
    return f"hb.{vendor}"


def rpc(vendor: str, verb: str) -> str:
    """The hub-side subject of a question to a vendor that changes nothing (a quote)."""
    return f"rpc.{vendor}.{verb}"


def kind_of(subject: str) -> str:
    """``<area>.<verb>`` of any command or event subject, hub-side or vendor-side; empty if it has none."""
    parts = subject.split(".")
    return ".".join(parts[-2:]) if len(parts) in {3, 4} and parts[0] in {"cmd", "evt"} else ""


def vendor_of(subject: str) -> str | None:
    """The vendor named by a hub-side command or event subject."""
    parts = subject.split(".")
    return parts[1] if len(parts) == 4 and parts[0] in {"cmd", "evt"} else None  # noqa: PLR2004  # the four words of a subject


def event_id(command_id: str, kind: str) -> str:
    """``<command_id>.<fact>``: one name however often, and by whatever road, it is told."""
    return f"{command_id}.{kind.rsplit('.', 1)[-1]}"
