"""Owns the `hub` command: each word starts one part of the hub, or all of them."""

import inspect
import json
import os
import sys
from collections.abc import Awaitable
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number

from hub.embedded.lineage import end_with_parent
from hub.settings import SettingsRefused, load_settings, masked

DATA = Path(".wheelwright")

File = Annotated[Path | None, Parameter(name="--settings", help="TOML file with the settings that differ from the defaults.")]
Data = Annotated[Path, Parameter(help="Folder that holds everything `hub run` keeps.")]
Hooks = Annotated[tuple[str, ...], Parameter(negative="")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print the report as JSON.")]
Port = Annotated[int, Parameter(validator=Number(gte=0, lte=65_535))]

app = App(name="hub", help="Wheelwright: one order over many vendors, routed, split, paid, shipped and paid out.", version_flags=[])
app.command("hub.dlq.commands:app", name="dlq", help="Look into what failed, mend it and send it again, or give it up.")


@app.command
def api(*, port: Port | None = None, settings: File = None) -> None:
    """Serve the HTTP API."""
    loaded = load_settings(settings)
    if port is not None:
        loaded = msgspec.structs.replace(loaded, http=msgspec.structs.replace(loaded.http, port=port))
    _call("hub.app:serve", loaded)


@app.command
def worker(*, settings: File = None) -> None:
    """Do what is due: publish commands, take in what vendors tell, move sagas on."""
    _call("hub.worker:run", load_settings(settings))


@app.command
def migrate(*, down: bool = False, settings: File = None) -> None:
    """Bring the database to the newest schema; with --down, take everything away again."""
    _call("hub.migrate:downgrade" if down else "hub.migrate:upgrade", load_settings(settings))


@app.command
def seed(*, data: Data = DATA, settings: File = None) -> None:
    """Put sample vendors, a catalog and keys into an empty hub."""
    _call("hub.seed:seed", load_settings(settings), data)


@app.command
def sandbox(  # noqa: PLR0913 - one per option
    *,
    data: Path | None = None,
    host: str = "127.0.0.1",
    port: Port = 8010,
    onboard: bool = False,
    webhook: Hooks = (),
    connect_webhook: Hooks = (),
    every_event: bool = False,
    settings: File = None,
) -> None:
    """Serve the simulated payment provider; --data FILE keeps its state, --onboard onboards every connected account at once.

    --webhook URL=SECRET is told of the platform's events, --connect-webhook URL=SECRET of the connected accounts'; each may be
    given several times. Without =SECRET it is signed with that of the settings. They are told what `hub stripe-events` lists;
    --every-event tells all that Stripe would tell who asks for everything.
    """  # fmt: skip
    from hub.sandbox.webhook_endpoints import endpoints
    from hub.webhooks.kinds import OURS, THEIRS

    s, every = load_settings(settings).stripe, ("*",)
    told = endpoints(webhook, s.webhook_secret, connect=False, events=every if every_event else OURS)
    told += endpoints(connect_webhook, s.connect_webhook_secret, connect=True, events=every if every_event else THEIRS)
    _call("hub.sandbox.serve:serve", data, host, port, onboard=onboard, webhooks=told, **({"secret": s.api_key} if s.api_key else {}))


@app.command
def reconcile(
    *, since: date | None = None, until: date | None = None, as_json: Json = False, data: Path | None = None, settings: File = None
) -> int:
    """Prove the providers' books against ours over these days (UTC, both included; yesterday and today if not given).

    --data FOLDER: of the hub that `hub run` runs there. Ends with 1 if anything differs or a provider could not be asked.
    """  # fmt: skip
    from hub.embedded.folder import Folder

    where = {} if data is None else Folder(data).running().environment
    loaded = load_settings(settings, dict(os.environ) | where)
    return int(_call("hub.worker.reconcile:reconcile", loaded, since, until, as_json=as_json))


@app.command(name="nats-config")
def nats_config(*, settings: File = None) -> None:
    """Print the broker's configuration for the vendors in the database."""
    _call("hub.embedded.external:print_config", load_settings(settings))


@app.command(name="stripe-events")
def stripe_events() -> None:
    """Print what Stripe is to be asked for: the kinds of events of each of the hub's two webhook endpoints."""
    from hub.webhooks.kinds import OURS, THEIRS

    for path, kinds in (("/v1/webhooks/stripe", OURS), ("/v1/webhooks/stripe/connect", THEIRS)):
        print(path, *kinds, sep="\n  ")


@app.command(name="settings")
def show(*, settings: File = None) -> None:
    """Print the settings in force, secrets masked."""
    for section, values in masked(load_settings(settings)).items():
        print(f"[{section}]")
        for key, value in values.items():
            print(f"{key} = {json.dumps(value)}")
        print()


@app.command
def run(  # noqa: PLR0913 - one per option
    *,
    data: Data = DATA,
    ephemeral: bool = False,
    port: Port | None = None,
    pg_port: Port = 0,
    nats_port: Port = 0,
    stripe_port: Port = 0,
    settings: File = None,
) -> None:
    """Run everything on this machine: PostgreSQL, NATS, API, worker, vendors' spokes and the payment sandbox.

    --ephemeral keeps nothing. Ports not given: 8000 for the API, any free one for the rest.
    """  # fmt: skip
    from hub.embedded.start import start
    from hub.embedded.supervisor import Ports

    loaded = load_settings(settings)  # in any case: what is refused is refused before anything starts
    ports = Ports(http=loaded.http.port if port is None else port, postgres=pg_port, nats=nats_port, stripe=stripe_port)
    _await(start(None if ephemeral else data, ports, settings))


@app.command
def demo(*, data: Data = DATA) -> int:
    """Place an order over three vendors and watch it to its end; starts a hub of its own if none runs."""
    return _against_running_hub("hub.demo:demo", data)


@app.command
def replay(  # noqa: PLR0913 - one per option
    orders: Path,
    /,
    *,
    data: Path | None = None,
    buyers: Annotated[int, Parameter(validator=Number(gte=1))] = 16,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    trouble: Annotated[int, Parameter(validator=Number(gte=0, lte=100))] = 10,
    kill: bool = False,
    rounds: Annotated[int, Parameter(validator=Number(gte=1))] = 5,
    seed: int = 1,
) -> None:
    """Place the recorded orders in a folder and check that each ends right, on the hub of --data or one of its own.

    --trouble PERCENT of the orders are refunded, wholly or in part, before or after their vendors have the money, or disputed.
    --kill: meanwhile the worker, the spokes and the broker are killed, each --rounds times, at moments that --seed decides.
    """  # fmt: skip
    from hub.replay import Plan

    _call("hub.replay:replay", orders, data, Plan(buyers=buyers, limit=limit, trouble=trouble, kill=kill, rounds=rounds, seed=seed))


@app.command
def simulate(
    *,
    seed: int | None = None,
    orders: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    story: Annotated[bool, Parameter(negative="")] = False,
    faults: str = "",
    without: str = "",
    seconds: Annotated[float | None, Parameter(name="--for", validator=Number(gt=0))] = None,
) -> int:
    """Let the hub's own code live through a world that fails around it, on a virtual clock; a seed gives the same world again.

    --for SECONDS: fresh worlds until then; without --seed the clock chooses. --faults NAME,NAME: these alone; --without NAME,NAME:
    all but these. --story tells what happened to those with whom something is wrong. Ends with 1 if a law was broken.
    """  # fmt: skip
    from hub.simulation.command import Wanted, run

    wanted = Wanted(seed=seed, orders=orders, faults=_names(faults), without=_names(without), story=story, seconds=seconds)
    return run(wanted)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def main() -> None:
    """The `hub` command."""
    end_with_parent()
    try:
        app()
    except BrokenPipeError:  # whoever read our output has read enough
        os._exit(0)
    except (SettingsRefused, RuntimeError, OSError) as failed:
        if os.environ.get("WHEELWRIGHT_TRACEBACK"):
            raise
        print(f"hub: {failed}", file=sys.stderr)
        sys.exit(1)


def _against_running_hub(target: str, data: Path, *words: Any, **options: Any) -> int:
    """Call `target(settings, url, data, …)` with the running hub's, or with those of one started for it."""
    from hub.embedded.start import running_hub

    with running_hub(data) as (running, folder):
        loaded = load_settings(None, dict(os.environ) | running.environment)
        return int(_call(target, loaded, running.url, folder, *words, **options) or 0)


def _call(target: str, *words: Any, **options: Any) -> Any:
    """Import the module only now: `hub settings` need not wait for the whole application."""
    module, _, name = target.partition(":")
    result = getattr(import_module(module), name)(*words, **options)
    return _await(result) if inspect.isawaitable(result) else result


def _await(result: Awaitable[Any]) -> Any:
    import uvloop

    async def finish() -> Any:
        return await result

    return uvloop.run(finish())


if __name__ == "__main__":
    main()
