"""Cases of what is synced at all: `data.*`."""

from collections.abc import Callable, Iterator
from typing import Any

from schemas.kinds import Kind
from tests.settings.bench import Bench
from tests.settings.cases import Case

PDF = b"%PDF-1.7 a contract"


class Made:
    """One kind of document: how it is written, edited, and what its writes are called."""

    def __init__(self, kind: Kind, module: str, write: Callable[[Bench], int], create: str, update: str) -> None:
        self.kind, self.module, self.write = kind, module, write
        self.create, self.update = create, update


KINDS = (
    Made(Kind.INVOICE, "invoices", lambda b: b.invoice(), "create_invoice", "update_invoice"),
    Made(Kind.BILL, "bills", lambda b: b.bill(), "create APBILL", "update APBILL"),
    Made(Kind.EXPENSE, "expenses", lambda b: b.expense(), "create APBILL", "update APBILL"),
    Made(Kind.PROJECT, "projects", lambda b: b.project(), "create PROJECT", "update PROJECT"),
)
EDITS: dict[str, dict[str, Any]] = {
    "invoices": {"description": "Edited"},
    "bills": {"description": "Edited"},
    "expenses": {"comment": "Edited"},
    "projects": {"project_name": "Edited"},
}


def _new(made: Made) -> Callable[[Bench], Any]:
    return lambda bench: bench.went(made.write(bench), kind=made.kind).writes


def _edited(made: Made) -> Callable[[Bench], Any]:
    def shows(bench: Bench) -> Any:
        document = made.write(bench)
        bench.went(document, kind=made.kind)
        bench.edit(made.module, document, **EDITS[made.module])
        return bench.went(document, kind=made.kind).writes

    return shows


def _deleted(made: Made) -> Callable[[Bench], Any]:
    def shows(bench: Bench) -> Any:
        document = made.write(bench)
        bench.went(document, kind=made.kind)
        bench.delete(made.module, document)
        return bench.went(document, kind=made.kind).writes

    return shows


def _bookmarked(made: Made) -> Callable[[Bench], Any]:
    """The document stands in the bookmark 7 alone."""

    def shows(bench: Bench) -> Any:
        bench.has_user_token()
        document = made.write(bench)
        bench.bookmark("7", made.module, document)
        bench.bookmark("8", made.module, 999_999)
        return bench.went(document, kind=made.kind).writes

    return shows


def _of_documents() -> Iterator[Case]:
    for made in KINDS:
        key = f"data.{made.module}"
        yield Case(f"{key}.enabled", ("true", "false"), _new(made), ([made.create], []))
        yield Case(f"{key}.start_date", ("2020-01-01", "2099-01-01"), _new(made), ([made.create], []))
        yield Case(f"{key}.updates", ("auto", "on_demand"), _edited(made), ([made.update], []))
        yield Case(f"{key}.bookmark", ("7", "8"), _bookmarked(made), ([made.create], []))
        gone = {"invoices": "reverse_invoice", "bills": "reverse_bill", "expenses": "reverse_bill"}.get(made.module)
        if gone:
            yield Case(f"{key}.on_delete", ("hold", "reverse"), _deleted(made), ([], [gone]))


# ------------------------------------------------------------------------------------------------- bills, both ways


def _bill_both_ways(bench: Bench) -> Any:
    """A bill of Scoro and one of Intacct: which side hears of the other."""
    to_intacct = bench.went(bench.bill(), kind=Kind.BILL).writes
    with bench.hearing_scoro() as heard:
        bench.world.intacct.control("enter/APBILL", _entered(bench.number(), "Submit"))
        bench.pull()
    return to_intacct, any(row["path"].startswith("bills/modify") for row in heard)


def _drafts_and_posted(bench: Bench) -> Any:
    with bench.hearing_scoro() as heard:
        for state in ("Draft", "Submit"):
            bench.world.intacct.control("enter/APBILL", _entered(bench.number(), state))
        bench.pull()
    return sum(row["path"].startswith("bills/modify") for row in heard)


def _entered(number: str, action: str) -> dict[str, Any]:
    tax = {"DETAILID": "UK Purchase Goods Standard Rate", "TRX_TAX": ""}
    row = {"ACCOUNTNO": "6000", "TRX_AMOUNT": "100.00", "LOCATIONID": "UK", "TAXENTRIES": [tax]}
    party = {"VENDORID": "V-1", "NAME": "Paper & Pens Ltd", "TAXID": "GB123456789"}
    return {"party": party, "number": number, "action": action, "lines": [row]}


# ------------------------------------------------------------------------------------------------- files


def _with_file(name: str = "contract.pdf") -> Callable[[Bench], Any]:
    def shows(bench: Bench) -> Any:
        invoice = bench.invoice()
        bench.world.scoro.upload(name, PDF, ("invoices", invoice))
        return "create_supdoc" in bench.went(invoice).writes

    return shows


def _late_file(bench: Bench) -> Any:
    invoice = bench.invoice()
    bench.world.scoro.upload("first.pdf", PDF, ("invoices", invoice))
    bench.went(invoice)
    late = bench.world.scoro.upload("late.pdf", PDF, ("invoices", invoice))
    return "update_supdoc" in [*bench.went(late, kind=Kind.FILE).writes, *bench.went(invoice).writes]


# ------------------------------------------------------------------------------------------------- receipts


def _paid(bench: Bench) -> list[dict[str, Any]]:
    """An invoice that is paid in Intacct: what Scoro is told of it."""
    number = bench.number()
    invoice = bench.invoice(no=number)
    bench.went(invoice)
    record = bench.world.intacct.invoice(number)
    with bench.hearing_scoro() as heard:
        bench.world.intacct.pay({"recordno": record["RECORDNO"], "amount": "120.00"})
        bench.pull()
    written = [row["json"]["request"] for row in heard if row["path"].startswith("receipts/modify")]
    return [group for group in written if any(part["invoice_id"] == invoice for part in group["receipts"])]


DATA_CASES = (
    *_of_documents(),
    Case(
        "data.bills.direction",
        ("from_scoro", "to_scoro"),
        _bill_both_ways,
        ((["create APBILL"], False), ([], True)),
    ),
    Case(
        "data.bills.status_filter",
        ("draft", "posted"),
        _drafts_and_posted,
        (2, 1),
        {"data.bills.direction": "to_scoro"},
    ),
    Case("data.files.enabled", ("true", "false"), _with_file(), (True, False)),
    Case("data.files.start_date", ("2020-01-01", "2099-01-01"), _with_file(), (True, False)),
    Case("data.files.updates", ("auto", "on_demand"), _late_file, (True, False)),
    Case("data.files.max_bytes", ("1000", "5"), _with_file(), (True, False)),
    Case("data.files.types", ("pdf", "png"), _with_file(), (True, False)),
    Case("data.receipts.enabled", ("true", "false"), lambda b: len(_paid(b)), (1, 0)),
    Case("data.receipts.start_date", ("2020-01-01", "2099-01-01"), lambda b: len(_paid(b)), (1, 0)),
    Case("accounts.payment_bank", ("1", "2"), lambda b: [r["receipt_account_id"] for r in _paid(b)], ([1], [2])),
)
