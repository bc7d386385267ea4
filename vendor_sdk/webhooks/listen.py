"""Listens, asks for examples, tells again: what the commands do, for whoever prints it."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from vendor_sdk.client import AsyncClient
from vendor_sdk.client.answers.webhooks import Delivery
from vendor_sdk.client.errors import ClientError
from vendor_sdk.errors import Misconfigured
from vendor_sdk.webhooks.ear import Ear, find, in_order
from vendor_sdk.webhooks.forward import Forwarder

Tell = Callable[[str], None]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


async def listen(  # noqa: PLR0913  # what the command takes, all by name
    client: AsyncClient,
    forwarder: Forwarder | None,
    *,
    name: str,
    types: Collection[str],
    every: float,
    stop: asyncio.Event,
    tell: Tell,
) -> None:
    """Forward what happens, in its order, until `stop`. Raises what cannot be helped by waiting."""
    ear = await Ear.open(client, name)
    tell(f"listening as {ear.endpoint.id}")
    try:
        while not stop.is_set():
            try:
                for delivery in await ear.fresh():
                    if stop.is_set():
                        break
                    if not types or delivery.type in types:
                        await _pass_on(client, forwarder, delivery, tell)
                    ear.heard(delivery)
            except ClientError as error:
                if not error.retryable:
                    raise
                tell(f"the hub does not answer, still trying: {error}")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every)
    finally:
        with suppress(ClientError):
            await ear.close()


async def trigger(client: AsyncClient, kind: str, *, name: str, endpoint: str | None) -> Delivery:
    """Ask for an example of an event: for an endpoint, else for the one that listens. Raises `Misconfigured` if there is none."""
    if endpoint is None:
        ear = await find(client, name)
        if ear is None:
            raise Misconfigured("nobody listens: start `vendor-sdk listen`, or name an endpoint with --endpoint")
        endpoint = ear.id
    return await client.endpoints.test(endpoint, kind)


async def resend(client: AsyncClient, deliveries: Collection[str], forwarder: Forwarder | None, tell: Tell) -> bool:
    """Tell these again: by the hub to their endpoint, or from here to a server of one's own. Whether all were taken."""
    well = True
    for name in deliveries:
        if forwarder is None:
            again = await client.deliveries.replay(name)
            tell(f"{again.type}  {again.event_id}  is {again.state} again")
        else:
            well = await _pass_on(client, forwarder, (await client.deliveries.get(name)).delivery, tell) and well
    return well


async def resend_since(client: AsyncClient, since: datetime, endpoint: str | None, forwarder: Forwarder | None, tell: Tell) -> bool:
    """Tell again what failed since then (by the hub), or all that was told since then (from here), oldest first."""
    if forwarder is not None:
        found: list[Delivery] = []
        async for delivery in client.deliveries.all(endpoint=endpoint):
            if delivery.created_at < since:
                break
            found.append(delivery)
        return await resend(client, [delivery.id for delivery in in_order(found)], forwarder, tell)
    async for each in client.endpoints.all():
        if each.id == endpoint or (endpoint is None and each.state == "enabled"):
            replay = await client.endpoints.replay(each.id, since)
            tell(f"{each.url}  {replay.id}  what failed since {since.isoformat()} is delivered again")
    return True


def moment(text: str, now: float) -> datetime:
    """A moment with its zone (ISO 8601), or how long ago: ``90s``, ``30m``, ``2h``, ``1d``. Raises `Misconfigured`."""
    number, unit = text[:-1], text[-1:]
    if unit in _UNITS and number.isascii() and number.isdigit() and len(number) < len("1000000"):
        return datetime.fromtimestamp(now, UTC) - timedelta(**{_UNITS[unit]: int(number)})
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Misconfigured(f"--since: {error}; 2026-01-31T08:00Z or 2h are expected") from error
    if at.tzinfo is None:
        raise Misconfigured("--since: the moment needs a zone, such as 2026-01-31T08:00Z")
    return at


async def _pass_on(client: AsyncClient, forwarder: Forwarder | None, delivery: Delivery, tell: Tell) -> bool:
    """Whether it was taken; one line says what came of it."""
    line = f"{delivery.created_at:%H:%M:%S}  {delivery.type}  {delivery.event_id}  {delivery.id}"
    if forwarder is None:
        tell(line)
        return True
    came = await forwarder.send(await client.deliveries.get(delivery.id))
    tell(f"{line}  -> {came}")
    return came.taken
