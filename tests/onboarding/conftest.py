"""Owns the fixtures of this folder: the whole API, and vendors on their way."""

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from hub.vendors.tables import vendors
from tests.hub_api import Api, api

__all__ = ["api"]

OPTIONS = [{"code": "post", "name": "Post", "price": {"amount": 490, "currency": "EUR"}, "days": 3}]
TAX = {"legal_name": "Fern GmbH", "address": "Main Street 1, Berlin", "country": "DE", "vat_id": "DE123456789"}


def passed(*levels: str) -> list[dict[str, Any]]:
    """What a report says of levels that an adapter passes."""
    return [{"level": level, "passed": True} for level in levels]


REPORT = {"adapter": "fern_erp", "sdk_version": "1.0", "levels": passed("wire", "stock", "orders"), "made_at": "2026-01-01T00:00:00Z"}
VERSION = "2026-01"


async def invited(api: Api, code: str, **more: Any) -> dict[str, Any]:
    """An invitation for a new vendor, with its token."""
    body = {"code": code, "name": code.title(), "country": "DE", "email": f"{code}@example.com", **more}
    answer = await api("olga", "POST", "/v1/admin/vendor-invitations", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def joined(api: Api, code: str, **more: Any) -> dict[str, Any]:
    """A vendor that has joined; its key is the API's to use."""
    token = (await invited(api, code))["token"]
    answer = await api("", "POST", "/v1/vendor-invitations/accept", {"token": token, "shipping_options": OPTIONS, **more})
    assert answer.status_code == 201, answer.text
    api.keys[code] = answer.json()["api_key"]
    return answer.json()


async def in_days(api: Api, days: int) -> str:
    """So many days from now, as JSON has it."""
    async with api.wiring.database.reading() as tx:
        return (await tx.now() + timedelta(days=days)).isoformat()


async def known_to_provider(api: Api, code: str) -> None:
    """As if the provider had told us that the vendor's account may do everything."""
    facts: dict[str, Any] = {"connected_account": f"acct_{code}", "account_receives": True, "account_pays_out": True, "account_due": []}
    async with api.wiring.database.tx() as tx:
        await tx.execute(update(vendors).where(vendors.c.code == code).values(**facts))


async def complete(api: Api, code: str, channel: dict[str, Any] | None = None) -> dict[str, Any]:
    """A vendor that has joined and given everything."""
    await joined(api, code)
    await known_to_provider(api, code)
    for path, body in (
        ("terms/terms", {"version": VERSION, "who": "Jo Fern, owner"}),
        ("tax", TAX),
        ("channel", channel or {"channel": "hosted"}),
    ):
        answer = await api(code, "PUT", f"/v1/vendor/onboarding/{path}", body)
        assert answer.status_code == 200, answer.text
    return (await api(code, "GET", "/v1/vendor/onboarding")).json()


async def approved(api: Api, code: str) -> None:
    """An active vendor that came the whole way."""
    await complete(api, code)
    for who, path, body in (
        (code, "/v1/vendor/onboarding/submit", {}),
        ("olga", f"/v1/admin/vendors/{code}/onboarding/approve", {"reason": "fine"}),
    ):
        answer = await api(who, "POST", path, body)
        assert answer.status_code == 200, answer.text


def state_of(onboarding: dict[str, Any], name: str) -> tuple[str, str]:
    """How a requirement stands, and why."""
    [found] = [each for each in onboarding["requirements"] if each["name"] == name]
    return found["state"], found["reason"]
