"""A simulated consumer's terms."""

from typing import NamedTuple

from nats.js.api import ConsumerConfig


class Terms(NamedTuple):
    """A consumer: its name, whose subjects, the seconds it waits for an ack after each delivery, and its limits (0: none)."""

    name: str
    prefix: str
    waits: tuple[float, ...]
    most: int
    """Deliveries of one message."""
    pending: int
    """Messages delivered and not acknowledged at the same time."""

    @classmethod
    def of(cls, config: ConsumerConfig) -> "Terms":
        """As the real broker would understand it: a backoff goes before the ack wait."""
        waits = tuple(config.backoff or [config.ack_wait or 30.0])
        return cls(
            config.durable_name or "",
            (config.filter_subject or ">").removesuffix(">"),
            waits,
            max(0, config.max_deliver or 0),
            max(0, config.max_ack_pending or 0),
        )
