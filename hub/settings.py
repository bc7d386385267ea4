"""Owns what may be set: read from config/settings.toml, a file on top, the environment on top of that; wrong keys are refused."""

import difflib
import os
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec

from hub.sections import Settings, holds_password, masked_section, secrets_of

_TREE = Path(__file__).resolve().parent.parent
SHIPPED = _TREE if (_TREE / "pyproject.toml").exists() else Path(sys.prefix) / "share" / "wheelwright"
"""Holds config/ and migrations/: the source tree, or where a wheel has put them."""
CONFIG = SHIPPED / "config"
DEFAULTS = CONFIG / "settings.toml"
ENVIRONMENT_PREFIX = "WHEELWRIGHT__"


class SettingsRefused(ValueError):
    """A setting that does not exist, is in the wrong place or has a wrong value; the text names it."""


T = TypeVar("T")
Layer = dict[str, dict[str, Any]]


def load_settings(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force: defaults, then `path`, then `environ`. Raises SettingsRefused naming what is wrong."""
    merged: Layer = {}
    for layer in (_file(DEFAULTS), _file(path) if path else {}, _environment(environ)):
        for section, values in layer.items():
            merged.setdefault(section, {}).update(values)
    try:
        return msgspec.convert(merged, Settings, strict=False)  # lax: the environment knows only text
    except msgspec.ValidationError as wrong:
        raise SettingsRefused(f"settings: {wrong}".replace("$.", "")) from wrong


def read_rules(chosen: str, shipped: str, convert: Callable[[dict[str, Any]], T]) -> T:
    """The rules in a file of the operator's, or in the `shipped` one of config/. Raises `SettingsRefused` naming what is wrong."""
    path = Path(chosen) if chosen else CONFIG / shipped
    try:
        return convert(tomllib.loads(path.read_text()))
    except OSError as missing:
        raise SettingsRefused(f"settings: cannot read {path}: {missing.strerror}") from missing
    except ValueError as wrong:  # TOML's and Unicode's errors are of this kind too
        raise SettingsRefused(f"settings: {path}: {wrong}") from wrong


def masked(settings: Settings) -> dict[str, dict[str, Any]]:
    """Every setting by section and key, for showing: secrets that are set become stars."""
    return {name: masked_section(getattr(settings, name)) for name in settings.__struct_fields__}


def _file(path: Path) -> Layer:
    try:
        data = tomllib.loads(path.read_text())
    except OSError as missing:
        raise SettingsRefused(f"settings: cannot read {path}: {missing.strerror}") from missing
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise SettingsRefused(f"settings: {path} is not TOML: {broken}") from broken
    for section, values in data.items():
        if not isinstance(values, dict):
            raise SettingsRefused(f'settings: "{section}" in {path} belongs into a section such as [http]')
        for key, value in values.items():  # pyright: ignore[reportUnknownVariableType] - TOML: checked by msgspec later
            name = f"{section}.{key}"
            _require_known(name, str(path))
            if name in SECRETS or holds_password(value):  # pyright: ignore[reportUnknownArgumentType] - as above
                raise SettingsRefused(f'settings: "{name}" in {path} is a secret: set {_variable(name)} in the environment instead')
    return data


def _environment(environ: Mapping[str, str]) -> Layer:
    layer: Layer = {}
    for variable, value in environ.items():
        if variable.startswith(ENVIRONMENT_PREFIX):
            section, _, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
            _require_known(f"{section}.{key}", f"the environment ({variable})")
            layer.setdefault(section, {})[key] = value
    return layer


def _require_known(name: str, where: str) -> None:
    if name not in KEYS:
        near = difflib.get_close_matches(name, KEYS, n=1, cutoff=0.5)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise SettingsRefused(f'settings: unknown key "{name}" in {where}{hint}')


def _variable(name: str) -> str:
    return ENVIRONMENT_PREFIX + name.upper().replace(".", "__")


def _names(*, secret: bool) -> Iterator[str]:
    for section, kind in get_type_hints(Settings).items():
        for key in secrets_of(kind) if secret else kind.__struct_fields__:
            yield f"{section}.{key}"


KEYS = frozenset(_names(secret=False))
"""Every valid key as `section.key`."""

SECRETS = frozenset(_names(secret=True))
"""Those that only the environment may give."""
