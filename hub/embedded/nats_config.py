"""Owns the broker's configuration: one account per vendor, all streams in the hub's account. Pure.

Permissions inside a shared account do not isolate (a reply subject is not checked), accounts do: a vendor's account
imports the pulling of its own commands, the acks on them and the publishing of its own events and feeds, and nothing else
exists for it. Which vendor speaks is said by the account, never by the message.
"""

from collections.abc import Iterable, Sequence

import msgspec

from vendor_sdk.subjects import SPOKE_JETSTREAM_PREFIX, account, command_stream

HUB_ACCOUNT = "HUB"
SYSTEM_ACCOUNT = "SYS"


class BrokerUser(msgspec.Struct, frozen=True, kw_only=True):
    """Who may enter an account: the holder of an nkey (its public half, `U…`), or a user with a password."""

    nkey: str = ""
    user: str = ""
    password: str = ""

    def line(self) -> str:
        """As the broker's configuration writes it; a password like `$NAME` is left for the broker's environment."""
        if self.nkey:
            return f'{{ nkey: "{self.nkey}" }}'
        password = self.password if self.password.startswith("$") else f'"{self.password}"'
        return f'{{ user: "{self.user}", password: {password} }}'


class VendorAccount(msgspec.Struct, frozen=True):
    """One vendor at the broker: its code, the public half of its spoke's nkey, and those that open its account beside it for a while."""

    code: str
    nkey: str
    others: tuple[str, ...] = ()


def nats_config(
    vendors: Sequence[VendorAccount],
    *,
    hub: BrokerUser,
    system: BrokerUser,
    listen: str = "",
    store_dir: str = "",
    leaf_listen: str = "",
) -> str:
    """The whole text. `listen` (`host:port`) and `store_dir` are left out when the command line gives them.

    `leaf_listen` is where brokers on vendors' premises may link to us, each with an nkey of its vendor's; empty: none may.
    """
    ordered = sorted(_apart(vendors, {hub.nkey, system.nkey}), key=lambda vendor: vendor.code)
    head = ['server_name: "wheelwright"']
    if listen:
        head.append(f'listen: "{listen}"')
    if leaf_listen:
        head.append(f'leafnodes {{ listen: "{leaf_listen}" }}')
    store = f'store_dir: "{store_dir}", ' if store_dir else ""
    return "\n".join(
        [
            *head,
            "max_payload: 1MB",
            'ping_interval: "20s"',
            f"jetstream {{ {store}max_memory_store: 256MB, max_file_store: 20GB }}",
            f"system_account: {SYSTEM_ACCOUNT}",
            "accounts {",
            f"  {SYSTEM_ACCOUNT}: {{ users: [ {system.line()} ] }}",
            *_hub(ordered, hub),
            *(line for vendor in ordered for line in _vendor(vendor)),
            "}",
            "",
        ]
    )


def _apart(vendors: Iterable[VendorAccount], taken: set[str]) -> Iterable[VendorAccount]:
    """Each nkey once: for one that opens two accounts the broker would refuse everything, and with it every other vendor."""
    for vendor in vendors:
        own = [nkey for nkey in dict.fromkeys((vendor.nkey, *vendor.others)) if nkey not in taken]
        taken.update(own)
        if own:
            yield VendorAccount(vendor.code, own[0], tuple(own[1:]))


def _hub(vendors: Sequence[VendorAccount], user: BrokerUser) -> Iterable[str]:
    yield f"  {HUB_ACCOUNT}: {{"
    yield "    jetstream: enabled"
    yield f"    users: [ {user.line()} ]"
    yield "    exports: ["
    for vendor in vendors:
        only = f'accounts: ["{account(vendor.code)}"]'
        pull, ack = _pull(vendor.code), _ack(vendor.code)
        yield f'      {{ service: "{pull}", response_type: "stream", {only} }}'  # one pull is answered by many messages
        yield f'      {{ service: "{ack}", {only} }}'
        yield f'      {{ service: "evt.{vendor.code}.>", {only} }}'  # a service, so that the stream's receipt comes back
        yield f'      {{ service: "feed.{vendor.code}.>", {only} }}'
    yield "    ]"
    yield "    imports: ["
    for vendor in vendors:
        name = account(vendor.code)
        yield f'      {{ service: {{ account: "{name}", subject: "rpc.>" }}, to: "rpc.{vendor.code}.>" }}'
        yield f'      {{ stream: {{ account: "{name}", subject: "hb" }}, to: "hb.{vendor.code}" }}'
    yield "    ]"
    yield "  }"


def _vendor(vendor: VendorAccount) -> Iterable[str]:
    code = vendor.code
    local_pull = _pull(code).replace("$JS.API", SPOKE_JETSTREAM_PREFIX, 1)
    yield f'  "{account(code)}": {{'
    yield f"    users: [ {', '.join(BrokerUser(nkey=nkey).line() for nkey in (vendor.nkey, *vendor.others))} ]"
    yield f'    exports: [ {{ service: "rpc.>", accounts: [{HUB_ACCOUNT}] }}, {{ stream: "hb", accounts: [{HUB_ACCOUNT}] }} ]'
    yield "    imports: ["
    yield f'      {{ service: {{ account: {HUB_ACCOUNT}, subject: "{_pull(code)}" }}, to: "{local_pull}" }}'
    yield f'      {{ service: {{ account: {HUB_ACCOUNT}, subject: "{_ack(code)}" }} }}'
    yield f'      {{ service: {{ account: {HUB_ACCOUNT}, subject: "evt.{code}.>" }}, to: "evt.>" }}'
    yield f'      {{ service: {{ account: {HUB_ACCOUNT}, subject: "feed.{code}.>" }}, to: "feed.>" }}'
    yield "    ]"
    yield "  }"


def _pull(code: str) -> str:
    return f"$JS.API.CONSUMER.MSG.NEXT.{command_stream(code)}.*"  # on this stream every consumer is the spoke's


def _ack(code: str) -> str:
    return f"$JS.ACK.{command_stream(code)}.>"
