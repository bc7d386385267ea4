"""What we ask is right by Shopify's published schema, and every word that it may answer has a meaning here."""

from collections.abc import Iterable

import pytest
from graphql import GraphQLEnumType, parse, validate

from spokes.shopify import failures, mapping
from spokes.shopify.queries import ALL, API_VERSION
from tests.spokes.shopify.cut import SCHEMA
from tests.spokes.shopify.shop import PUBLISHED


@pytest.mark.parametrize("name", list(ALL))
def test_each_query_is_valid(name: str) -> None:
    assert validate(PUBLISHED, parse(ALL[name])) == []


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("order", "cancelledAt", "canceledAt"),
        ("variants", "$location: ID!", "$location: Int!"),
        ("move", "@idempotent(key: $key)", "@idempotent(id: $key)"),
        ("cancel", "restock: true", 'restock: "yes"'),
    ],
)
def test_a_mistake_in_a_query_is_found(name: str, right: str, wrong: str) -> None:
    assert right in ALL[name]
    assert validate(PUBLISHED, parse(ALL[name].replace(right, wrong))) != []


def test_the_schema_is_of_the_version_that_is_asked() -> None:
    assert API_VERSION in SCHEMA.name
    assert f"Admin API {API_VERSION}" in SCHEMA.read_text().partition("\n")[0]


def values(enum: str) -> set[str]:
    its = PUBLISHED.type_map[enum]
    assert isinstance(its, GraphQLEnumType)
    return set(its.values)


@pytest.mark.parametrize(
    ("enum", "meant"),
    [
        ("OrderDisplayFulfillmentStatus", mapping.SENT | mapping.NOT_SENT),
        ("FulfillmentDisplayStatus", mapping.ARRIVED | mapping.NOT_ARRIVED),
    ],
)
def test_every_status_has_a_meaning(enum: str, meant: Iterable[str]) -> None:
    assert values(enum) == set(meant)


MISTAKES_OF_OURS = {
    "DIFFERENT_LOCATIONS", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "INTERNAL_LEDGER_DOCUMENT", "INVALID_AVAILABLE_DOCUMENT",
    "INVALID_LEDGER_DOCUMENT", "INVALID_QUANTITY_DOCUMENT", "INVALID_QUANTITY_NAME", "INVALID_QUANTITY_NEGATIVE",
    "INVALID_QUANTITY_TOO_HIGH", "INVALID_REASON",
    "INVALID_REFERENCE_DOCUMENT", "MAXIMUM_LEDGER_DOCUMENT_URIS", "SAME_QUANTITY_NAME", "INVALID",
    "PROCESSED_AT_INVALID",
    "REDUNDANT_CUSTOMER_FIELDS", "TAX_LINE_RATE_MISSING", "NOT_FOUND", "STORE_CREDIT_REFUND_B2B_NOT_SUPPORTED",
    "STORE_CREDIT_REFUND_EXPIRATION_IN_PAST", "STORE_CREDIT_REFUND_MISSING_CUSTOMER",
}  # fmt: skip


@pytest.mark.parametrize("enum", ["InventoryMoveQuantitiesUserErrorCode", "OrderCreateUserErrorCode", "OrderCancelUserErrorCode"])
def test_every_error_has_a_class(enum: str) -> None:
    known = failures.AGAIN_NEW | failures.AGAIN | failures.SHORT | failures.WRONG_SETTINGS
    assert values(enum) - known <= MISTAKES_OF_OURS
    assert not MISTAKES_OF_OURS & known
