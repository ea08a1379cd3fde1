"""Cases of what is synced at all: `data.*`."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from schemas.kinds import Kind
from tests.settings.bench import Bench
from tests.settings.cases import Case

PDF = b"%PDF-1.7 a contract"


class Made(NamedTuple):
    """One kind of document: how it is written, and what its writes are called."""

    kind: Kind
    module: str
    write: Callable[[Bench], int]
    create: str
    update: str
    removal: str


KINDS = (
    Made(Kind.INVOICE, "invoices", lambda b: b.invoice(), "create_invoice", "update_invoice", "reverse_invoice"),
    Made(Kind.BILL, "bills", lambda b: b.bill(), "create APBILL", "update APBILL", "reverse_bill"),
    Made(Kind.EXPENSE, "expenses", lambda b: b.expense(), "create APBILL", "update APBILL", "reverse_bill"),
    Made(Kind.PROJECT, "projects", lambda b: b.project(), "create PROJECT", "update PROJECT", "update PROJECT"),
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
        yield Case(f"{key}.on_delete", ("hold", "reverse"), _deleted(made), ([], [made.removal]))


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


def _file_in_bookmark(bench: Bench) -> bool:
    """The file stands in the bookmark 7 alone."""
    bench.has_user_token()
    invoice = bench.invoice()
    file = bench.world.scoro.upload("contract.pdf", PDF, ("invoices", invoice))
    bench.bookmark("7", "files", file)
    bench.bookmark("8", "files", 999_999)
    return "create_supdoc" in bench.went(invoice).writes


def _file_deleted(bench: Bench) -> tuple[list[str], str]:
    """What the gateway gets of a deletion, and where the file stands."""
    invoice = bench.invoice()
    file = bench.world.scoro.upload("contract.pdf", PDF, ("invoices", invoice))
    bench.went(invoice)
    bench.delete("files", file)
    return bench.went(file, kind=Kind.FILE).writes, bench.state(file, Kind.FILE)[0]


# ------------------------------------------------------------------------------------------------- receipts


def _pay(bench: Bench) -> int:
    """An invoice that is paid in Intacct."""
    number = bench.number()
    invoice = bench.invoice(no=number)
    bench.went(invoice)
    bench.world.intacct.pay({"recordno": bench.world.intacct.invoice(number)["RECORDNO"], "amount": "120.00"})
    return invoice


def _receipts(bench: Bench, invoice: int, *, asked: bool = True) -> list[dict[str, Any]]:
    """What Scoro is told of the payments of an invoice by one look."""
    with bench.hearing_scoro() as heard:
        bench.pull(asked=asked)
    written = [row["json"]["request"] for row in heard if row["path"].startswith("receipts/modify")]
    return [group for group in written if any(part["invoice_id"] == invoice for part in group["receipts"])]


def _paid(bench: Bench) -> list[dict[str, Any]]:
    return _receipts(bench, _pay(bench))


def _paid_unasked(bench: Bench) -> tuple[int, int]:
    """What comes by itself once it is time to look, and what once a person asks."""
    invoice = _pay(bench)
    bench.later("2 hours")
    return len(_receipts(bench, invoice, asked=False)), len(_receipts(bench, invoice))


def _paid_in_bookmark(bench: Bench) -> int:
    """The invoice stands in the bookmark 7 alone."""
    bench.has_user_token()
    invoice = _pay(bench)
    bench.bookmark("7", "invoices", invoice)
    bench.bookmark("8", "invoices", 999_999)
    return len(_receipts(bench, invoice))


def _taken_back(bench: Bench) -> int:
    """How many receipts are deleted whose payment is reversed in Intacct."""
    _receipts(bench, _pay(bench))
    payment = max(bench.world.intacct.records("ARPYMT"), key=lambda row: int(row["RECORDNO"]))
    bench.world.intacct.control(f"reverse/ARPYMT/{payment['RECORDNO']}", {})
    with bench.hearing_scoro() as heard:
        bench.pull()
    return sum(row["path"].startswith("receipts/delete") for row in heard)


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
    Case("data.files.bookmark", ("7", "8"), _file_in_bookmark, (True, False)),
    Case("data.files.on_delete", ("hold", "reverse"), _file_deleted, (([], "held"), ([], "held"))),
    Case("data.receipts.updates", ("auto", "on_demand"), _paid_unasked, ((1, 0), (0, 1))),
    Case("data.receipts.bookmark", ("7", "8"), _paid_in_bookmark, (1, 0)),
    Case("data.receipts.on_delete", ("reverse", "hold"), _taken_back, (1, 0)),
    Case("accounts.payment_bank", ("1", "2"), lambda b: [r["receipt_account_id"] for r in _paid(b)], ([1], [2])),
)
