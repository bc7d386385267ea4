"""Owns the cutting of links from brokers on vendors' premises.

A reload drops clients whose key has ended, but no link of another broker (seen with 2.15.1).
"""

from collections.abc import Callable, Collection, Iterable

import msgspec
import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError

from hub.embedded.nats_config import VendorAccount
from vendor_sdk.subjects import account

ANSWER_SECONDS = 2.0


class NotCut(RuntimeError):
    """The broker did not answer; the links stand as they did."""


def losers(before: Iterable[VendorAccount], after: Iterable[VendorAccount]) -> set[str]:
    """The vendors some key of whom has ended between two configurations."""
    kept = {vendor.code: {vendor.nkey, *vendor.others} for vendor in after}
    return {vendor.code for vendor in before if {vendor.nkey, *vendor.others} - kept.get(vendor.code, set())}


async def cut_leaves(url: str, system_seed: str, vendors: Collection[str], tell: Callable[[str], None]) -> None:
    """Cut every link into the accounts of these vendors; with a key in force a link is back within a second. Raises `NotCut`."""
    try:
        client = await nats.connect(url, nkeys_seed_str=system_seed, allow_reconnect=False, connect_timeout=2)  # pyright: ignore[reportUnknownMemberType] - untyped options
        try:
            for vendor in sorted(vendors):
                if cut := await _cut(client, account(vendor)):
                    tell(f"{cut} link(s) of {vendor} cut: a key of it has ended")
        finally:
            await client.close()
    except (NatsError, OSError, TimeoutError, msgspec.MsgspecError) as failed:
        raise NotCut(f"links of {', '.join(sorted(vendors))} not cut: {failed!r}") from failed


class _Link(msgspec.Struct):
    id: int
    account: str


class _Links(msgspec.Struct):
    leafs: list[_Link] | None = None


class _Server(msgspec.Struct):
    id: str


class _Said(msgspec.Struct):
    server: _Server
    data: _Links


async def _cut(client: Client, name: str) -> int:
    """How many links into the account of that name were cut."""
    asked = msgspec.json.encode({"account": name})
    answer = await client.request("$SYS.REQ.SERVER.PING.LEAFZ", asked, timeout=ANSWER_SECONDS)
    said = msgspec.json.decode(answer.data, type=_Said)
    links = [link.id for link in said.data.leafs or [] if link.account == name]
    for link in links:
        await client.request(f"$SYS.REQ.SERVER.{said.server.id}.KICK", msgspec.json.encode({"cid": link}), timeout=ANSWER_SECONDS)
    return len(links)
