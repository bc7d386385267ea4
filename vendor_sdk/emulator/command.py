"""``vendor-sdk emulate``: what it takes, and what it ends with."""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from vendor_sdk import logs
from vendor_sdk.emulator import catalog
from vendor_sdk.emulator.emulator import Emulator, Setup
from vendor_sdk.emulator.faults import SAYS, Dice, Fault
from vendor_sdk.emulator.http.serve import serve
from vendor_sdk.emulator.laws import last_word
from vendor_sdk.emulator.narrate import Narrator
from vendor_sdk.emulator.play import Player, Verdict
from vendor_sdk.emulator.scenarios import Scenario, scenarios
from vendor_sdk.errors import AdapterError, Misconfigured
from vendor_sdk.settings import load

BY_HAND = "vendor"
"""The code of a vendor without an adapter."""
PORT = 8787


COMMAND = "emulate"


def add_command(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """The command and what it takes."""
    add = add_parser(COMMAND, help="a hub for one vendor on this machine, offline: scenarios, faults, a movable clock").add_argument
    add(
        "name",
        nargs="?",
        metavar="NAME",
        help="the vendor whose NAME.toml names its adapter; without it, orders are answered by hand over HTTP",
    )
    add("--config", type=Path, default=Path("config/spokes"), help="folder of the spokes' settings (default: %(default)s)")
    add("--data", type=Path, help="folder that keeps the state over restarts (default: nothing is kept)")
    add("--scenario", action="append", default=[], metavar="NAME", help="play this and end with a verdict; several, or: all")
    add("--fault", action="append", default=[], choices=list(Fault), help="what goes wrong on the way; several")
    add("--seed", type=int, default=1, help="decides what the faults strike (default: %(default)s)")
    add("--catalog", type=Path, metavar="FILE", help="TOML with what you sell: [[offers]] with sku, price in minor units, title, stock")
    add("--port", type=int, default=PORT, help="where the vendor API is served on 127.0.0.1 (default: %(default)s; 0: any)")
    add("--forward-to", metavar="URL", help="an endpoint of yours that every webhook is sent to")
    add("--speed", type=float, default=1.0, help="how many seconds pass in one (default: %(default)s)")
    add(
        "--patience",
        type=float,
        default=0.05,
        help="seconds that your system is given before a scenario's time jumps (default: %(default)s)",
    )
    add("--list", action="store_true", help="tell which scenarios and faults there are")
    add("--log-level", default="ERROR", choices=["DEBUG", "INFO", "WARNING", "ERROR"])


def emulate(arguments: argparse.Namespace) -> int:
    """0 when stopped by a signal or when all scenarios ended well, 1 when one did not, 2 for wrong settings."""
    if arguments.list:
        Narrator().say(listing())
        return 0
    logs.configure(arguments.log_level)
    os.umask(0o077)  # a book names people and holds a key
    try:
        _check(arguments)
        return asyncio.run(_scenarios(arguments) if arguments.scenario else _serve(arguments))
    except AdapterError as error:
        Narrator(sys.stderr).say(error.message)
        return 2


def listing() -> str:
    """The scenarios and faults, with what they are."""
    told = {
        "Scenarios": {name: one.says for name, one in scenarios().items()},
        "Faults": {str(fault): says for fault, says in SAYS.items()},
    }
    return "\n\n".join(f"{title}\n" + "\n".join(f"  {name:14} {says}" for name, says in found.items()) for title, found in told.items())


def _check(arguments: argparse.Namespace) -> None:
    if arguments.scenario and not arguments.name:
        raise Misconfigured("a scenario is played against an adapter: name the vendor")
    if unknown := set(arguments.scenario) - {*scenarios(), "all"}:
        raise Misconfigured(f"no scenario {min(unknown)}: see --list")
    if not 0 < arguments.speed <= 100_000:  # noqa: PLR2004  # a day in a second
        raise Misconfigured("--speed is between 0 and 100000")


def _setup(arguments: argparse.Namespace, data: Path, told: Narrator) -> Setup:
    loaded = load(arguments.config / f"{arguments.name}.toml") if arguments.name else None
    return Setup(
        vendor=loaded.settings.vendor if loaded else BY_HAND,
        data=data,
        loaded=loaded,
        saves=arguments.data is not None and not arguments.scenario,
        dice=Dice(arguments.seed, frozenset(Fault(fault) for fault in arguments.fault)),
        speed=arguments.speed,
        told=told,
    )


async def _serve(arguments: argparse.Namespace) -> int:
    goods = catalog.read(arguments.catalog) if arguments.catalog else catalog.SAMPLE
    with tempfile.TemporaryDirectory(prefix="emulator-") as folder:
        narrator = Narrator()
        emulator = Emulator(_setup(arguments, arguments.data or Path(folder), narrator))
        emulator.change(lambda turn: catalog.stock_up(turn, goods))
        await serve(emulator, port=arguments.port, forward_to=arguments.forward_to, say=narrator.say)
    return 0


async def _scenarios(arguments: argparse.Namespace) -> int:
    known = scenarios()
    names = list(known) if "all" in arguments.scenario else list(dict.fromkeys(arguments.scenario))
    failed = [name for name in names if not await _play(arguments, name, known[name])]
    if len(names) > 1:
        rest = f"; not: {', '.join(failed)}" if failed else ""
        Narrator().say(f"\n{len(names) - len(failed)} of {len(names)} scenarios ended well{rest}")
    return 1 if failed else 0


async def _play(arguments: argparse.Namespace, name: str, scenario: Scenario) -> bool:
    goods = catalog.read(arguments.catalog) if arguments.catalog else catalog.SAMPLE
    narrator = Narrator()
    narrator.say(f"\n{name}: {scenario.says}")
    with tempfile.TemporaryDirectory(prefix="emulator-") as folder:
        emulator = Emulator(_setup(arguments, arguments.data or Path(folder), narrator))
        emulator.change(lambda turn: catalog.stock_up(turn, goods))
        await emulator.start()
        try:
            verdict = await Player(emulator, arguments.patience).play(scenario)
        finally:
            await emulator.stop()
    _judge(narrator, name, verdict)
    return not verdict.breaches


def _judge(narrator: Narrator, name: str, verdict: Verdict) -> None:
    for part in verdict.ended:
        narrator.say(f"  {last_word(part)}")
    for breach in verdict.breaches:
        narrator.say(f"  NOT WELL: {breach}")
    narrator.say(f"{name}: {'FAILED' if verdict.breaches else 'passed'}")
