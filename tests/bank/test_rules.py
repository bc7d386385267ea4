"""References that survive how people write them, and which receipt goes back."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.gateways.bank.model import BankLine
from hub.gateways.bank.rules import compact_iban, plain, reference_of, references_in, taken_back
from hub.vendors.money_terms import iban_adds_up

ORDER = "ord_01k2x3y4z5abcdefghjkmnpqrs"


def receipt(number: int, amount: int) -> BankLine:
    return BankLine(
        id=f"bln_{number}",
        bank_id=f"B{number}",
        booked_on=date(2026, 1, 31),
        amount=amount,
        currency="EUR",
        text="",
        payer_name="",
        payer_iban=None,
        end_to_end=None,
        payment_id=None,
        bank_order_id=None,
        sent_back=False,
        source="hand",
        note="",
        recorded_by="operator:olga",
        created_at=datetime(2026, 1, 31, tzinfo=UTC),
    )


def test_a_reference_is_what_the_standard_says() -> None:
    assert iban_adds_up("RF18539007547034"), "the example of ISO 11649"
    reference = reference_of(ORDER, 0)
    assert iban_adds_up(reference)
    assert reference.startswith("RF")
    assert reference.endswith(ORDER[-16:].upper())
    assert len({reference_of(ORDER, number) for number in range(12)}) == 12
    assert all(iban_adds_up(reference_of(ORDER, number)) and len(reference_of(ORDER, number)) <= 25 for number in range(12))


@given(st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26), st.integers(0, 99))
def test_every_reference_is_found_again(tail: str, number: int) -> None:
    reference = reference_of(f"ord_{tail}", number)
    spaced = " ".join(reference[place : place + 4] for place in range(0, len(reference), 4)).lower()
    for said in (reference, spaced, f"Order {spaced}, thank you", f"RF{spaced}", f"my order:{reference}/2026"):
        assert reference in references_in(said), said


def test_a_typing_error_is_noticed() -> None:
    reference = reference_of(ORDER, 0)
    for place in range(2, len(reference)):
        wrong = reference[:place] + ("1" if reference[place] != "1" else "2") + reference[place + 1 :]
        assert references_in(wrong) == [], wrong


@pytest.mark.parametrize("said", ["", "RF", "no reference", "RF00", "٣" * 30, "RF" * 200])
def test_text_without_a_reference(said: str) -> None:
    assert references_in(said) == []


@pytest.mark.parametrize(
    ("said", "iban"),
    [
        ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("de89370400440532013000", "DE89370400440532013000"),
        ("DE88370400440532013000", None),
        ("12345678", None),
        ("", None),
        (None, None),
    ],
)
def test_an_iban_adds_up(said: str | None, iban: str | None) -> None:
    assert compact_iban(said) == iban


@given(st.lists(st.integers(1, 500), min_size=1, max_size=6), st.data())
def test_what_goes_back_adds_up_and_comes_from_the_newest(amounts: list[int], data: st.DataObject) -> None:
    receipts = [receipt(number, amount) for number, amount in enumerate(amounts)]
    back = data.draw(st.integers(0, sum(amounts)))
    parts = taken_back(receipts, back)
    assert sum(part for _, part in parts) == back
    assert all(0 < part <= line.amount for line, part in parts)
    assert [line.id for line, _ in parts] == [line.id for line in receipts[::-1]][: len(parts)]
    assert all(part == line.amount for line, part in parts[:-1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Müller & Söhne", "Muller Sohne"),
        ("Straße", "Strasse"),
        ("=1+1", "1+1"),
        ("@SUM(A1)", "SUM(A1)"),
        ("a\nb\tc", "a b c"),
        ("名前", ""),
    ],
)
def test_text_that_every_bank_takes(text: str, said: str) -> None:
    assert plain(text, 70) == said
    assert len(plain(text * 100, 70)) <= 70
