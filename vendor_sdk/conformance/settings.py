"""What a certification is told of an adapter: ``certify.toml`` in its project."""

import hashlib
import inspect
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta

from vendor_sdk.errors import Misconfigured
from vendor_sdk.guard import Seconds
from vendor_sdk.messages import Sku
from vendor_sdk.registry import find
from vendor_sdk.subjects import VENDOR_PATTERN

FILE = "certify.toml"
SECRET = re.compile(r"secret|token|passw|key|seed|credential|auth", re.IGNORECASE)
"""Names of settings whose values must not be told."""

WhyNot = Annotated[str, Meta(min_length=10, max_length=500)]


class Skus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the vendor's system has in stock: plenty of one SKU, exactly `units` free units of another."""

    plenty: Sku
    few: Sku
    units: Annotated[int, Meta(ge=3, le=1_000)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to certify one adapter.

    `upstream` names the key of `config` that holds the address of the vendor's system: the kit stands in between and
    makes it fail. `status` are the names of the fields in which that system tells how an order is. `stage` is a
    ``module:Class`` of `vendor_sdk.conformance.stage.Stage` for what data cannot say. `skip` gives a reason for each
    rule or level that is left out. `patience` is how long (seconds) an answer may take. `reaches` names the command that
    calls the vendor's system, if what is asked first of a sub-order is answered without it.
    """

    adapter: str
    vendor: Annotated[str, Meta(pattern=VENDOR_PATTERN)] = "certify"
    config: dict[str, Any] = {}
    upstream: str = ""
    status: tuple[str, ...] = ("status",)
    skus: Skus | None = None
    stage: str = ""
    skip: dict[str, WhyNot] = {}
    patience: Seconds = 5.0
    reaches: Literal["", "orders.recall", "shipping.track"] = ""


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """Settings, the hash of what of them may be known, and the values that may not."""

    settings: Settings
    config_hash: str
    secrets: tuple[str, ...] = ()

    def told(self, text: str) -> str:
        """A text without the secrets that slipped into it."""
        for secret in self.secrets:
            text = text.replace(secret, "…")
        return text


def located(name: str) -> Path:
    """The file that `name` means: itself, the one in that folder, or the one beside that adapter. Raises `Misconfigured`."""
    path = Path(name or ".")
    if path.is_file():
        return path
    if path.is_dir() and (path / FILE).is_file():
        return path / FILE
    if not name:
        raise Misconfigured(f"there is no {FILE} here: name an adapter, or its folder")
    beside = Path(inspect.getfile(find(name))).parent
    for folder in (beside, beside.parent):
        if (folder / FILE).is_file():
            return folder / FILE
    raise Misconfigured(f"{name}: there is no {FILE} in {beside}")


def load(path: Path, environ: Mapping[str, str] | None = None) -> Loaded:
    """The settings in the file at `path`. Raises `Misconfigured` naming the file and the wrong, missing or unknown key.

    ``SPOKE_<VENDOR>_CONFIG_<KEY>`` in the environment gives secrets to `config`, as for a running spoke.
    """
    environ = os.environ if environ is None else environ
    try:
        settings = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Settings)
    except FileNotFoundError as error:
        raise Misconfigured(f"{path}: there is no such file") from error
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{path}: {error}") from error
    own = f"SPOKE_{settings.vendor.upper().replace('-', '_')}_CONFIG_"
    given = {name.removeprefix(own).lower(): value for name, value in environ.items() if name.startswith(own)}
    secrets = {value for value in (*given.values(), *_secrets(settings.config)) if len(value) >= 4}  # noqa: PLR2004 - shorter ones are words
    return Loaded(
        settings=msgspec.structs.replace(settings, config=settings.config | given),
        config_hash=config_hash(settings.config),
        secrets=tuple(sorted(secrets, key=len, reverse=True)),
    )


def config_hash(config: Mapping[str, Any]) -> str:
    """SHA-256 of an adapter's settings without those whose names sound secret; the same for the same settings."""
    return hashlib.sha256(msgspec.json.encode(_open_part(config), order="sorted")).hexdigest()


def _open_part(value: Any) -> Any:
    match value:
        case Mapping():
            table = cast("Mapping[str, Any]", value)
            return {name: _open_part(each) for name, each in table.items() if not SECRET.search(name)}
        case list():
            return [_open_part(each) for each in cast("list[Any]", value)]
        case _:
            return value


def _secrets(value: Any, *, named: bool = False) -> Iterator[str]:
    match value:
        case Mapping():
            for name, each in cast("Mapping[str, Any]", value).items():
                yield from _secrets(each, named=named or SECRET.search(name) is not None)
        case list():
            for each in cast("list[Any]", value):
                yield from _secrets(each, named=named)
        case str() if named:
            yield value
        case _:
            return
