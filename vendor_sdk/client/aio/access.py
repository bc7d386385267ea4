"""What opens doors to you: keys for this API and nkeys for the broker; your vacation; your way in."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from vendor_sdk.client.aio.sender import Sender
from vendor_sdk.client.answers.access import ApiKeys, MadeApiKey, NewNkey, Nkeys, Onboarding, Vacation
from vendor_sdk.client.call import get, said, write


class Keys:
    """Your keys: for the vendor API, and nkeys for the broker. Each can be replaced while the old one still works."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    async def all(self) -> ApiKeys:
        """Those for the vendor API that work, and when each was last used."""
        return await self._send(get(ApiKeys, "keys"))

    async def make(  # a key's parts, all by name
        self,
        name: str = "",
        *,
        scopes: Sequence[str] = (),
        replaces: str | None = None,
        overlap_seconds: int = 86_400,
        key: str | None = None,
    ) -> MadeApiKey:
        """Another one, shown this once; what it `replaces` works for `overlap_seconds` more. No `scopes`: it may do everything."""
        body = said(name=name, scopes=list(scopes), replaces=replaces, overlap_seconds=overlap_seconds)
        return await self._send(write(MadeApiKey, "POST", "keys", body=body, key=key))

    async def revoke(self, api_key: str, *, key: str | None = None) -> ApiKeys:
        """The key of that id ends at once. Raises `Conflict` for the last that may make others."""
        return await self._send(write(ApiKeys, "POST", "keys", api_key, "revoke", key=key))

    async def nkeys(self) -> Nkeys:
        """Those for the broker that work."""
        return await self._send(get(Nkeys, "nkeys"))

    async def renew_nkey(self, nkey_public: str | None = None, *, overlap_seconds: int = 86_400, key: str | None = None) -> NewNkey:
        """A second nkey beside the one you have, which works for `overlap_seconds` more; without a public half the hub makes the pair."""
        body = said(nkey_public=nkey_public, overlap_seconds=overlap_seconds)
        return await self._send(write(NewNkey, "POST", "nkeys", body=body, key=key))

    async def revoke_nkey(self, nkey: str, *, key: str | None = None) -> Nkeys:
        """It ends at once: who is connected by it is cut off."""
        return await self._send(write(Nkeys, "POST", "nkeys", nkey, "revoke", key=key))


class Vacations:
    """When nothing of yours is to be sold."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    async def look(self) -> Vacation:
        """Whether you are on vacation, and until when."""
        return await self._send(get(Vacation, "vacation"))

    async def leave(self, ends: datetime, *, begins: datetime | None = None, reason: str = "", key: str | None = None) -> Vacation:
        """Your offers are neither shown nor sold meanwhile; what is ordered goes on; it ends by itself."""
        return await self._send(write(Vacation, "PUT", "vacation", body=said(begins=begins, ends=ends, reason=reason), key=key))

    async def come_back(self, *, key: str | None = None) -> Vacation:
        """End it now."""
        return await self._send(write(Vacation, "DELETE", "vacation", key=key))


class Joining:
    """Your way from the invitation to the first sale."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    async def look(self) -> Onboarding:
        """What is met and what is missing."""
        return await self._send(get(Onboarding, "onboarding"))

    async def agree(self, terms_name: str, version: str, who: str, *, key: str | None = None) -> Onboarding:
        """Agree to a version of some terms; `who` is the person that does."""
        return await self._send(write(Onboarding, "PUT", "onboarding", "terms", terms_name, body={"version": version, "who": who}, key=key))

    async def tell_taxes(  # noqa: PLR0913  # the facts, all by name
        self,
        legal_name: str,
        address: str,
        country: str,
        *,
        vat_id: str | None = None,
        tax_number: str | None = None,
        exempt_because: str | None = None,
        key: str | None = None,
    ) -> Onboarding:
        """Say who is taxed; one of the last three."""
        who = said(vat_id=vat_id, tax_number=tax_number, exempt_because=exempt_because)
        body = {"legal_name": legal_name, "address": address, "country": country, **who}
        return await self._send(write(Onboarding, "PUT", "onboarding", "tax", body=body, key=key))

    async def choose_channel(self, channel: str, *, adapter: str | None = None, note: str = "", key: str | None = None) -> Onboarding:
        """Say how orders are to reach you; `adapter` as its report names it."""
        body = said(channel=channel, adapter=adapter, note=note)
        return await self._send(write(Onboarding, "PUT", "onboarding", "channel", body=body, key=key))

    async def certify(self, report: bytes, *, key: str | None = None) -> Onboarding:
        """Upload the ``report.json`` of the conformance kit, as the kit wrote it."""
        return await self._send(write(Onboarding, "POST", "onboarding", "certificates", body=msgspec.Raw(report), key=key))

    async def submit(self, note: str = "", *, key: str | None = None) -> Onboarding:
        """Ask the operators to look at it. Raises `Conflict` while something is missing."""
        return await self._send(write(Onboarding, "POST", "onboarding", "submit", body={"note": note}, key=key))
