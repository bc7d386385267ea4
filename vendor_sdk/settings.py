"""One spoke's settings: ``NAME.toml`` with the environment on top; secrets come only from the environment or a file."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from vendor_sdk.errors import Misconfigured
from vendor_sdk.feeder import Schedule
from vendor_sdk.guard import Count, Limits, Seconds
from vendor_sdk.subjects import VENDOR_PATTERN

PREFIX = "SPOKE_"
SECRETS = ("NATS_SEED", "NATS_PASSWORD")
SEED_FILE_VENDOR = "{vendor}"


class Nats(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to reach the broker. Sign in by nkey (`seed_file`, or the seed in the environment), by `creds_file`, or by `user`.

    Relative paths are relative to the settings' file; ``{vendor}`` in `seed_file` stands for the vendor's code.
    Several servers of one cluster in `url` are separated by commas. `idle_heartbeat` is how often the broker says that
    a pull is alive; `pull_expires` how long a pull waits.
    """

    url: str = "nats://127.0.0.1:4222"
    seed_file: str = ""
    creds_file: str = ""
    user: str = ""
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    ping: Seconds = 5.0
    idle_heartbeat: Seconds = 5.0
    pull_expires: Seconds = 30.0
    publish_timeout: Seconds = 5.0


class Secrets:
    """What must never stand in a settings file or a log."""

    def __init__(self, seed: str = "", password: str = "") -> None:
        self.seed = seed
        self.password = password

    def __repr__(self) -> str:
        return "Secrets(…)"


class SpokeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything about one spoke. `config` is the adapter's own; `concurrency` bounds each capability's commands in work at once."""

    adapter: str
    vendor: Annotated[str, Meta(pattern=VENDOR_PATTERN)]
    config: dict[str, Any] = {}
    nats: Nats = Nats()
    guard: Limits = Limits()
    feeds: Schedule = Schedule()
    concurrency: Count = 16
    heartbeat: Seconds = 3.0
    progress: Seconds = 5.0
    """How often the broker is told that a command is still in work; below the consumer's first redelivery time."""
    nak_delay_max: Seconds = 30.0
    drain: Seconds = 10.0
    """How long a stopping spoke waits for the commands in work."""


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """Settings with what may not stand in them."""

    settings: SpokeSettings
    secrets: Secrets


def load(path: Path, environ: Mapping[str, str] | None = None) -> Loaded:
    """The settings in the file at `path`. Raises `Misconfigured` naming the file and the wrong, missing or unknown key.

    ``SPOKE_<KEY>`` and ``SPOKE_<TABLE>_<KEY>`` (``SPOKE_NATS_URL``) override every spoke; ``SPOKE_<VENDOR>_NATS_SEED``,
    ``…_NATS_PASSWORD`` and ``…_CONFIG_<KEY>`` are one vendor's secrets (``-`` in a vendor's code is ``_`` there).
    """
    environ = os.environ if environ is None else environ
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise Misconfigured(f"{path}: there is no such file") from error
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{path}: {error}") from error
    data.setdefault("vendor", path.stem)
    own = f"{PREFIX}{str(data['vendor']).upper().replace('-', '_')}_"
    check_environment(environ)
    for keys, name in _overridable(SpokeSettings):
        if (value := environ.get(name)) is not None:
            _put(data, keys, value)
    for name, value in environ.items():
        if name.startswith(f"{own}CONFIG_"):
            _put(data, ["config", name.removeprefix(f"{own}CONFIG_").lower()], value)
    try:
        settings = msgspec.convert(data, SpokeSettings, strict=False)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"{path}: {error}") from error
    seed, password = (environ.get(own + name) or environ.get(PREFIX + name, "") for name in SECRETS)
    return Loaded(settings=msgspec.structs.replace(settings, nats=_located(settings, path.parent)), secrets=Secrets(seed, password))


def check_environment(environ: Mapping[str, str]) -> None:
    """Raises `Misconfigured` naming a ``SPOKE_…`` variable that nothing reads."""
    known = {name for _, name in _overridable(SpokeSettings)} | {PREFIX + name for name in SECRETS}
    own = re.compile(rf"{PREFIX}[A-Z][A-Z0-9_]*_({'|'.join(SECRETS)}|CONFIG_[A-Z0-9_]+)")
    for name in environ:
        if name.startswith(PREFIX) and name not in known and not own.fullmatch(name):
            raise Misconfigured(f"{name}: there is no such setting")


def _overridable(struct: type[msgspec.Struct], keys: tuple[str, ...] = ()) -> Iterator[tuple[list[str], str]]:
    for field in msgspec.structs.fields(struct):
        path = (*keys, field.name)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from _overridable(field.type, path)
        elif path not in {("vendor",), ("config",)}:
            yield list(path), PREFIX + "_".join(path).upper()


def _put(data: dict[str, Any], keys: list[str], value: str) -> None:
    *tables, last = keys
    for table in tables:
        data = data.setdefault(table, {})
    data[last] = value


def _located(settings: SpokeSettings, folder: Path) -> Nats:
    nats = settings.nats
    names = ("seed_file", "creds_file", "tls_ca", "tls_cert", "tls_key")
    paths = {name: str(folder / path.replace(SEED_FILE_VENDOR, settings.vendor)) for name in names if (path := getattr(nats, name))}
    return msgspec.structs.replace(nats, **paths)
