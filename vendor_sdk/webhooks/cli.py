"""`vendor-sdk listen`, `trigger` and `resend`: webhooks by command line."""

import argparse
import asyncio
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from vendor_sdk.client import AsyncClient
from vendor_sdk.client.errors import ClientError
from vendor_sdk.errors import Misconfigured
from vendor_sdk.webhooks.forward import Forwarder
from vendor_sdk.webhooks.listen import listen, moment, resend, resend_since, trigger
from vendor_sdk.webhooks.signing import stable_secret

URL = "VENDOR_API_URL"
KEY = "VENDOR_API_KEY"


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """The commands with what they take, by `add_parser`; `command` of what is parsed names one of `COMMANDS`."""
    hears = add("listen", help="forward webhooks to a server of your own, as they happen")
    hears.add_argument("--forward-to", metavar="URL", help="where to; without it each event is only printed")
    hears.add_argument("--events", metavar="TYPE,…", default="", help="only these types, separated by commas (default: all)")
    hears.add_argument("--every", type=float, default=1.0, metavar="SECONDS", help="how often is looked (default: %(default)s)")
    hears.add_argument("--print-secret", action="store_true", help="print the secret with which is signed, and end")
    asks = add("trigger", help="have the hub make an example of an event")
    asks.add_argument("event", metavar="EVENT", help="its type, such as order.routed")
    asks.add_argument("--endpoint", metavar="ID", help="for this endpoint (default: the one that listens here)")
    again = add("resend", help="tell again what was told before")
    again.add_argument("deliveries", nargs="*", metavar="DELIVERY", help="deliveries, by their ids")
    again.add_argument("--since", metavar="MOMENT", help="all since then: 2026-01-31T08:00Z, or 2h for two hours ago")
    again.add_argument("--endpoint", metavar="ID", help="with --since: only what is for this endpoint")
    again.add_argument("--forward-to", metavar="URL", help="to a server of your own (default: by the hub, to its endpoint)")
    for parser in (hears, asks, again):
        parser.add_argument("--hub", metavar="URL", default=os.environ.get(URL, ""), help=f"the hub's address (default: ${URL})")
        parser.add_argument("--key-file", type=Path, metavar="FILE", help=f"where your API key stands (default: ${KEY})")
        parser.add_argument("--name", default=_here(), help="of what listens (default: this machine's, %(default)s)")
        parser.add_argument("--allow-http", action="store_true", help="send the key unencrypted to another machine")


def run(arguments: argparse.Namespace) -> int:
    """Run a command: 0 if all went well, 1 if the hub or a server said no, 2 for wrong settings."""
    try:
        key = _key(arguments, os.environ)
        if getattr(arguments, "print_secret", False):
            print(stable_secret(key, arguments.name))
            return 0
        return asyncio.run(_with_client(arguments, key))
    except Misconfigured as error:
        print(error.message, file=sys.stderr)
        return 2
    except ClientError as error:
        print(error, file=sys.stderr)
        return 1


async def _with_client(arguments: argparse.Namespace, key: str) -> int:
    async with AsyncClient(arguments.hub, key, allow_http=arguments.allow_http) as client:
        where: str | None = getattr(arguments, "forward_to", None)
        forwarder = Forwarder(where, stable_secret(key, arguments.name)) if where else None
        try:
            return await COMMANDS[arguments.command](arguments, client, forwarder)
        finally:
            if forwarder is not None:
                await forwarder.close()


async def _listen(arguments: argparse.Namespace, client: AsyncClient, forwarder: Forwarder | None) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if forwarder is not None:
        _tell(f"forwarding to {forwarder.url}; `vendor-sdk listen --print-secret` prints with what it is signed")
    types = frozenset(each.strip() for each in arguments.events.split(",") if each.strip())
    await listen(client, forwarder, name=arguments.name, types=types, every=max(0.1, arguments.every), stop=stop, tell=_tell)
    return 0


async def _trigger(arguments: argparse.Namespace, client: AsyncClient, _: Forwarder | None) -> int:
    made = await trigger(client, arguments.event, name=arguments.name, endpoint=arguments.endpoint)
    _tell(f"{made.type}  {made.event_id}  {made.id}")
    return 0


async def _resend(arguments: argparse.Namespace, client: AsyncClient, forwarder: Forwarder | None) -> int:
    if bool(arguments.deliveries) == bool(arguments.since):
        raise Misconfigured("name deliveries, or a moment with --since")
    if arguments.since:
        well = await resend_since(client, moment(arguments.since, time.time()), arguments.endpoint, forwarder, _tell)
    else:
        well = await resend(client, arguments.deliveries, forwarder, _tell)
    return 0 if well else 1


COMMANDS: Mapping[str, Callable[[argparse.Namespace, AsyncClient, Forwarder | None], Awaitable[Any]]] = {
    "listen": _listen,
    "trigger": _trigger,
    "resend": _resend,
}


def _key(arguments: argparse.Namespace, environ: Mapping[str, str]) -> str:
    """From a file or the environment: on a command line everybody on the machine could read it."""
    if not arguments.hub:
        raise Misconfigured(f"which hub? Set {URL}, or name it with --hub")
    if arguments.key_file is None:
        if key := environ.get(KEY, ""):
            return key
        raise Misconfigured(f"whose key? Set {KEY}, or name a file with --key-file")
    try:
        return arguments.key_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"--key-file: {error}") from error


def _here() -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:100] or "here"


def _tell(line: str) -> None:
    print(line, flush=True)
