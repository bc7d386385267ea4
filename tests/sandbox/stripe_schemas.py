"""JSON Schemas of Stripe's requests and answers, read from the annotations of the installed `stripe` package.

Every class there is generated from Stripe's OpenAPI document: `stripe.params.*` for requests (closed: an unknown parameter
fails), the resource classes for answers (open: more fields may come, but what is required, nullable and enumerated is checked).
"""

import ast
import functools
import importlib
import inspect
from typing import Any

import jsonschema

Schema = dict[str, Any]

ANYTHING: Schema = {}
WIRE: dict[str, Schema] = {
    "int": {"type": "string", "pattern": r"^-?\d+$"},
    "bool": {"type": "string", "enum": ["true", "false"]},
    "float": {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"},
    "Decimal": {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"},
    "str": {"type": "string"},
}
JSON: dict[str, Schema] = {
    "int": {"type": "integer"},
    "bool": {"type": "boolean"},
    "float": {"type": "number"},
    "Decimal": {"type": "string"},
    "str": {"type": "string"},
}
OBJECT: Schema = {"type": "object"}


class _Reader:
    """Turns annotations of one module into a schema. A request is a form: all its leaves are text."""

    def __init__(self, tree: ast.Module, *, request: bool) -> None:
        self.request = request
        self.leaves = WIRE if request else JSON
        self.top = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        self.definitions: dict[str, Schema] = {}

    def of_class(self, node: ast.ClassDef, outer: dict[str, ast.ClassDef]) -> Schema:
        scope = outer | {inner.name: inner for inner in node.body if isinstance(inner, ast.ClassDef)}
        properties: dict[str, Schema] = {}
        required: list[str] = []
        for line in node.body:
            if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name):
                continue
            note = line.annotation
            if isinstance(note, ast.Subscript) and _name(note.value) == "ClassVar":
                continue
            optional = isinstance(note, ast.Subscript) and _name(note.value) in {"NotRequired", "Optional"}
            properties[line.target.id] = self.of(note, scope)
            required += [] if optional else [line.target.id]
        schema: Schema = {"type": "object", "properties": properties, "required": required}
        return schema | {"additionalProperties": False} if self.request else schema

    def of(self, note: ast.expr, scope: dict[str, ast.ClassDef]) -> Schema:  # noqa: PLR0911  # one line per kind of annotation
        match note:
            case ast.Constant(value=str(text)):
                return self.of(ast.parse(text, mode="eval").body, scope)
            case ast.Constant(value=None):
                return {"type": "null"}
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return self._union([left, right], scope)
            case ast.Subscript(value=head, slice=inner):
                return self._generic(_name(head), inner, scope)
            case ast.Name(id=name) if name in self.leaves:
                return self.leaves[name]
            case ast.Name(id="Any"):
                return ANYTHING
            case ast.Name(id=name) if name in scope:
                return self._reference(name, scope)
            case _:
                return OBJECT  # another resource: checked where it stands in the answer, by its own "object"

    def _reference(self, name: str, scope: dict[str, ast.ClassDef]) -> Schema:
        node = scope[name]
        key = f"{name}_{node.lineno}"
        if key not in self.definitions:
            self.definitions[key] = {}
            self.definitions[key] = self.of_class(node, scope)
        return {"$ref": f"#/$defs/{key}"}

    def _generic(self, head: str, inner: ast.expr, scope: dict[str, ast.ClassDef]) -> Schema:
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        match head:
            case "NotRequired":
                schema = self.of(inner, scope)
            case "Optional":
                schema = {"anyOf": [self.of(inner, scope), {"type": "null"}]}
            case "Union":
                schema = self._union(list(parts), scope)
            case "Literal":
                schema = {"enum": [self._literal(part) for part in parts]}
            case "List" | "Sequence":
                schema = {"type": "array", "items": self.of(inner, scope)}
            case "ExpandableField":
                schema = {"anyOf": [{"type": "string"}, self.of(inner, scope)]}
            case "ListObject":
                schema = {"type": "object", "required": ["object", "data", "has_more", "url"]}
            case "Dict" | "UntypedStripeObject":
                schema = {"type": "object", "additionalProperties": self.of(parts[-1], scope)}
            case _:
                raise ValueError(f"an annotation this reader does not know: {head}")
        return schema

    def _literal(self, part: ast.expr) -> Any:
        value = ast.literal_eval(part)
        return str(value).lower() if self.request and isinstance(value, bool) else value

    def _union(self, parts: list[ast.expr], scope: dict[str, ast.ClassDef]) -> Schema:
        flat = [side for part in parts for side in _sides(part)]
        # `Literal[…] | str` is the wheel's "these today": held to the values of today. `Literal[""] | str` is "any, or cleared".
        if any(_is_literal(part) and ast.unparse(part.slice) != "''" for part in flat if isinstance(part, ast.Subscript)):
            flat = [part for part in flat if not (isinstance(part, ast.Name) and part.id == "str")]
        return {"anyOf": [self.of(part, scope) for part in flat]}


def _sides(part: ast.expr) -> list[ast.expr]:
    if isinstance(part, ast.Constant) and isinstance(part.value, str):
        return _sides(ast.parse(part.value, mode="eval").body)
    if isinstance(part, ast.BinOp):
        return [*_sides(part.left), *_sides(part.right)]
    return [part]


def _is_literal(part: ast.expr) -> bool:
    return isinstance(part, ast.Subscript) and _name(part.value) == "Literal"


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


class Checked:
    """A schema that says what is wrong with an object."""

    def __init__(self, module: str, name: str, *, request: bool) -> None:
        tree = ast.parse(inspect.getsource(importlib.import_module(module)))
        reader = _Reader(tree, request=request)
        self.schema = reader.of_class(reader.top[name], reader.top)
        self.schema["$defs"] = reader.definitions
        self._validator: Any = jsonschema.Draft202012Validator(self.schema)

    def wrong(self, obj: Any) -> list[str]:
        """What does not fit, as ``$.path: why``."""
        return [f"{error.json_path}: {error.message[:200]}" for error in self._validator.iter_errors(obj)]


@functools.cache
def request_schema(params: str) -> Checked:
    """The closed schema of a form, e.g. ``TransferCreateParams``."""
    return Checked(getattr(importlib.import_module("stripe.params"), params).__module__, params, request=True)


@functools.cache
def answer_schema(kind: str) -> Checked:
    """The open schema of a resource by its ``object``, e.g. ``transfer``, or of ``error``."""
    if kind == "error":
        return Checked("stripe._error_object", "ErrorObject", request=False)
    return Checked(f"stripe._{kind}", "".join(word.capitalize() for word in kind.split("_")), request=False)
