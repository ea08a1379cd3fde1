"""The Scoro stand-in's documents: arithmetic, values on the wire, changes, receipts, files, reference data."""

import base64
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from sandbox import fixtures
from tests.unit.sandbox_scoro import Client, line, stand_in


@pytest.fixture(scope="module")
def server() -> Iterator[Client]:
    with stand_in() as client:
        yield client


@pytest.fixture
def scoro(server: Client) -> Client:
    server.control("reset", {})
    server.set(window_limit=1_000_000)
    return server


LICENCE, CONSULTING = 4, 1


# -- arithmetic --------------------------------------------------------------------------------------


def test_a_header_discount_passes_exempt_products_by_and_line_sums(scoro: Client) -> None:
    lines = [line("11", "2", product_id=LICENCE), line("22", "3", product_id=CONSULTING)]
    invoice = scoro.invoice(discount=25, lines=lines)
    assert [row["sum"] for row in invoice["lines"]] == ["22.00", "66.00"]
    assert (invoice["sum"], invoice["vat_sum"]) == ("71.50", "14.30")


def test_several_header_discounts_compound_or_add_up(scoro: Client) -> None:
    discounts = {"discount": 10, "discount2": 5, "discount3": "2.5"}
    assert scoro.invoice(lines=[line("1000")], **discounts)["sum"] == "833.63"
    scoro.set(header_discounts="added")
    assert scoro.invoice(lines=[line("1000")], **discounts)["sum"] == "825.00"


def test_lines_are_rounded_halves_up_after_their_discount(scoro: Client) -> None:
    invoice = scoro.invoice(lines=[line("33.335", "3"), line("0.1", "0.05"), line("100", discount="33.333333")])
    assert [row["sum"] for row in invoice["lines"]] == ["100.01", "0.01", "66.67"]
    assert invoice["sum"] == "166.69"
    assert scoro.invoice(lines=[line("-0.001")])["sum"] == "0.00"


def test_vat_is_computed_per_rate_on_the_discounted_net(scoro: Client) -> None:
    lines = [line("0.33"), line("0.33"), line("0.33"), line("10", vat_code_id=2), line("5", vat_code_id=3)]
    assert scoro.invoice(lines=lines)["vat_sum"] == "0.70"
    assert scoro.invoice(lines=lines, discount=50)["vat_sum"] == "0.35"


def test_vat_of_the_document_where_line_vat_is_off(scoro: Client) -> None:
    scoro.set(line_based_vat=False)
    invoice = scoro.invoice(vat_code_id=2, lines=[line("10", vat_code_id=None), line("20", vat_code_id=None)])
    assert (invoice["vat"], invoice["vat_code_id"], invoice["vat_code"]) == ("5.000", "2", "S5")
    assert invoice["vat_sum"] == "1.50"
    assert {row["vat"] for row in invoice["lines"]} == {None}


def test_the_second_amount_counts_by_setting(scoro: Client) -> None:
    assert scoro.invoice(lines=[line("10", "2", amount2="3")])["sum"] == "20.00"
    scoro.set(amount2_multiplies=True)
    assert scoro.invoice(lines=[line("10", "2", amount2="3")])["sum"] == "60.00"


def test_expenses_and_bills_have_their_own_names(scoro: Client) -> None:
    lines = [{"description": "Train", "quantity": 2, "price": "10.5", "tax_code_id": 1, "finance_account_id": 13}]
    expense = scoro.save("expenses/modify", {"lines": lines})
    assert (expense["sum"], expense["tax_sum"], expense["lines"][0]["tax_percentage"]) == ("21.00", "4.20", "20.000")
    bill = scoro.save("bills/modify", {"no": "B-1", "project_id": -1, "lines": [line("-10")]})
    assert (bill["sum"], bill["vat_sum"], bill["project_id"]) == ("-10.00", "-2.00", -1)
    assert not {"paid_sum", "receivable_sum"} & set(bill)


def test_credit_invoices_name_what_they_credit(scoro: Client) -> None:
    invoice = scoro.invoice(lines=[line("10")])
    credit = scoro.invoice(company_id=invoice["company_id"], credited_invoices=[invoice["id"]], lines=[line("-10")])
    assert (credit["credited_invoices"], credit["sum"]) == ([invoice["id"]], "-10.00")


def test_sub_headings_are_lines_without_money(scoro: Client) -> None:
    invoice = scoro.invoice(lines=[{"product_id": -1, "comment": "Phase one"}, line("10")])
    heading = invoice["lines"][0]
    assert (heading["product_id"], heading["comment"], heading["sum"]) == (-1, "Phase one", "0.00")
    assert heading["vat_code_id"] is None
    assert invoice["sum"] == "10.00"


