"""The table of cases of the way back: what Intacct tells of bills, vendors and payments, and what Scoro is given.

Each case is written here; Intacct's answer stands in `arrivals/<name>.xml`, and in `arrivals/<name>.json` the JSON that
Scoro is given for it, where both are read and compared. After a change that is meant,
`python -m tests.contract.arrivals` writes the files anew: look at the difference before it is committed.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from lxml import etree

from clients.intacct.parse import parse
from schemas.intacct.functions import Function
from schemas.settings import ConnectionSettings, set_key
from tests.unit.arriving_books import REFERENCE
from workers.inbound import bills, receipts, suppliers
from workers.pull.background import TOPICS
from workers.pull.paging import Paged
from workers.pull.payments import PAYMENTS, PaidDocument, Receipt, understand
from workers.pull.queries import BILL, BILL_LINE_FIELDS, READS, by_keys
from workers.translation.arriving import arrive

FOLDER = Path(__file__).parent / "arrivals"

Row = dict[str, str]
LINES = f"{BILL}ITEM"
STARTS_ON = date(2026, 1, 1)
SUPPLIER_ID, CUSTOMER_ID, BANK_ID = 31, 32, 2
PAID: dict[tuple[str, str], dict[str, Any]] = {
    ("ARINVOICE", "101"): {"module": "invoices", "scoro_id": 1, "currency": "GBP"},
    ("ARINVOICE", "102"): {"module": "invoices", "scoro_id": 2, "currency": "GBP"},
    ("ARADJUSTMENT", "201"): {"module": "invoices", "scoro_id": 3, "currency": "GBP"},
    ("APBILL", "301"): {"module": "bills", "scoro_id": 4, "currency": "GBP"},
    ("APBILL", "302"): {"module": "expenses", "scoro_id": 5, "currency": "EUR"},
    ("APADJUSTMENT", "401"): {"module": "bills", "scoro_id": 6, "currency": "GBP"},
}
"""Documents of ours that payments name."""
STANDING = {"101": 71, "102": 72}
"""Lines of a bill that stand in Scoro already: RECORDNO -> id."""


@dataclass(frozen=True)
class Arrival:
    """Records of Intacct by object, and the settings that matter; `standing`: their bill was written before."""

    name: str
    records: Mapping[str, tuple[Row, ...]]
    keys: Mapping[str, str] = field(default_factory=dict)
    standing: bool = False

    @property
    def answer(self) -> str:
        """What Intacct answers, indented."""
        root = etree.fromstring(ENVELOPE)
        operation = root.find("operation")
        assert operation is not None
        for object_name, rows in self.records.items():
            result = etree.SubElement(operation, "result")
            for tag, text in (("status", "success"), ("function", "query"), ("controlid", object_name)):
                etree.SubElement(result, tag).text = text
            count = str(len(rows))
            page = {"listtype": object_name, "totalcount": count, "offset": "0", "count": count, "numremaining": "0"}
            data = etree.SubElement(result, "data", page)
            for row in rows:
                record = etree.SubElement(data, object_name)
                for name, text in row.items():
                    etree.SubElement(record, name).text = text
        etree.indent(root)
        return etree.tostring(root, encoding="unicode") + "\n"

    @property
    def given(self) -> str:
        """What Scoro is given for it, in its order: (module, id of what is changed, body)."""
        calls = [{"module": module, "id": id, "request": body} for module, id, body in self._calls()]
        return json.dumps(calls, indent=2, ensure_ascii=False) + "\n"

    def asked(self) -> list[Function]:
        """The queries whose answer this is."""
        numbers = {name: [int(row["RECORDNO"]) for row in rows] for name, rows in self.records.items()}
        queries: dict[str, Paged] = {}
        for name in self.records:
            if name == LINES:
                queries |= by_keys(name, "RECORDKEY", numbers[BILL], fields=BILL_LINE_FIELDS)
            elif name == "VENDOR":
                wanted = {row["VENDORID"] for row in self.records[name]}
                queries |= by_keys(name, "VENDORID", wanted, fields=TOPICS["vendor"].fields)
            else:
                queries |= by_keys(name, "RECORDNO", numbers[name])
        return [function for paged in queries.values() for function in paged.asks().values()]

    def fields(self, object_name: str) -> set[str]:
        """The fields that are asked of an object."""
        if object_name == LINES:
            return set(BILL_LINE_FIELDS)
        return set(TOPICS["vendor"].fields if object_name == "VENDOR" else READS[object_name].fields)

    def _calls(self) -> Iterator[tuple[str, int | None, dict[str, Any]]]:
        results = parse(self.answer.encode()).results
        told = {name: [dict(row) for row in results[name].rows] for name in self.records}
        chosen = self._settings()
        for vendor in told.get("VENDOR", []):
            item = TOPICS["vendor"].item(vendor)
            intent = {"vendor": item.key, "name": item.data["name"], "tax_id": item.data.get("tax_id", "")}
            yield suppliers.MODULE, None, suppliers.body_of(intent, chosen.matching.vendor_key)
        for header in told.get(BILL, []):
            lines = [row for row in told[LINES] if row["RECORDKEY"] == header["RECORDNO"]]
            bill = arrive(header, lines, chosen, REFERENCE)
            known = STANDING if self.standing else {}
            yield bills.MODULE, 70 if self.standing else None, bills.body_of(bill.intent, SUPPLIER_ID, known)
        for payment in PAYMENTS:
            for header in told.get(payment, []):
                yield from self._receipts(payment, header, told[f"{payment}DETAIL"])

    def _receipts(
        self, payment: str, header: Row, details: list[Row]
    ) -> Iterator[tuple[str, int | None, dict[str, Any]]]:
        documents = {
            key: PaidDocument(place, str(key), held["currency"]) for place, (key, held) in enumerate(PAID.items())
        }
        own = {int(row["RECORDNO"]): row for row in details if row["PAYMENTKEY"] == header["RECORDNO"]}
        for receipt in understand(payment, header, own, documents, STARTS_ON).receipts:
            yield "receipts", None, _body(receipt, list(PAID.values())[receipt.paid.id])

    def _settings(self) -> ConnectionSettings:
        chosen = ConnectionSettings()
        for key, text in self.keys.items():
            chosen = set_key(chosen, key, text)
        return chosen


def _body(receipt: Receipt, document: Mapping[str, Any]) -> dict[str, Any]:
    contact = CUSTOMER_ID if document["module"] == "invoices" else SUPPLIER_ID
    return receipts.body_of(receipt.intent, document, contact, BANK_ID)


ENVELOPE = """<response><control><status>success</status><senderid>sender</senderid><controlid>look</controlid>
<uniqueid>false</uniqueid><dtdversion>3.0</dtdversion></control><operation><authentication><status>success</status>
<userid>user</userid><companyid>acme</companyid><locationid>UK</locationid></authentication></operation></response>"""


def _bill(total: str, **fields: str) -> Row:
    given = {"RECORDNO": "77", "RECORDID": "B-77", "STATE": "Posted", "VENDORID": "V-1", "VENDORNAME": "Paper & Pens"}
    given |= {"DOCNUMBER": "PO-5", "DESCRIPTION": "March", "WHENCREATED": "03/01/2026", "WHENDUE": "03/31/2026"}
    given |= {"BASECURR": "GBP", "CURRENCY": "GBP", "EXCHANGE_RATE": "1", "TRX_TOTALENTERED": total}
    return given | {"WHENMODIFIED": "03/01/2026 09:30:00"} | fields


def _line(number: int, amount: str, tax: str = "", **fields: str) -> tuple[Row, ...]:
    """A line, and its tax as a row of its own."""
    own = {"RECORDNO": str(100 + number), "RECORDKEY": "77", "LINE_NO": str(number), "PARENTENTRY": ""}
    own |= {
        "ACCOUNTNO": "6000",
        "TRX_AMOUNT": amount,
        "ENTRYDESCRIPTION": f"Line {number}",
        "LOCATIONID": "UK",
    } | fields
    of_tax = own | {"RECORDNO": str(200 + number), "PARENTENTRY": own["RECORDNO"], "TRX_AMOUNT": tax}
    return (own, of_tax | {"ACCOUNTNO": "2210", "ENTRYDESCRIPTION": ""}) if tax else (own,)


def _bills(header: Row, *lines: tuple[Row, ...], vendor: Row | None = None) -> dict[str, tuple[Row, ...]]:
    known: dict[str, tuple[Row, ...]] = {} if vendor is None else {"VENDOR": (vendor,)}
    return {BILL: (header,), LINES: tuple(row for line in lines for row in line), **known}


def _payment(**fields: str) -> Row:
    given = {"RECORDNO": "501", "FINANCIALENTITY": "BOA", "STATE": "C", "DOCNUMBER": "RCPT-9"}
    given |= {"WHENCREATED": "03/05/2026", "RECEIPTDATE": "03/05/2026", "CURRENCY": "GBP"}
    return given | {"WHENMODIFIED": "03/05/2026 10:00:00"} | fields


def _detail(number: int, **fields: str) -> Row:
    given = {"RECORDNO": str(number), "RECORDKEY": "101", "POSADJKEY": "", "ADJUSTMENTKEY": "", "PAYMENTKEY": "501"}
    given |= {"PAYMENTDATE": "03/05/2026", "TRX_PAYMENTAMOUNT": "125.00", "TRX_ADJUSTMENTAMOUNT": "", "CURRENCY": "GBP"}
    return given | {"STATE": "C", "WHENMODIFIED": "03/05/2026 10:00:00"} | fields


def _received(header: Row, *details: Row) -> dict[str, tuple[Row, ...]]:
    return {"ARPYMT": (header,), "ARPYMTDETAIL": details}


def _paid(header: Row, *details: Row) -> dict[str, tuple[Row, ...]]:
    return {
        "APPYMT": ({name: text for name, text in header.items() if name != "RECEIPTDATE"},),
        "APPYMTDETAIL": details,
    }


DIMENSIONS = {
    "dimensions.fields.DEPARTMENT": "c_department",
    "dimensions.fields.CLASS": "c_class",
    "dimensions.bills.DEPARTMENT": "true",
    "dimensions.bills.CLASS": "true",
}
VENDOR = {"RECORDNO": "9", "VENDORID": "V-1", "NAME": "Paper & Pens Ltd", "TAXID": "GB123456789", "STATUS": "active"}
BILLS = (
    Arrival("bill_plain", _bills(_bill("120.00"), _line(1, "100.00", "20.00"))),
    Arrival(
        "bill_of_two_rates_and_accounts",
        _bills(_bill("225.00"), _line(1, "100.00", "20.00"), _line(2, "100.00", "5.00", ACCOUNTNO="6010")),
    ),
    Arrival(
        "bill_dimensions",
        _bills(_bill("120.00"), _line(1, "100.00", "20.00", DEPARTMENTID="20", CLASSID="7")),
        DIMENSIONS,
    ),
    Arrival("bill_zero_rate", _bills(_bill("100.00"), _line(1, "100.00", "0.00"))),
    Arrival("bill_whose_tax_only_its_total_tells", _bills(_bill("120.00"), _line(1, "60.00"), _line(2, "40.00"))),
    Arrival(
        "bill_foreign_without_a_due_date",
        _bills(_bill("12.00", CURRENCY="EUR", EXCHANGE_RATE="0.8572", WHENDUE=""), _line(1, "10.00", "2.00")),
    ),
    Arrival(
        "bill_rounding",
        _bills(_bill("120.01"), _line(1, "100.00", "20.01")),
        {"accounts.rounding": "4910"},
    ),
    Arrival("bill_owed_back", _bills(_bill("-120.00"), _line(1, "-100.00", "-20.00"))),
    Arrival(
        "bill_edited",
        _bills(_bill("66.00", DESCRIPTION="Second thoughts"), _line(2, "40.00", "8.00"), _line(3, "15.00", "3.00")),
        standing=True,
    ),
    Arrival("bill_of_a_new_vendor", _bills(_bill("120.00"), _line(1, "100.00", "20.00"), vendor=VENDOR)),
    Arrival(
        "vendor_known_by_its_vat_number",
        {"VENDOR": (VENDOR,)},
        {"matching.vendor_key": "vatno"},
    ),
    Arrival(
        "vendor_known_by_its_id",
        {"VENDOR": (VENDOR | {"TAXID": ""},)},
        {"matching.vendor_key": "reference_no"},
    ),
)
RECEIPTS = (
    Arrival("receipt_whole", _received(_payment(), _detail(601))),
    Arrival(
        "receipt_of_a_part_by_lines",
        _received(_payment(), _detail(601, TRX_PAYMENTAMOUNT="20.5"), _detail(602, TRX_PAYMENTAMOUNT="4.25")),
    ),
    Arrival(
        "receipts_of_several_documents",
        _received(_payment(), _detail(601), _detail(602, RECORDKEY="102", TRX_PAYMENTAMOUNT="1.00")),
    ),
    Arrival(
        "receipts_of_a_credit_alone",
        _received(
            _payment(FINANCIALENTITY=""),
            _detail(601, TRX_PAYMENTAMOUNT="0.00", ADJUSTMENTKEY="201", TRX_ADJUSTMENTAMOUNT="40.00"),
        ),
    ),
    Arrival(
        "receipts_of_money_and_a_credit",
        _received(
            _payment(), _detail(601, TRX_PAYMENTAMOUNT="85.00", ADJUSTMENTKEY="201", TRX_ADJUSTMENTAMOUNT="40.00")
        ),
    ),
    Arrival(
        "receipt_of_one_of_two_taken_back",
        _received(_payment(), _detail(601), _detail(602, RECORDKEY="102", STATE="V")),
    ),
    Arrival("receipt_taken_back", _received(_payment(STATE="V"), _detail(601, STATE="V"))),
    Arrival("receipt_of_a_draft", _received(_payment(STATE="D"), _detail(601, STATE="D"))),
    Arrival("receipt_of_a_bill", _paid(_payment(), _detail(601, RECORDKEY="301"))),
    Arrival(
        "receipt_of_an_expense_in_its_currency",
        _paid(_payment(CURRENCY="EUR"), _detail(601, RECORDKEY="302", CURRENCY="EUR")),
    ),
    Arrival(
        "receipts_of_a_credit_bill_applied",
        _paid(
            _payment(FINANCIALENTITY=""),
            _detail(601, RECORDKEY="301", TRX_PAYMENTAMOUNT="0.00", ADJUSTMENTKEY="401", TRX_ADJUSTMENTAMOUNT="40.00"),
        ),
    ),
)
ARRIVALS = (*BILLS, *RECEIPTS)


def write() -> None:
    """Write the files of every case anew."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for case in ARRIVALS:
        (FOLDER / f"{case.name}.xml").write_text(case.answer, encoding="utf-8")
        (FOLDER / f"{case.name}.json").write_text(case.given, encoding="utf-8")


if __name__ == "__main__":
    write()
