"""Files of documents from Scoro to Intacct: with their document, after it, and without holding it up."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from app.wiring import using
from console.actions.previewing import preview
from producers.late_files import LateFiles
from sandbox import fixtures
from schemas.kinds import Kind
from tests.worlds.stand_ins import line, today
from tests.worlds.waiting import until
from tests.worlds.world import World

PDF = b"%PDF-1.7 a contract"


@pytest.fixture
def at_work(embedded_world: World) -> Iterator[World]:
    """The product running on the world, where Intacct has no folder of ours yet."""
    for folder in embedded_world.intacct.records("SUPDOCFOLDER"):
        embedded_world.intacct.control(f"delete/SUPDOCFOLDER/{folder['RECORDNO']}", {})
    with embedded_world.running():
        yield embedded_world


def invoice_with(world: World, *contents: bytes, number: str = "INV-1", **fields: Any) -> tuple[int, list[int]]:
    """An invoice that Scoro tells of once its files are there."""
    world.scoro.set(webhooks_off=True)
    invoice = world.scoro.invoice(number, world.scoro.customer(), line(), **fields)
    files = [world.scoro.upload(f"file {n}.pdf", content, ("invoices", invoice)) for n, content in enumerate(contents)]
    world.scoro.set(webhooks_off=False)
    world.scoro.edit(invoice, is_sent=1)
    return invoice, files


def held(world: World, record_id: str) -> dict[str, bytes]:
    """The files of an attachment record in Intacct: `name.type` -> content."""
    found = [row for row in world.intacct.records("SUPDOC") if row["SUPDOCID"] == record_id]
    return {f"{f['NAME']}.{f['TYPE']}": base64.b64decode(f["DATA"]) for row in found for f in row["FILES"]}


def file_row(world: World, file_id: int) -> dict[str, Any]:
    rows = world.rows("SELECT * FROM document WHERE module = 'files' AND scoro_id = %s", [file_id])
    return rows[0] if rows else {"state": "", "reason": ""}


def writes(world: World, since: int) -> list[list[str]]:
    """The functions that wrote, request by request."""
    return [[f for f in request["functions"] if f != "query"] for request in world.intacct.requests(since)]


@pytest.mark.parametrize("form", ["binary", "base64"])
@pytest.mark.parametrize("filter_works", [True, False])
def test_files_ride_in_the_request_of_their_document(at_work: World, form: str, filter_works: bool) -> None:
    at_work.scoro.set(file_download=form, file_relation_filter=filter_works)
    before = at_work.intacct.last_request()
    invoice, files = invoice_with(at_work, PDF, b"\x89PNG not a picture")
    until(lambda: at_work.document_is(invoice, "posted"), "the invoice is posted")
    at_work.settle()
    assert at_work.intacct.invoice("INV-1")["SUPDOCID"] == f"SCORO-I-{invoice}"
    assert held(at_work, f"SCORO-I-{invoice}") == {"file 0.pdf": PDF, "file 1.pdf": b"\x89PNG not a picture"}
    assert writes(at_work, before) == [["create_supdocfolder", "create_supdoc", "create", "create_invoice"]]
    assert [file_row(at_work, file)["state"] for file in files] == ["posted", "posted"]
    assert at_work.rows("SELECT FROM file_content") == []


def test_a_folder_that_intacct_has_already_is_used(embedded_world: World) -> None:
    assert [row["NAME"] for row in embedded_world.intacct.records("SUPDOCFOLDER")] == ["Scoro"]
    with embedded_world.running():
        invoice, _ = invoice_with(embedded_world, PDF)
        until(lambda: embedded_world.document_is(invoice, "posted"), "the invoice is posted")
        embedded_world.settle()
    assert held(embedded_world, f"SCORO-I-{invoice}") == {"file 0.pdf": PDF}
    assert embedded_world.failures() == []
    assert embedded_world.row("SELECT state FROM document WHERE kind = 'folder'")["state"] in {"posted", "linked"}


def test_what_is_kept_of_a_request_holds_no_bytes_of_files(at_work: World) -> None:
    invoice, _ = invoice_with(at_work, PDF)
    until(lambda: at_work.document_is(invoice, "posted"), "the invoice is posted")
    sent = base64.b64encode(PDF).decode()
    assert any(sent in request["xml"] for request in at_work.intacct.requests())
    for table in ("request", "operation", "link", "dead_letter", "journal", "revision"):
        (row,) = at_work.rows(f"SELECT count(*) AS n FROM {table} t WHERE t::text LIKE %s", [f"%{sent[:20]}%"])
        assert row["n"] == 0, table


def test_a_late_file_is_added_and_the_document_is_left_alone(at_work: World) -> None:
    invoice, _ = invoice_with(at_work, PDF)
    until(lambda: at_work.document_is(invoice, "posted"), "the invoice is posted")
    at_work.settle()
    before = at_work.intacct.last_request()
    late = at_work.scoro.upload("file 0.pdf", b"%PDF late", ("invoices", invoice))
    at_work.send(invoice)
    until(lambda: file_row(at_work, late)["state"] == "posted", "the late file stands in Intacct")
    at_work.settle()
    assert held(at_work, f"SCORO-I-{invoice}") == {"file 0.pdf": PDF, "file 0 (2).pdf": b"%PDF late"}
    assert writes(at_work, before) == [["update_supdoc"]]


def test_the_first_file_of_a_posted_document_is_named_by_it_afterwards(at_work: World) -> None:
    invoice, _ = invoice_with(at_work)
    until(lambda: at_work.document_is(invoice, "posted"), "the invoice is posted")
    at_work.settle()
    before = at_work.intacct.last_request()
    file = at_work.scoro.upload("late.pdf", PDF, ("invoices", invoice))
    at_work.send(invoice)
    until(lambda: at_work.intacct.invoice("INV-1")["SUPDOCID"] == f"SCORO-I-{invoice}", "the invoice names its files")
    at_work.settle()
    assert writes(at_work, before) == [["create_supdocfolder", "create_supdoc", "update_invoice"]]
    assert at_work.intacct.invoice("INV-1")["TRX_TOTALENTERED"] == "120.00"
    assert (at_work.document(invoice)["state"], file_row(at_work, file)["state"]) == ("posted", "posted")
    # an edit afterwards goes on from what the invoice held
    at_work.scoro.edit(invoice, description="Edited")
    until(lambda: at_work.intacct.invoice("INV-1")["DESCRIPTION"] == "Edited", "the edit stands in Intacct")
    at_work.settle()
    assert at_work.intacct.invoice("INV-1")["SUPDOCID"] == f"SCORO-I-{invoice}"


def test_a_file_that_is_too_large_fails_and_its_document_goes(at_work: World) -> None:
    at_work.change_settings({"data.files.max_bytes": "100"})
    invoice, (small, large) = invoice_with(at_work, PDF, b"%PDF" + b"x" * 200)
    until(lambda: at_work.document_is(invoice, "posted"), "the invoice is posted")
    at_work.settle()
    assert held(at_work, f"SCORO-I-{invoice}") == {"file 0.pdf": PDF}
    assert (file_row(at_work, small)["state"], file_row(at_work, large)["state"]) == ("posted", "failed")
    (failure,) = at_work.failures()
    assert failure["code"] == "file_too_large"
    # raising the limit and sending the document again brings it
    at_work.change_settings({"data.files.max_bytes": "1000"})
    at_work.send(invoice)
    until(lambda: file_row(at_work, large)["state"] == "posted", "the large file stands in Intacct")
    at_work.settle()
    assert at_work.failures() == []


def test_files_that_intacct_refuses_do_not_hold_their_document(at_work: World) -> None:
    at_work.intacct.set(denied=["create_supdoc SUPDOC", "update_supdoc SUPDOC"])
    invoice, files = invoice_with(at_work, PDF, b"%PDF two")
    until(lambda: at_work.document_is(invoice, "posted"), "the invoice is posted")
    until(lambda: {file_row(at_work, f)["state"] for f in files} == {"failed"}, "the files failed")
    at_work.settle()
    assert at_work.intacct.invoice("INV-1")["SUPDOCID"] == ""
    notes = at_work.rows("SELECT text FROM note WHERE document_id = %s", [at_work.document(invoice)["id"]])
    assert any("files were not sent" in note["text"] for note in notes)
    at_work.intacct.set(denied=[])
    at_work.send(invoice)
    until(lambda: at_work.intacct.invoice("INV-1")["SUPDOCID"], "the invoice names its files after all")
    at_work.settle()
    assert held(at_work, f"SCORO-I-{invoice}") == {"file 0.pdf": PDF, "file 1.pdf": b"%PDF two"}
    assert at_work.failures() == []


def test_files_of_credit_invoices_are_skipped_with_the_reason(at_work: World) -> None:
    at_work.scoro.set(webhooks_off=True)
    credit = at_work.scoro.invoice("CR-1", at_work.scoro.customer(), line(price="-100.00"))
    file = at_work.scoro.upload("credit.pdf", PDF, ("invoices", credit))
    at_work.scoro.set(webhooks_off=False)
    at_work.scoro.edit(credit, is_sent=1)
    until(lambda: at_work.document_is(credit, "posted"), "the credit is posted")
    at_work.settle()
    assert file_row(at_work, file)["state"] == "skipped"
    assert "adjustments" in file_row(at_work, file)["reason"]
    assert at_work.intacct.records("SUPDOC") == []


def test_a_file_of_two_documents_goes_with_both(at_work: World) -> None:
    first, _ = invoice_with(at_work, number="INV-1")
    second, _ = invoice_with(at_work, number="INV-2")
    at_work.settle()
    file = at_work.scoro.upload("both.pdf", PDF, ("invoices", first), ("invoices", second))
    at_work.send(first)
    at_work.send(second)
    until(lambda: held(at_work, f"SCORO-I-{first}") and held(at_work, f"SCORO-I-{second}"), "both records hold it")
    at_work.settle()
    assert file_row(at_work, file)["state"] == "posted"


def test_an_unanswered_file_is_looked_up_and_not_doubled(at_work: World) -> None:
    at_work.intacct.fault("lost_after_commit")
    invoice, (file,) = invoice_with(at_work, PDF)
    until(lambda: at_work.document_is(invoice, "posted"), "the invoice is posted")
    at_work.settle()
    assert held(at_work, f"SCORO-I-{invoice}") == {"file 0.pdf": PDF}
    assert file_row(at_work, file)["state"] == "posted"
    assert len(at_work.intacct.invoices("INV-1")) == 1


def test_more_files_than_a_request_takes_go_in_several(at_work: World) -> None:
    at_work.change_settings({"delivery.max_bytes": "30000"})
    contents = [b"%PDF" + bytes([65 + n]) * 12_000 for n in range(3)]
    invoice, _ = invoice_with(at_work, *contents)
    until(lambda: len(held(at_work, f"SCORO-I-{invoice}")) == 3, "all files stand in Intacct")
    at_work.settle()
    assert sorted(held(at_work, f"SCORO-I-{invoice}").values()) == contents
    assert all(len(request["xml"]) <= 30_000 for request in at_work.intacct.requests())


def test_a_file_is_sent_by_its_own_id(at_work: World) -> None:
    invoice, _ = invoice_with(at_work)
    at_work.settle()
    file = at_work.scoro.upload("own.pdf", PDF, ("invoices", invoice))
    at_work.capture(Kind.FILE, file)
    until(lambda: file_row(at_work, file)["state"] == "posted", "the file stands in Intacct")


def test_a_preview_shows_the_attachment_and_reads_no_file(embedded_world: World) -> None:
    world = embedded_world
    invoice = world.scoro.invoice("INV-1", world.scoro.customer(), line())
    world.scoro.upload("contract.pdf", PDF, ("invoices", invoice))
    world.scoro.upload("empty.exe", b"MZ", ("invoices", invoice))
    world.change_settings({"data.files.types": "pdf"})
    with using(world.settings, world.ledger) as runtime:
        made = preview(runtime, world.connection, Kind.INVOICE, invoice)
    assert [function.split("<")[2].split(" ")[0].rstrip(">") for function in made.functions] == [
        "create",
        "create_supdoc",
        "create_invoice",
    ]
    assert "<attachmentname>contract</attachmentname>" in made.functions[1]
    assert f"<supdocid>SCORO-I-{invoice}</supdocid>" in made.functions[2]
    assert any("empty.exe" in note for note in made.notes)
    assert "files/download" not in world.scoro.control("counters")["requests"]
    assert world.rows("SELECT FROM file_content") == []


def test_switched_off_files_cost_nothing(at_work: World) -> None:
    at_work.change_settings({"data.files.enabled": "false"})
    invoice, _ = invoice_with(at_work, PDF)
    until(lambda: at_work.document_is(invoice, "posted"), "the invoice is posted")
    at_work.settle()
    assert at_work.intacct.records("SUPDOC") == []
    assert "files/list" not in at_work.scoro.control("counters")["requests"]


def test_a_late_file_is_found_by_the_poller_alone(embedded_world: World) -> None:
    world = embedded_world
    with world.running(), using(world.settings, world.ledger) as runtime:
        invoice, _ = invoice_with(world)
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
        world.settle()
        file = world.scoro.upload("late.pdf", PDF, ("invoices", invoice))
        world.scoro.upload("elsewhere.pdf", PDF, ("projects", 1))
        look = LateFiles()
        assert look.look(world.ledger.db, world.connection, runtime.scoro(world.connection)) == (1, 1)
        until(lambda: file_row(world, file)["state"] == "posted", "the file stands in Intacct")
        world.settle()
        assert look.look(world.ledger.db, world.connection, runtime.scoro(world.connection)) == (0, 1)
    assert world.intacct.invoice("INV-1")["SUPDOCID"] == f"SCORO-I-{invoice}"


def test_files_among_too_many_to_list_follow_their_document(
    embedded_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clients.scoro.files.FEW_CALLS", 1)
    world = embedded_world
    for number in range(30):
        world.scoro.upload(f"other {number}.pdf", PDF)
    with world.running(), using(world.settings, world.ledger) as runtime:
        invoice, (file,) = invoice_with(world, PDF)
        until(lambda: world.document_is(invoice, "posted"), "the invoice is posted")
        world.settle()
        assert world.intacct.records("SUPDOC") == []
        assert LateFiles().look(world.ledger.db, world.connection, runtime.scoro(world.connection)) == (1, 2)
        until(lambda: file_row(world, file)["state"] == "posted", "the file stands in Intacct")
        world.settle()
    assert held(world, f"SCORO-I-{invoice}") == {"file 0.pdf": PDF}
    assert world.intacct.invoice("INV-1")["SUPDOCID"] == f"SCORO-I-{invoice}"


@pytest.mark.parametrize("removed", [1, 2])
def test_files_removed_before_they_went_do_not_go(at_work: World, removed: int) -> None:
    at_work.execute("UPDATE connection SET state = 'paused'")
    invoice, files = invoice_with(at_work, b"%PDF one", b"%PDF two")
    until(lambda: file_row(at_work, files[1])["state"] == "waiting", "the files are planned")
    for file in files[:removed]:
        at_work.scoro.call(f"files/removeRelation/{file}", {"rel_type": "invoices", "rel_id": invoice})
    at_work.send(invoice)
    until(lambda: file_row(at_work, files[0])["state"] == "deleted", "the file is forgotten")
    at_work.execute("UPDATE connection SET state = 'active'")
    at_work.ring()
    until(lambda: at_work.document_is(invoice, "posted"), "the invoice is posted")
    at_work.settle()
    left = {"file 1.pdf": b"%PDF two"} if removed == 1 else {}
    assert held(at_work, f"SCORO-I-{invoice}") == left
    assert (at_work.intacct.invoice("INV-1").get("SUPDOCID") or "") == (f"SCORO-I-{invoice}" if left else "")
    # attached again it goes
    at_work.scoro.call(f"files/addRelation/{files[0]}", {"rel_type": "invoices", "rel_id": invoice})
    at_work.send(invoice)
    until(lambda: file_row(at_work, files[0])["state"] == "posted", "the file stands in Intacct")
    at_work.settle()
    assert held(at_work, f"SCORO-I-{invoice}") == left | {"file 0.pdf": b"%PDF one"}


@pytest.mark.parametrize("kind", ["bills", "expenses"])
def test_bills_and_expenses_carry_their_files(at_work: World, kind: str) -> None:
    at_work.scoro.set(webhooks_off=True)
    supplier = at_work.scoro.customer("Supplier Ltd", is_supplier=1)
    given = {"no": "B-77", "company_id": supplier, "currency": "GBP", "date": today(), "deadline": today()}
    own = {"finance_account_id": fixtures.SCORO_ACCOUNT_IDS["6000"], "price": "100.00"}
    lines = [
        {**own, "amount": "1", "vat_code_id": 1} if kind == "bills" else {**own, "quantity": "1", "tax_code_id": 1}
    ]
    document = int(at_work.scoro.create(kind, **given, lines=lines)["id"])
    at_work.scoro.upload("bill.pdf", PDF, (kind, document))
    at_work.scoro.set(webhooks_off=False)
    at_work.scoro.change(kind, document, reference_no="R-1") if kind == "bills" else at_work.scoro.change(
        kind, document, comment="now"
    )
    record_id = f"SCORO-{kind[0].upper()}-{document}"
    until(lambda: [row["SUPDOCID"] for row in at_work.intacct.records("APBILL")] == [record_id], "the bill names it")
    at_work.settle()
    assert held(at_work, record_id) == {"bill.pdf": PDF}
    late = at_work.scoro.upload("late.pdf", b"%PDF late", (kind, document))
    at_work.capture(Kind.FILE, late)
    until(lambda: len(held(at_work, record_id)) == 2, "the late file is added")


def test_a_bill_names_its_first_late_file(at_work: World) -> None:
    supplier = at_work.scoro.customer("Supplier Ltd", is_supplier=1)
    own = {"finance_account_id": fixtures.SCORO_ACCOUNT_IDS["6000"], "price": "100.00", "amount": "1", "vat_code_id": 1}
    given = {"no": "B-77", "company_id": supplier, "currency": "GBP", "date": today(), "deadline": today()}
    bill = int(at_work.scoro.create("bills", **given, lines=[own])["id"])
    until(lambda: at_work.intacct.records("APBILL"), "the bill is posted")
    at_work.settle()
    file = at_work.scoro.upload("late.pdf", PDF, ("bills", bill))
    at_work.capture(Kind.FILE, file)
    until(lambda: at_work.intacct.records("APBILL")[0]["SUPDOCID"] == f"SCORO-B-{bill}", "the bill names its file")
    at_work.settle()
    assert at_work.intacct.records("APBILL")[0]["TRX_TOTALENTERED"] == "120.00"


def test_files_wait_while_a_connection_rehearses_and_follow_their_document(at_work: World) -> None:
    at_work.execute("UPDATE connection SET state = 'rehearsal'")
    invoice, (file,) = invoice_with(at_work, PDF)
    until(lambda: at_work.rows("SELECT FROM operation WHERE object = 'ARINVOICE'"), "the invoice is planned")
    assert at_work.rows("SELECT FROM file_content") == []
    assert at_work.rows("SELECT FROM operation WHERE object = 'SUPDOC'") == []
    at_work.execute("UPDATE connection SET state = 'active'")
    at_work.ring()
    until(lambda: file_row(at_work, file)["state"] == "posted", "the file follows")
    at_work.settle()
    assert at_work.intacct.invoice("INV-1")["SUPDOCID"] == f"SCORO-I-{invoice}"


def test_an_operation_whose_content_was_lost_is_planned_again(at_work: World) -> None:
    at_work.intacct.fault("throttled", ms=0)
    invoice, (file,) = invoice_with(at_work, PDF)
    until(lambda: at_work.rows("SELECT FROM file_content"), "the content is kept")
    at_work.execute("DELETE FROM file_content")
    until(lambda: file_row(at_work, file)["state"] == "posted", "the file stands in Intacct")
    at_work.settle(60)
    assert held(at_work, f"SCORO-I-{invoice}") == {"file 0.pdf": PDF}
    assert at_work.intacct.invoice("INV-1")["SUPDOCID"] == f"SCORO-I-{invoice}"
