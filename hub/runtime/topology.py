"""Streams and consumers, created or put right by any process at any time: a wiped broker is whole again in seconds."""

import contextlib

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, BadRequestError, NotFoundError

from vendor_sdk import subjects
from vendor_sdk.messages import COMMANDS

DAY = 86400
AREAS = tuple(dict.fromkeys(kind.partition(".")[0] for kind in COMMANDS))
"""What a vendor may be asked about, each pulled by itself."""
FEEDS_AT_ONCE = 4
"""Pages of one vendor's feeds in hand, over all workers: they are applied one after another, so more would only wait."""
DUPLICATE_WINDOW = 120
COMMANDS_MAX = 100_000
EVENTS_MAX = 100_000
FEEDS_MAX = 200
"""Pages of a feed that may wait, each of a quarter of a megabyte at most: what does not fit waits with the vendor."""
DELIVERIES_MAX = 6
BACKOFF: list[float] = [30, 60, 120, 300]
"""Seconds to wait for an ack before a command is delivered again; an answer normally comes much earlier."""

STREAM_NAME_IN_USE = 10058
CONSUMER_OVERLAPS = 10100
CONFIG_REFUSED = 10052


def streams(vendor: str, replicas: int = 1) -> list[StreamConfig]:
    """A vendor's three streams. What is acknowledged is gone, so `…_MAX` bounds what waits: full means refused (back-pressure).

    What was given up on stays until it is too old, so it can be read back.
    """
    return [
        _stream(subjects.command_stream(vendor), subjects.command(vendor, ">"), COMMANDS_MAX, replicas),
        _stream(subjects.event_stream(vendor), subjects.event(vendor, ">"), EVENTS_MAX, replicas),
        _stream(subjects.feed_stream(vendor), subjects.feed(vendor, ">"), FEEDS_MAX, replicas),
    ]


def _stream(name: str, subject: str, most: int, replicas: int) -> StreamConfig:
    return StreamConfig(
        name=name,
        subjects=[subject],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        max_age=7 * DAY,
        max_msgs=most,
        duplicate_window=DUPLICATE_WINDOW,
        discard=DiscardPolicy.NEW,
        allow_direct=True,
        num_replicas=replicas,
    )


def consumers(vendor: str) -> list[tuple[str, ConsumerConfig]]:
    """The spoke's consumers of its commands, one per capability, and the hub's of its events and feeds, shared by all workers."""
    return [
        *(
            (
                subjects.command_stream(vendor),
                ConsumerConfig(
                    durable_name=subjects.spoke_consumer(area),
                    filter_subject=subjects.command(vendor, f"{area}.>"),
                    ack_policy=AckPolicy.EXPLICIT,
                    max_deliver=DELIVERIES_MAX,
                    backoff=BACKOFF,
                    max_ack_pending=256,
                ),
            )
            for area in AREAS
        ),
        (
            subjects.event_stream(vendor),
            ConsumerConfig(
                durable_name=subjects.CONSUMER_HUB,
                filter_subject=subjects.event(vendor, ">"),
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=30,
                max_deliver=-1,
                max_ack_pending=1024,
            ),
        ),
        (
            subjects.feed_stream(vendor),
            ConsumerConfig(
                durable_name=subjects.CONSUMER_HUB,
                filter_subject=subjects.feed(vendor, ">"),
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=60,
                max_deliver=-1,
                max_ack_pending=FEEDS_AT_ONCE,
            ),
        ),
    ]


async def ensure_vendor(js: JetStreamContext, vendor: str, replicas: int = 1) -> None:
    """Make a vendor's streams and consumers be as `streams` and `consumers` say; safe from many processes at once."""
    for config in streams(vendor, replicas):
        await _ensure_stream(js, config)
    for stream, consumer in consumers(vendor):
        await _ensure_consumer(js, stream, consumer)


async def _ensure_consumer(js: JetStreamContext, stream: str, config: ConsumerConfig) -> None:
    try:
        await js.add_consumer(stream, config)
    except BadRequestError as error:
        if error.err_code != CONSUMER_OVERLAPS:
            raise
        # A consumer of an older make, of all areas at once. What it had not acknowledged stays in the stream.
        for old in await js.consumers_info(stream):
            if old.name not in {wanted.durable_name for where, wanted in consumers(stream.partition("_")[2]) if where == stream}:
                with contextlib.suppress(NotFoundError):  # another worker was faster
                    await js.delete_consumer(stream, old.name)
        await js.add_consumer(stream, config)


async def ensure_shared(js: JetStreamContext, replicas: int = 1) -> None:
    """The stream of the broker's advisories about messages given up on."""
    advisories = [f"$JS.EVENT.ADVISORY.CONSUMER.{what}.*.*" for what in ("MAX_DELIVERIES", "MSG_TERMINATED")]
    config = StreamConfig(name=subjects.ADVISORY_STREAM, subjects=advisories, max_age=7 * DAY, max_msgs=EVENTS_MAX, num_replicas=replicas)
    await _ensure_stream(js, config)
    await js.add_consumer(
        subjects.ADVISORY_STREAM,
        ConsumerConfig(durable_name=subjects.CONSUMER_HUB, ack_policy=AckPolicy.EXPLICIT, ack_wait=30, max_deliver=-1),
    )


async def _ensure_stream(js: JetStreamContext, config: StreamConfig) -> None:
    while not await _stands(js, config):
        # A stream of another make. What is lost with it is asked for again: PostgreSQL is the truth.
        with contextlib.suppress(NotFoundError):  # another worker was faster
            await js.delete_stream(str(config.name))


async def _stands(js: JetStreamContext, config: StreamConfig) -> bool:
    """Whether the stream is as it should be now; False where it cannot become so, or is just being made anew by another worker."""
    try:
        await js.add_stream(config)
    except BadRequestError as error:
        if error.err_code != STREAM_NAME_IN_USE:
            raise
        try:
            await js.update_stream(config)
        except NotFoundError:
            return False
        except APIError as refused:  # of the kind "server error", though it is the request that is refused
            if refused.err_code != CONFIG_REFUSED:
                raise
            return False
    return True