# -- wire --------------------------------------------------------------------------------------------


def test_values_have_the_shapes_of_recorded_payloads(scoro: Client) -> None:
    payer = scoro.save("contacts/modify", {"name": "Acme", "addresses": [{"city": "Leeds", "country": "gbr"}]})
    invoice = scoro.invoice(company_id=payer["contact_id"], currency="EUR", lines=[line("11", "2")])
    assert (invoice["lines"][0]["price"], invoice["lines"][0]["amount"]) == ("11.000000", "2.000000")
    assert (invoice["sum"], invoice["discount"]) == ("22.00", "0.000000")
    assert (invoice["is_sent"], invoice["is_deleted"]) == (0, 0)
    assert invoice["credited_invoices"] is None
    assert invoice["quote_id"] is None
    assert invoice["currency_rate"] == 0.8572
    assert isinstance(invoice["no"], str)
    assert invoice["company_address"]["city"] == "Leeds"
    assert invoice["lines"][0]["vat_code_id"] == "1"
    assert invoice["lines"][0]["finance_account_symbol"] == "4000"
    assert invoice["lines"][0]["custom_fields"] is None
    assert invoice["owner_email"] == "api.user@sandbox.example"
    assert payer["means_of_contact"] == []
    assert [item["value"] for item in invoice["custom_fields"]] == [None, None, None]


def test_receivable_carries_binary_noise(scoro: Client) -> None:
    invoice = scoro.invoice(lines=[line("11", "2")])
    assert invoice["paid_sum"] == 0
    assert invoice["receivable_sum"] != 26.4
    assert round(Decimal(str(invoice["receivable_sum"])), 2) == Decimal("26.40")
    scoro.set(float_noise=False)
    assert scoro.data(f"invoices/view/{invoice['id']}")["receivable_sum"] == 26.4


def test_stamps_are_in_the_zone_of_the_site(scoro: Client) -> None:
    scoro.set(time_zone="Asia/Kolkata")
    invoice = scoro.invoice()
    assert invoice["created_date"] == invoice["modified_date"]
    assert invoice["created_date"].endswith("+05:30")
    scoro.set(stamps="plain")
    assert scoro.data(f"invoices/view/{invoice['id']}")["created_date"] == invoice["created_date"][:19].replace(
        "T", " "
    )


def test_quirks_can_be_switched(scoro: Client) -> None:
    invoice = scoro.invoice(description="Tom & 'Jerry' <x>", lines=[line("1.5", comment='"a"')])
    scoro.set(html_entities=True, null_arrays=False, zero_dates=True, decimal_strings=False)
    seen = scoro.data(f"invoices/view/{invoice['id']}")
    assert seen["description"] == "Tom &amp; &#039;Jerry&#039; &lt;x&gt;"
    assert seen["lines"][0]["comment"] == "&quot;a&quot;"
    assert seen["quote_id"] == []
    assert seen["deadline"] == "0000-00-00"
    assert seen["lines"][0]["price"] == 1.5


# -- changes -----------------------------------------------------------------------------------------


def test_modify_without_id_and_with_zero_create(scoro: Client) -> None:
    made = [scoro.data(path, {"lines": [line()]}) for path in ("invoices/modify", "invoices/modify/0")]
    assert [set(answer) for answer in made] == [{"id"}, {"id"}]
    assert len(scoro.data("invoices/list")) == 2


def test_header_is_partial_and_lines_are_the_whole_collection(scoro: Client) -> None:
    invoice = scoro.invoice(description="first", lines=[line("1", comment="a"), line("2"), line("3")])
    path = f"invoices/modify/{invoice['id']}"
    changed = scoro.save(path, {"description": "second"})
    assert (changed["description"], len(changed["lines"]), changed["sum"]) == ("second", 3, "6.00")
    kept = invoice["lines"][0]["id"]
    changed = scoro.save(path, {"lines": [{"id": kept, "amount": 5}, line("7")]})
    assert [row["id"] == kept for row in changed["lines"]] == [True, False]
    assert changed["lines"][1]["id"] not in {row["id"] for row in invoice["lines"]}
    assert (changed["lines"][0]["comment"], changed["sum"]) == ("a", "12.00")
    scoro.set(kept_lines="replace")
    assert scoro.save(path, {"lines": [{"id": kept, "amount": 5}]})["sum"] == "0.00"
    assert scoro.save(path, {"lines": []})["lines"] == []


