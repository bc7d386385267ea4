"""The `vendor-sdk` command: begin an adapter, certify it, run spokes, hear webhooks, emulate a hub."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from vendor_sdk import fleet, logs, new
from vendor_sdk.conformance import command as certifying
from vendor_sdk.emulator import command as emulator
from vendor_sdk.errors import Misconfigured
from vendor_sdk.webhooks import cli as webhooks


def main(argv: list[str] | None = None) -> int:
    """``vendor-sdk COMMAND …``; 0 when all went well or a signal ended it, 1 for what is not kept, 2 for wrong settings."""
    parser = argparse.ArgumentParser(prog="vendor-sdk", description="Connect a vendor's system to a Wheelwright hub.")
    commands = parser.add_subparsers(dest="command", required=True)
    add_run_arguments(commands.add_parser("run", help="run the spokes of one or many vendors until SIGTERM"))
    certifying.add_arguments(commands.add_parser("certify", help="try an adapter against every rule of the hub"))
    new.add_arguments(commands.add_parser("new", help="begin an adapter: a project with three files to fill"))
    webhooks.add_commands(commands.add_parser)
    emulator.add_command(commands.add_parser)
    arguments = parser.parse_args(argv)
    act: dict[str, Callable[[argparse.Namespace], int]] = {
        "run": run,
        "certify": certifying.run,
        "new": new.run,
        emulator.COMMAND: emulator.emulate,
    }
    return act.get(arguments.command, webhooks.run)(arguments)


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """What running spokes takes."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="run the spoke of NAME.toml in the config folder")
    parser.add_argument("--config", type=Path, default=Path("config/spokes"), help="folder of the spokes' settings (default: %(default)s)")
    parser.add_argument(
        "--data", type=Path, default=Path(".wheelwright/spokes"), help="folder for the spokes' memory (default: %(default)s)"
    )
    parser.add_argument("--all", action="store_true", help="run the spoke of every *.toml in the config folder")
    parser.add_argument("--watch", action="store_true", help="as --all, and follow the folder as files come, change and go")
    parser.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])


def run(arguments: argparse.Namespace) -> int:
    """Run until a signal; the process's exit code."""
    logs.configure(arguments.log_level)
    os.umask(0o077)  # orders name people: what a spoke remembers is for its own account alone
    config: Path = arguments.config
    names: list[str] = list(dict.fromkeys(arguments.names))
    if arguments.all:
        names = sorted({*names, *(path.stem for path in config.glob("*.toml"))})
    if not names and not arguments.watch:
        print(f"no spokes to run: name them, or put NAME.toml into {config} and say --all", file=sys.stderr)
        return 2
    try:
        _run(fleet.run([] if arguments.watch else names, config=config, data=arguments.data, watch=arguments.watch))
    except Misconfigured as error:
        logging.getLogger(__name__).error("%s", error.message)  # noqa: TRY400 - the message says it all
        return 2
    return 0


def _run(work: Coroutine[Any, Any, None]) -> None:
    """On uvloop where that is installed: it does the same for less."""
    try:
        import uvloop  # pyright: ignore[reportMissingImports]  # an extra
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)


if __name__ == "__main__":
    sys.exit(main())
