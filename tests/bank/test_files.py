"""Bank files are read to the cent, or refused by the numbers of the lines that make no sense."""

from datetime import UTC, datetime
from xml.etree.ElementTree import fromstring

import pytest

from hub.gateways.bank import camt, csv_file, pain
from hub.gateways.bank.model import BankOrder, Kind
from hub.gateways.bank.states import BankOrderState
from hub.kernel.errors import Invalid
from tests.bank import statements
from tests.bank.hands import ADA, BOB, OURS
from tests.bank.statements import details, entry

HEADING = "bank_id,booked_on,amount,currency,reference,payer_name,payer_iban,end_to_end_id\n"


class TestCsv:
    def test_good_lines(self) -> None:
        text = (
            f'\ufeff{HEADING}B1,2026-01-31,100.00,EUR,"RF1,\n2",Ada,{ADA},\nB2,2026-01-31,-0.05,EUR,,,,BOR1\n'
            "\nB3,2026-02-01,7,JPY,,,bad,\nB4,2026-02-01,0.125,KWD,,,,\n"
        )
        one, two, three, four = csv_file.read(text)
        assert (one.bank_id, one.amount, one.currency, one.text, one.payer_iban, one.end_to_end) == (
            "B1",
            10_000,
            "EUR",
            "RF1,\n2",
            ADA,
            None,
        )
        assert (two.amount, two.end_to_end) == (-5, "BOR1")
        assert (three.amount, three.currency, three.payer_iban) == (7, "JPY", None)
        assert four.amount == 125

    def test_few_columns_in_any_order(self) -> None:
        [line] = csv_file.read("currency,amount,booked_on,bank_id\nEUR,1.5,2026-01-31,B1")
        assert (line.amount, line.bank_id, line.text) == (150, "B1", "")

    @pytest.mark.parametrize(
        ("row", "why"),
        [
            ("B1,2026-01-31,1.001,EUR,,,,", "finer"),
            ("B1,2026-01-31,1e3,EUR,,,,", "no amount"),
            ("B1,2026-01-31,NaN,EUR,,,,", "no amount"),
            ('B1,2026-01-31,"1,00",EUR,,,,', "no amount"),
            ("B1,2026-01-31,0.00,EUR,,,,", "zero"),
            ("B1,2026-01-31,9999999999999,EUR,,,,", "too much"),
            ("B1,2026-01-31,٣,EUR,,,,", "no amount"),
            ("B1,2026-13-31,1,EUR,,,,", "month"),
            ("B1,31.01.2026,1,EUR,,,,", "isoformat"),
            ("B1,2026-01-31,1,euro,,,,", "no currency"),
            (",2026-01-31,1,EUR,,,,", "bank_id"),
            ("B1,2026-01-31,1,EUR", "4 columns"),
            ('B1,2026-01-31,1,EUR,"open,,,', "end of data"),
        ],
    )
    def test_a_bad_line_is_named(self, row: str, why: str) -> None:
        with pytest.raises(Invalid, match=rf"line 3: .*{why}") as no:
            csv_file.read(f"{HEADING}B0,2026-01-31,1,EUR,,,,\n{row}")
        assert no.value.facts["lines"] == [3]
        assert no.value.field == "/content"

    def test_every_bad_line_is_named(self) -> None:
        with pytest.raises(Invalid) as no:
            csv_file.read(HEADING + "\n".join(["B,2026-01-31,x,EUR,,,,"] * 30))
        assert no.value.facts == {"lines": list(range(2, 22)), "wrong": 30}

    @pytest.mark.parametrize(
        "text", ["", "\n\n", "bank_id,amount\n", HEADING.replace("reference", "what"), HEADING.replace("reference", "amount")]
    )
    def test_a_bad_heading(self, text: str) -> None:
        with pytest.raises(Invalid, match="heading"):
            csv_file.read(text)


