"""Cuts Shopify's published Admin schema down to what our queries use: `python -m tests.spokes.shopify.cut admin_2026-10.json.gz`.

The file is in the npm package `@shopify/dev-mcp` (``dist/data``), whose license stands at the head of what is cut.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphql import FieldNode, FragmentDefinitionNode, OperationDefinitionNode, SelectionSetNode, build_client_schema, parse, print_schema

from spokes.shopify.queries import ALL

Type = dict[str, Any]
"""A type, a field or an argument as introspection describes it."""

SCHEMA = Path(__file__).parent / "admin-2026-10.graphql"
HEAD = """\
# Shopify's GraphQL Admin API 2026-10, cut to what the adapter's queries use (tests/spokes/shopify/cut.py), without descriptions.
# Source: npm package @shopify/dev-mcp 1.16.0, dist/data/admin_2026-10.json.gz.
#
# ISC License
#
# Copyright 2025-present, Shopify Inc.
#
# Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided
# that the above copyright notice and this permission notice appear in all copies.
#
# THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED
# WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR
# CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT,
# NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.

"""


DIRECTIVES = {"idempotent", "oneOf", "include", "skip", "deprecated", "specifiedBy"}


class Cut:
    """What a set of queries uses of a schema: fields of objects, and whatever inputs, enums and scalars these reach."""

    def __init__(self, introspection: dict[str, Any]) -> None:
        self._schema: dict[str, Any] = introspection["__schema"]
        self._types: dict[str, Type] = {each["name"]: each for each in self._schema["types"]}
        self._fields: dict[str, set[str]] = {}
        self._whole: set[str] = {"String", "Boolean", "Int", "Float", "ID"}

    def read(self, query: str) -> None:
        for definition in parse(query).definitions:
            if isinstance(definition, FragmentDefinitionNode):
                self._select(definition.type_condition.name.value, definition.selection_set)
            elif isinstance(definition, OperationDefinitionNode):
                root: str = self._schema[f"{definition.operation.value}Type"]["name"]
                self._select(root, definition.selection_set)

    def schema(self) -> dict[str, Any]:
        directives = [each for each in self._schema["directives"] if each["name"] in DIRECTIVES]
        cut = {**self._schema, "subscriptionType": None, "types": list(self._kept()), "directives": directives}
        return {"__schema": _undescribed(cut)}

    def _kept(self) -> Iterator[Type]:
        for name, its in self._types.items():
            if name in self._fields:
                fields = [field for field in its["fields"] if field["name"] in self._fields[name]]
                yield {**its, "fields": fields, "interfaces": []}
            elif name in self._whole:
                yield its

    def _select(self, type_name: str, selection: SelectionSetNode) -> None:
        used = self._fields.setdefault(type_name, set())
        fields: dict[str, Type] = {field["name"]: field for field in self._types[type_name]["fields"]}
        for node in selection.selections:
            if not isinstance(node, FieldNode):
                continue
            used.add(node.name.value)
            field = fields[node.name.value]
            for argument in field["args"]:
                self._take(_named(argument["type"]))
            if node.selection_set is None:
                self._take(_named(field["type"]))
            else:
                self._select(_named(field["type"]), node.selection_set)

    def _take(self, type_name: str) -> None:
        if type_name in self._whole:
            return
        self._whole.add(type_name)
        inputs: list[Type] = self._types[type_name]["inputFields"] or []
        for field in inputs:
            self._take(_named(field["type"]))


def _named(its: Type) -> str:
    while its["ofType"]:
        its = its["ofType"]
    return its["name"]


def _undescribed(part: Any) -> Any:
    if isinstance(part, list):
        return [_undescribed(each) for each in part]  # pyright: ignore[reportUnknownVariableType] - JSON
    if isinstance(part, dict):
        return {name: None if name == "description" else _undescribed(each) for name, each in part.items()}  # pyright: ignore[reportUnknownVariableType] - JSON
    return part


if __name__ == "__main__":
    with gzip.open(sys.argv[1]) as file:
        cut = Cut(json.load(file)["data"])
    for query in ALL.values():
        cut.read(query)
    SCHEMA.write_text(HEAD + print_schema(build_client_schema(cut.schema())) + "\n")  # pyright: ignore[reportArgumentType] - it is one
