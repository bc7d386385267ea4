"""Events as Stripe sends them: made up, signed, and what the hub has kept of them."""

import time
from typing import Any

import httpx
import msgspec
import stripe
from sqlalchemy import func, select, update

from hub.webhooks.tables import provider_events
from tests.hub_api import Api

PLATFORM, OLD, CONNECT = "whsec_platform", "whsec_before", "whsec_connect"


def event(kind: str, subject: str, *, event_id: str = "evt_1", account: str | None = None, **more: Any) -> bytes:
    """The body of an event."""
    body = {"id": event_id, "object": "event", "type": kind, "created": int(time.time()), "data": {"object": {"id": subject}}, **more}
    return msgspec.json.encode(body | ({} if account is None else {"account": account}))


def signature(body: bytes, secret: str, *, age: float = 0) -> str:
    """The header that Stripe would send with a body."""
    return stripe.WebhookSignature.generate_signature_header(body.decode("latin-1"), secret, timestamp=int(time.time() - age))


async def send(api: Api, body: bytes, secret: str = PLATFORM, *, to: str = "stripe", age: float = 0) -> httpx.Response:
    """Deliver a body as Stripe would."""
    headers = {"Stripe-Signature": signature(body, secret, age=age), "Content-Type": "application/json; charset=utf-8"}
    return await api.http.post(f"/v1/webhooks/{to}", content=body, headers=headers)


async def tell(api: Api, kind: str, subject: str, *, event_id: str = "evt_1", account: str | None = None) -> None:
    """Deliver an event, to be applied at once."""
    to, secret = ("stripe", PLATFORM) if account is None else ("stripe/connect", CONNECT)
    answer = await send(api, event(kind, subject, event_id=event_id, account=account), secret, to=to)
    assert answer.status_code == 200, answer.text
    await let_pass(api)


async def let_pass(api: Api, days: int = 0) -> None:
    """As if so many days had gone by since everything was told: all that is open is due."""
    past = func.now() - func.make_interval(0, 0, 0, days)
    async with api.wiring.database.tx() as tx:
        values = {"due_at": func.now(), "received_at": func.least(provider_events.c.received_at, past)}
        await tx.execute(update(provider_events).values(values))


async def kept(api: Api) -> dict[str, Any]:
    """Every event kept, by id."""
    async with api.wiring.database.reading() as tx:
        return {row["id"]: row for row in await tx.mappings(select(provider_events))}


async def states(api: Api) -> dict[str, str]:
    """The state of every event kept."""
    return {name: row["state"] for name, row in (await kept(api)).items()}
