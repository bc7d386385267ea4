"""Owns the page that shows the API to people: the OpenAPI document as plain HTML, without scripts and without the internet."""

from collections.abc import Iterator
from html import escape
from typing import Any

from litestar import Request
from litestar.openapi.plugins import OpenAPIRenderPlugin

Part = dict[str, Any]

LIMITS = ("format", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties", "default")
PROBLEM = 400

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
code { font-size: .9em } h2 { margin: 2.5rem 0 .5rem } h3 { margin: 1.5rem 0 .3rem }
details { border-top: 1px solid #ddd; padding: .4rem 0 } summary { cursor: pointer } summary span { color: #555 }
b { display: inline-block; width: 4.5rem; color: #0a58a6 } b.POST, b.PUT { color: #1a7f37 } b.DELETE { color: #b42318 }
table { border-collapse: collapse } td { padding: .1rem 1.2rem .1rem 0; vertical-align: top } dt { margin-top: .6rem; color: #555 }
"""


class ApiPage(OpenAPIRenderPlugin):
    """Serves the page at the root of the document's path."""

    def __init__(self) -> None:
        super().__init__(path="/")
        self._page: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: Part) -> bytes:
        """The page; made once, as the document never changes while a process lives."""
        if self._page is None:
            self._page = "\n".join(_page(openapi_schema, self.get_openapi_json_route(request))).encode()
        return self._page


def _page(document: Part, json_path: str) -> Iterator[str]:
    info = document["info"]
    yield f"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>{escape(info['title'])}</title><style>{_STYLE}</style>"
    yield f"<h1>{escape(info['title'])}</h1><p>{escape(info['description'])} The same for machines: <a href={json_path}>OpenAPI</a>.</p>"
    yield "<p>Keys go into <code>Authorization: Bearer …</code>; every refusal is a <a href=#Problem>problem</a> (RFC 9457).</p>"
    for tag, operations in sorted(_by_tag(document).items()):
        yield f"<h2>{escape(tag)}</h2>"
        for method, path, operation in operations:
            yield from _operation(method, path, operation)
    yield "<h2>Bodies</h2>"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f"<h3 id={escape(name)}>{escape(name)}</h3><p>{escape(schema.get('description', ''))}</p>"
        yield from _fields(schema)


def _by_tag(document: Part) -> dict[str, list[tuple[str, str, Part]]]:
    found: dict[str, list[tuple[str, str, Part]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    return found


def _operation(method: str, path: str, operation: Part) -> Iterator[str]:
    said = escape(operation.get("description", ""))
    yield f"<details><summary><b class={method}>{method}</b> <code>{escape(path)}</code> <span>{said}</span></summary><dl>"
    if parameters := operation.get("parameters"):
        yield "<dt>Takes<dd><table>"
        for parameter in parameters:
            yield _row(f"{parameter['name']} ({parameter['in']})", parameter["schema"], required=parameter.get("required", False))
        yield "</table>"
    if body := operation.get("requestBody"):
        yield f"<dt>Body<dd>{_content(body)}"
    refusals: list[str] = []
    for status, answer in sorted(operation["responses"].items()):
        if int(status) < PROBLEM:
            yield f"<dt>Answers {escape(status)}<dd>{_content(answer)}"
        else:
            refusals.append(f"{escape(status)} {escape(answer['description'].lower())}")
    yield f"<dt>Refuses<dd>{', '.join(refusals)}</dl></details>"


def _content(holder: Part) -> str:
    return ", ".join(f"{_type(inner['schema'])} <code>{escape(media)}</code>" for media, inner in holder.get("content", {}).items())


def _fields(schema: Part) -> Iterator[str]:
    if "properties" not in schema:
        yield f"<p>{_type(schema)}"
        return
    yield "<table>"
    for name, inner in schema["properties"].items():
        yield _row(name, inner, required=name in schema.get("required", []))
    yield "</table>"


def _row(name: str, schema: Part, *, required: bool) -> str:
    limits = ", ".join(f"{limit} {schema[limit]!r}" for limit in LIMITS if limit in schema)
    said = " · ".join(filter(None, ["" if required else "optional", limits, schema.get("description", "")]))
    return f"<tr><td><code>{escape(name)}</code><td>{_type(schema)}<td>{escape(said)}"


def _type(schema: Part) -> str:
    if ref := schema.get("$ref"):
        name = escape(ref.rpartition("/")[2])
        return f"<a href=#{name}>{name}</a>"
    if either := schema.get("oneOf") or schema.get("anyOf"):
        return " or ".join(_type(one) for one in either)
    if values := schema.get("enum"):
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in values)
    if inner := schema.get("items"):
        return f"list of {_type(inner)}"
    if isinstance(values := schema.get("additionalProperties"), dict):
        return f"map of {_type(values)}"  # pyright: ignore[reportUnknownArgumentType] - a schema, as its holder is
    kind = schema.get("type", "anything")
    return escape(" or ".join(kind) if isinstance(kind, list) else kind)  # pyright: ignore[reportUnknownArgumentType] - as above
