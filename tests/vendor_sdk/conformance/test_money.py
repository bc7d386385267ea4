"""Amounts on their way to a vendor's system: told in minor or in major units, and found out when told wrong."""

import pytest

from vendor_sdk.conformance.money import wrong_amounts


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ('{"total": 1234567}', "EUR"),
        ('{"total": "12345.67"}', "EUR"),
        ('{"total": "1234567"}', "JPY"),
        ('{"total": 1234.567}', "KWD"),
        ("total=12345.67&shipping=3086.42", "EUR"),
        ('{"id": "kit-1234567-1", "at": "2026-11-29T10:00:00.123456Z", "quantity": 3}', "EUR"),
        ("", "EUR"),
    ],
)
def test_the_amount_itself_is_right(text: str, currency: str) -> None:
    assert wrong_amounts([text], 1_234_567, currency) == []


@pytest.mark.parametrize(
    ("text", "currency", "found"),
    [
        ('{"total": "12345.67"}', "JPY", "12345.67"),
        ('{"total": "12345.67"}', "KWD", "12345.67"),
        ('{"total": 12345.7}', "EUR", "12345.7"),
        ('{"total": 12346}', "EUR", "12346"),
        ('{"total": 1234566}', "EUR", "1234566"),
        ("total=1234567.00&x", "JPY", ""),
        ('{"total": 12345.669999999998}', "EUR", "12345.669999999998"),
        ('{"total": "1235"}', "KWD", "1235"),
    ],
)
def test_the_wrong_unit_and_a_rounded_amount_are_found(text: str, currency: str, found: str) -> None:
    assert wrong_amounts([text], 1_234_567, currency) == ([found] if found else [])