def test_unknown_input_is_ignored_in_silence(scoro: Client) -> None:
    invoice = scoro.invoice(c_class="Retainer", colour="red", sum="1.00", account_id="other", lines=[line("5")])
    assert (invoice["sum"], invoice["account_id"]) == ("5.00", fixtures.SCORO_ENTITY)
    assert "colour" not in invoice
    assert {item["value"] for item in invoice["custom_fields"]} == {None}
    changed = scoro.save(
        f"invoices/modify/{invoice['id']}",
        {"custom_fields": [{"id": "c_class", "value": "Retainer"}, {"id": "c_nothing", "value": "x"}]},
    )
    assert {item["id"]: item["value"] for item in changed["custom_fields"]}["c_class"] == "Retainer"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("date", "31.01.2026"),
        ("discount", "ten"),
        ("company_id", 999),
        ("currency", "XXX"),
        ("lines", "none"),
        ("lines", [{"finance_account_id": 999}]),
    ],
)
def test_malformed_input_is_refused_by_name(scoro: Client, field: str, value: Any) -> None:
    answer = scoro.call("invoices/modify", {field: value})
    assert answer.status_code == 400
    assert scoro.data("invoices/list") == []


def test_a_modification_moves_the_stamp(scoro: Client) -> None:
    invoice = scoro.invoice()
    scoro.set(clock_offset_s=3600)
    changed = scoro.save(f"invoices/modify/{invoice['id']}", {"description": "x"})
    assert changed["created_date"] == invoice["created_date"]
    assert changed["modified_date"] > invoice["modified_date"]


def test_numbers_are_given_unless_they_may_be_set(scoro: Client) -> None:
    assert scoro.invoice(no="2026-7")["no"] == "2026-7"
    scoro.set(document_no_settable=False)
    assert scoro.invoice(no="2026-8")["no"] != "2026-8"


# -- receipts ----------------------------------------------------------------------------------------


def test_receipts_pay_documents_until_they_are_deleted(scoro: Client) -> None:
    invoice = scoro.invoice(lines=[line("100")])

    def pay(amount: str) -> int:
        entry = {"invoice_id": invoice["id"], "sum": amount, "date": "2026-01-31"}
        group = {"date": "2026-01-31", "receipt_account_id": 1, "receipts": [entry]}
        return int(scoro.data("receipts/modify", group)["id"])

    def state() -> tuple[str, Decimal]:
        seen = scoro.data(f"invoices/view/{invoice['id']}")
        return seen["status"], round(Decimal(str(seen["receivable_sum"])), 2)

    pay("20")
    assert state() == ("unpaid", Decimal(100))
    last = pay("100")
    assert state() == ("paid", Decimal(0))
    (first_group, _) = scoro.data("receipts/list")
    assert (first_group["sum"], first_group["receipts"][0]["contact_name"]) == ("20.00", "Acme Ltd")
    scoro.data(f"receipts/delete/{last}")
    assert state() == ("unpaid", Decimal(100))
    assert scoro.data(f"invoices/view/{invoice['id']}")["modified_date"] == invoice["modified_date"]


def test_receipts_pay_bills_too_and_touch_documents_by_setting(scoro: Client) -> None:
    scoro.set(receipt_changes_document=True)
    bill = scoro.save("bills/modify", {"no": "B-1", "lines": [line("10")]})
    scoro.set(clock_offset_s=60)
    entry = {"invoice_id": bill["id"], "sum": 12}
    scoro.data("receipts/modify", {"date": "2026-01-31", "sales_doc_type": "bills", "receipts": [entry]})
    seen = scoro.data(f"bills/view/{bill['id']}")
    assert seen["status"] == "paid"
    assert seen["modified_date"] > bill["modified_date"]
    missing = scoro.call("receipts/modify", {"date": "2026-01-31", "receipts": [{"invoice_id": 99, "sum": 1}]})
    assert missing.status_code == 400


# -- files -------------------------------------------------------------------------------------------


def upload(scoro: Client, parts: list[bytes], name: str = "scan.pdf") -> int:
    size = sum(map(len, parts))
    file_id = 0
    for number, part in enumerate(parts, start=1):
        request = {
            "name": name,
            "size": size,
            "chunk_no": number,
            "chunks_total": len(parts),
            "chunk_data": base64.b64encode(part).decode(),
        }
        file_id = scoro.data(f"files/modify/{file_id}", request)["file_id"]
    return file_id


def test_files_come_in_parts_and_leave_in_both_forms(scoro: Client) -> None:
    file_id = upload(scoro, [b"first ", b"second"])
    assert scoro.data(f"files/view/{file_id}")["file_size"] == "12"
    assert scoro.call(f"files/download/{file_id}").content == b"first second"
    scoro.set(file_download="base64")
    data = scoro.data(f"files/download/{file_id}")
    assert (data["file_name"], base64.b64decode(data["content"])) == ("scan.pdf", b"first second")


