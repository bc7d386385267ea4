"""Finding an adapter by its name: entry points first, then a plain checkout's folder."""

import inspect
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, cast

from vendor_sdk.adapter import Adapter
from vendor_sdk.errors import Misconfigured

GROUP = "wheelwright.adapters"
"""The entry point group in which a distribution names its adapters: ``shop = "my_shop.adapter:Shop"``."""


def find(name: str) -> type[Adapter[Any]]:
    """The adapter class called `name`: an entry point, ``module:Class``, or the one in ``spokes/<name>/adapter.py``.

    Raises `Misconfigured` if there is none.
    """
    for point in entry_points(group=GROUP, name=name):
        return _checked(name, point.load())
    if ":" in name:
        module, _, attribute = name.partition(":")
        return _checked(name, getattr(_imported(name, module), attribute, None))
    module_name = f"spokes.{name}.adapter"
    module = _imported(name, module_name)
    for _, found in inspect.getmembers(module, inspect.isclass):
        if found.__module__ == module_name and issubclass(found, Adapter):
            return _checked(name, cast("object", found))
    raise Misconfigured(f"{module_name} holds no adapter")


def _imported(name: str, module: str) -> object:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            raise Misconfigured(f"no adapter is called {name!r} (looked for entry point {GROUP}:{name} and module {module})") from error
        raise


def _checked(name: str, found: object) -> type[Adapter[Any]]:
    if not (isinstance(found, type) and issubclass(found, Adapter)):
        raise Misconfigured(f"{name!r} is no Adapter class")
    adapter = cast("type[Adapter[Any]]", found)
    if missing := getattr(adapter, "__abstractmethods__", None):
        raise Misconfigured(f"{name!r} does not implement {', '.join(sorted(missing))}")
    return adapter