class TestCamt:
    @pytest.mark.parametrize("version", ["02", "08", "13"])
    def test_good_entries(self, version: str) -> None:
        entries = [
            entry("100.00", "A1", details(said="thanks", structured="RF18539007547034", iban=ADA)),
            entry("5.00", "A2", status="PDNG"),
            entry("30.00", "A3", details("10.00", said="one", iban=ADA), details("20.00", said="two", name="Bob", iban=BOB)),
            entry("12.34", "A4", details(end_to_end="BOR1"), sign="DBIT"),
            entry("1.00", "A5"),
        ]
        read = camt.read(statements.camt(OURS.iban, entries, version), OURS.iban)
        assert [(line.number, line.bank_id, line.amount) for line in read] == [
            (1, "A1", 10_000),
            (3, "A3/1", 1_000),
            (3, "A3/2", 2_000),
            (4, "A4", -1_234),
            (5, "A5", 100),
        ]
        assert (read[0].text, read[0].payer_name, read[0].payer_iban, read[0].end_to_end) == ("RF18539007547034 thanks", "Ada", ADA, None)
        assert [line.payer_name for line in read[1:3]] == ["Ada", "Bob"]
        assert read[3].end_to_end == "BOR1"

    @pytest.mark.parametrize(
        ("bad", "why"),
        [
            (entry("1.001", "A"), "finer"),
            (entry("", "A"), "no amount"),
            (entry("-1.00", "A", sign="XXXX"), "direction"),
            (entry("1.00", ""), "AcctSvcrRef"),
            (entry("1.00", "A", currency="EURO"), "no currency"),
            (entry("3.00", "A", details("1.00"), details("1.00")), "add up"),
            (entry("2.00", "A", details("1.00"), details()), "no amount"),
            (entry("1.00", "A").replace("2026-01-31", "2026-02-31"), "day"),
        ],
    )
    def test_a_bad_entry_is_named(self, bad: str, why: str) -> None:
        with pytest.raises(Invalid, match=rf"line 2: .*{why}"):
            camt.read(statements.camt(OURS.iban, [entry("1.00", "B"), bad]), OURS.iban)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "no XML",
            "<Document/>",
            "<Document><BkToCstmrStmt/></Document>",
            "<a>" * 10_000,
            '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><Document><BkToCstmrStmt><Stmt>&b;</Stmt></BkToCstmrStmt></Document>',
            statements.camt(OURS.iban, [entry("1.00", "A")])[:-20],
            statements.camt(OURS.iban, [entry("1.00", "A")]).replace("1.00", "&lol;"),
        ],
    )
    def test_what_is_no_statement(self, text: str) -> None:
        with pytest.raises(Invalid, match="nothing was booked"):
            camt.read(text, OURS.iban)

    def test_another_accounts_statement(self) -> None:
        with pytest.raises(Invalid, match=BOB):
            camt.read(statements.camt(BOB, [entry("1.00", "A")]), OURS.iban)


def order(number: int, amount: int, currency: str = "EUR", holder: str = "Ada") -> BankOrder:
    return BankOrder(
        id=f"bor_{number}",
        key=f"k{number}",
        end_to_end=f"BOR{number}",
        kind=Kind.REFUND,
        state=BankOrderState.EXPORTED,
        order_id=None,
        payment_id=None,
        line_id=None,
        vendor=None,
        currency=currency,
        amount=amount,
        holder=holder,
        iban=ADA,
        bic=None,
        text="RF18 refund",
        export_id="bex_1",
        exported_at=None,
        executed_at=None,
        reason="",
        created_at=datetime(2026, 1, 31, tzinfo=UTC),
    )


class TestOutgoing:
    AT = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def test_pain(self) -> None:
        orders = [order(1, 1_050, holder="Åsa <&> Co"), order(2, 700, "JPY"), order(3, 1)]
        text = pain.write("bex_1", orders, OURS, self.AT)
        assert text == pain.write("bex_1", orders, OURS, self.AT)
        space = {"p": pain.NAMESPACE}
        root = fromstring(text)
        assert [each.text for each in root.findall(".//p:GrpHdr/*", space)][:3] == ["BEX1", "2026-01-31T12:00:00Z", "3"]
        assert [each.text for each in root.findall(".//p:PmtInf/p:CtrlSum", space)] == ["10.51", "700"]
        amounts = [(each.text, each.get("Ccy")) for each in root.findall(".//p:InstdAmt", space)]
        assert amounts == [("10.50", "EUR"), ("0.01", "EUR"), ("700", "JPY")]
        assert [each.text for each in root.findall(".//p:EndToEndId", space)] == ["BOR1", "BOR3", "BOR2"]
        assert next(each.text for each in root.findall(".//p:Cdtr/p:Nm", space)) == "Asa Co"
        assert {each.text for each in root.findall(".//p:DbtrAcct/p:Id/p:IBAN", space)} == {OURS.iban}

    def test_csv(self) -> None:
        [heading, row] = csv_file.write([order(1, 1_050)]).splitlines()
        assert heading.split(",") == list(csv_file.ORDER_COLUMNS)
        assert row.split(",") == ["BOR1", "10.50", "EUR", "Ada", ADA, "", "RF18 refund"]