def test_parts_are_checked(scoro: Client) -> None:
    whole = {"name": "x", "size": 3, "chunk_no": 1, "chunks_total": 1}
    assert scoro.call("files/modify", whole | {"chunk_data": "A" * 5_000_004}).status_code == 400
    assert scoro.call("files/modify", whole | {"chunk_data": "not base64!"}).status_code == 400
    assert scoro.call("files/modify", whole | {"chunk_data": base64.b64encode(b"four").decode()}).status_code == 400
    assert scoro.data("files/list") == []
    half = {"name": "x", "size": 6, "chunk_no": 1, "chunks_total": 2, "chunk_data": base64.b64encode(b"abc").decode()}
    file_id = scoro.data("files/modify", half)["file_id"]
    assert scoro.call(f"files/download/{file_id}").status_code == 404
    assert scoro.call(f"files/modify/{file_id}", half).status_code == 400


def test_files_are_related_to_documents(scoro: Client) -> None:
    invoice = scoro.invoice()
    file_id = upload(scoro, [b"x"])
    other = upload(scoro, [b"y"])
    relation = {"rel_type": "invoices", "rel_id": invoice["id"]}
    scoro.data(f"files/addRelation/{file_id}", relation)
    assert scoro.data(f"files/view/{file_id}")["relations"] == {"invoices": [invoice["id"]]}
    assert len(scoro.data("files/list", filter=relation)) == 2
    scoro.set(file_relation_filter=True)
    assert [row["file_id"] for row in scoro.data("files/list", filter=relation)] == [file_id]
    scoro.data(f"files/removeRelation/{file_id}", relation)
    assert scoro.data("files/list", filter=relation) == []
    assert scoro.call(f"files/addRelation/{other}", {"rel_type": "invoices", "rel_id": 99}).status_code == 400


# -- reference data ----------------------------------------------------------------------------------


def test_the_books_are_those_of_the_fixtures(scoro: Client) -> None:
    (company,) = scoro.data("companyAccount/list")
    assert (company["base_currency"], company["active_currencies"]) == ("GBP", ["GBP", "EUR", "USD"])
    codes = {row["vat_code_id"]: row["percent"] for row in scoro.data("vatCodes/list")}
    assert codes == {1: "20.00", 2: "5.00", 3: "0.00", 4: "17.50"}
    symbols = [row["account_symbol"] for row in scoro.data("financeAccounts/list")]
    assert symbols == [account.symbol for account in fixtures.ACCOUNTS]
    projects = [row["project_name"] for row in scoro.data("projects/list")]
    assert projects == [project.name for project in fixtures.PROJECTS]
    assert {row["id"] for row in scoro.data("customFields/list")} >= set(fixtures.DIMENSION_FIELDS.values())
    for module in ("financeObjects", "users", "statuses", "products", "receiptAccounts", "clientProfiles"):
        assert scoro.data(f"{module}/list"), module


def test_company_account_can_come_as_an_object(scoro: Client) -> None:
    scoro.set(company_account_shape="object")
    assert scoro.data("companyAccount/list")["company_name"] == "Sandbox Consulting Ltd"


def test_background_data_is_writable_by_setting(scoro: Client) -> None:
    account = scoro.save("financeAccounts/modify", {"account_symbol": "7000", "name": "Rent", "is_active": 1})
    assert scoro.save(f"financeAccounts/modify/{account['id']}", {"is_active": 0})["is_active"] == 0
    scoro.set(background_writes=False)
    assert scoro.call("vatCodes/modify", {"vat_code": "S10", "percent": 10}).status_code == 403
    assert scoro.call("users/modify", {"username": "x"}).status_code == 400


# -- people ------------------------------------------------------------------------------------------


def test_a_person_can_write_what_the_api_refuses(scoro: Client) -> None:
    assert scoro.call("contacts/modify", {"name": ""}).status_code == 400
    nameless = scoro.control("create/contacts", {"name": ""})
    invoice = scoro.control("create/invoices", {"company_id": nameless["contact_id"], "lines": [line("5")]})
    pinned = scoro.control(f"edit/invoices/{invoice['id']}", {"currency": "XXX", "_pinned": {"sum": "6.00"}})
    assert (pinned["currency"], pinned["sum"], pinned["vat_sum"]) == ("XXX", "6.00", "1.00")
    freed = scoro.control(f"edit/invoices/{invoice['id']}", {"_pinned": None})
    assert freed["sum"] == "5.00"
    scoro.control(f"delete/invoices/{invoice['id']}", {})
    assert scoro.control("records/invoices") == []
