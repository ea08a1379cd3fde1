"""Each row of the table of look-ups against the gateway's stand-in: it happened, it did not, a person must look."""

import base64
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from clients.intacct.gateway import Gateway, Login
from db.operations import Sending
from sandbox import fixtures
from sandbox.intacct import GATEWAY_PATH, create_app
from sandbox.serve import running
from schemas.intacct.functions import Function, create, delete, update
from schemas.intacct.orders import check
from tests.unit.doubtful import doubtful
from tests.unit.sandbox_intacct import PURCHASE, STANDARD, Caller, customer, vendor
from workers.delivery.look_up import Verdict, questions, verdicts

LOGIN = Login(fixtures.COMPANY_ID, fixtures.USER_ID, fixtures.USER_PASSWORD, fixtures.ENTITY_ID)
LEGACY = {
    "ARINVOICE": ("invoice", "invoiceno", "customerid", "C1", "4000", STANDARD),
    "ARADJUSTMENT": ("aradjustment", "adjustmentno", "customerid", "C1", "4000", STANDARD),
    "APBILL": ("bill", "billno", "vendorid", "V1", "6000", PURCHASE),
    "APADJUSTMENT": ("apadjustment", "adjustmentno", "vendorid", "V1", "6000", PURCHASE),
}
PARTY = {name: row[3] for name, row in LEGACY.items()}
DOCUMENTS = sorted(LEGACY)
CREDITS = {"ARADJUSTMENT", "APADJUSTMENT"}


@pytest.fixture(scope="module")
def stand_in() -> Iterator[str]:
    with running(create_app()) as url:
        yield url


@pytest.fixture
def books(stand_in: str) -> Iterator["Books"]:
    caller = Caller(stand_in)
    caller.control("POST", "reset")
    caller.do(customer())
    caller.do(vendor())
    with Gateway(
        f"{stand_in}{GATEWAY_PATH}", fixtures.SENDER_ID, fixtures.SENDER_PASSWORD, allow_local=True
    ) as gateway:
        yield Books(caller, gateway)


class Books:
    """The stand-in's books: written and asked through our own gateway, edited as a person would."""

    def __init__(self, caller: Caller, gateway: Gateway) -> None:
        self.caller = caller
        self._gateway = gateway

    def run(self, function: Function) -> str:
        """Run a write that must succeed; returns its key."""
        check(function)
        response = self._gateway.send(LOGIN, [(str(uuid.uuid4()), function)], unique=True, deadline_s=20)
        (result,) = response.results.values()
        assert result.succeeded, result.errors
        return result.key or ""

    def look_up(self, *operations: Sending) -> list[Verdict | None]:
        """Ask about operations as a delivery run does: all questions in one request."""
        asked = questions(operations)
        for function in asked.values():
            check(function)
        response = self._gateway.send(LOGIN, list(asked.items()), unique=False, deadline_s=20)
        said = verdicts(operations, response.results, fixtures.USER_ID)
        return [said.get(operation.id) for operation in operations]

    def verdict(self, operation: Sending) -> Verdict:
        (verdict,) = self.look_up(operation)
        assert verdict is not None
        return verdict

    def edit(self, object_name: str, record_no: str, **change: Any) -> None:
        """Edit a document as a person in Intacct would."""
        self.caller.control("POST", f"edit/{object_name}/{record_no}", json=change)

    def pay(self, object_name: str, record_no: str, **share: str) -> None:
        """Pay a document as a person in Intacct would."""
        paid = {"object": object_name, "documents": [{"recordno": record_no, **share}]}
        self.caller.control("POST", "pay", json=paid)

    def state(self, object_name: str, record_no: str) -> str:
        (state,) = [r["STATE"] for r in self.caller.records(object_name) if r["RECORDNO"] == record_no]
        return str(state)


def line(object_name: str, amount: str, memo: str = "Work", **attributes: str) -> dict[str, Any]:
    *_, account, detail = LEGACY[object_name]
    sign = -1 if object_name in CREDITS else 1
    net = sign * Decimal(amount)
    return {
        "glaccountno": account,
        "amount": str(net),
        "memo": memo,
        "locationid": "UK",
        "taxentries": {"taxentry": [{"detailid": detail, "trx_tax": str((net / 5).quantize(Decimal("0.01")))}]},
        **attributes,
    }


def creation(object_name: str, number: str = "N-1", amount: str = "100.00") -> Function:
    noun, number_element, party_element, party, *_ = LEGACY[object_name]
    body: dict[str, Any] = {
        party_element: party,
        "datecreated": "2026-03-01",
        number_element: number,
        "description": "As sent",
        f"{noun}items": {"lineitem": [line(object_name, amount)]},
    }
    if object_name not in CREDITS:
        body["datedue"] = "2026-03-31"
    return Function(name=f"create_{noun}", body=body)


def change(object_name: str, key: str, amount: str = "150.00") -> Function:
    noun, *_ = LEGACY[object_name]
    lines = {
        "updatelineitem": [line(object_name, amount, **{"@line_num": "1"})],
        "lineitem": [line(object_name, "10.00", "More")],
    }
    body = {"datecreated": "2026-03-02", "description": "As changed", f"update{noun}items": lines}
    return Function(name=f"update_{noun}", attributes={"key": key}, body=body)


def created(object_name: str, **changes: Any) -> Sending:
    total = "-120.00" if object_name in CREDITS else "120.00"
    given = {"natural_key": "N-1", "party": PARTY[object_name], "total": total} | changes
    return doubtful("create", object_name, creation(object_name), **given)


# ------------------------------------------------------------------------------------------------- create


@pytest.mark.parametrize("object_name", DOCUMENTS)
def test_a_create_that_ran_is_found(books: Books, object_name: str) -> None:
    key = books.run(creation(object_name))
    assert books.verdict(created(object_name)) == Verdict(True, key, "Posted")


@pytest.mark.parametrize("object_name", DOCUMENTS)
def test_a_create_that_did_not_run_is_not_found(books: Books, object_name: str) -> None:
    books.run(creation(object_name, "N-2"))
    assert books.verdict(created(object_name)).happened is False
    other_party = replace(created(object_name), natural_key="N-2", party="C2")
    assert books.verdict(other_party).happened is False


@pytest.mark.parametrize("object_name", DOCUMENTS)
def test_a_create_with_another_total_is_for_a_person(books: Books, object_name: str) -> None:
    key = books.run(creation(object_name, amount="90.00"))
    verdict = books.verdict(created(object_name))
    assert (verdict.happened, verdict.record_no) == (None, key)
    assert "108.00" in verdict.reason


@pytest.mark.parametrize("object_name", DOCUMENTS)
def test_what_stood_there_before_is_linked_not_posted(books: Books, object_name: str) -> None:
    books.run(creation(object_name))
    later = created(object_name, first_left_at=datetime.now(UTC) + timedelta(hours=1))
    verdict = books.verdict(later)
    assert (verdict.happened, verdict.before_us) == (True, True)


def test_two_documents_of_our_own_are_for_a_person(books: Books) -> None:
    books.caller.settings(duplicate_numbers="allow")
    books.run(creation("ARINVOICE"))
    books.run(creation("ARINVOICE"))
    verdict = books.verdict(created("ARINVOICE"))
    assert verdict.happened is None
    assert "2 times" in verdict.reason


@pytest.mark.parametrize("total", ["-120.00", "120.00"])
def test_totals_of_credits_are_compared_without_their_sign(books: Books, total: str) -> None:
    key = books.run(creation("ARADJUSTMENT"))
    for setting in ("signed", "absolute"):
        books.caller.settings(credit_totals=setting)
        assert books.verdict(created("ARADJUSTMENT", total=total)) == Verdict(True, key, "Posted")


# ------------------------------------------------------------------------------------------------- update


def changed(object_name: str, key: str) -> Sending:
    return doubtful(
        "update",
        object_name,
        change(object_name, key),
        natural_key="N-1",
        party=PARTY[object_name],
        record_no=key,
        previous=creation(object_name),
    )


@pytest.mark.parametrize("object_name", DOCUMENTS)
def test_an_update_that_ran_is_seen(books: Books, object_name: str) -> None:
    key = books.run(creation(object_name))
    books.run(change(object_name, key))
    assert books.verdict(changed(object_name, key)) == Verdict(True, key, "Posted")


@pytest.mark.parametrize("object_name", DOCUMENTS)
def test_an_update_that_did_not_run_left_the_previous(books: Books, object_name: str) -> None:
    key = books.run(creation(object_name))
    assert books.verdict(changed(object_name, key)) == Verdict(False)


@pytest.mark.parametrize("object_name", DOCUMENTS)
def test_an_update_of_something_edited_meanwhile_is_for_a_person(books: Books, object_name: str) -> None:
    key = books.run(creation(object_name))
    books.edit(object_name, key, fields={"DESCRIPTION": "By hand"})
    assert books.verdict(changed(object_name, key)).happened is None
    books.edit(
        object_name, key, fields={"DESCRIPTION": "As sent"}, lines=[{"LINE_NO": "1", "ENTRYDESCRIPTION": "By hand"}]
    )
    assert books.verdict(changed(object_name, key)).happened is None
    books.caller.control("POST", f"delete/{object_name}/{key}")
    assert "no longer" in books.verdict(changed(object_name, key)).reason


def test_a_bill_written_by_generic_functions_is_compared_alike(books: Books) -> None:
    def bill(description: str, *amounts: str) -> dict[str, Any]:
        entries = {"TAXENTRY": [{"DETAILID": PURCHASE}]}
        lines: list[dict[str, Any]] = [
            {"ACCOUNTNO": "6000", "TRX_AMOUNT": amount, "LOCATIONID": "UK", "TAXENTRIES": entries} for amount in amounts
        ]
        lines[0]["LINE_NO"] = "1"
        return {
            "VENDORID": "V1",
            "WHENCREATED": "2026-03-01",
            "WHENDUE": "2026-03-31",
            "RECORDID": "B-1",
            "DESCRIPTION": description,
            "APBILLITEMS": {"APBILLITEM": lines},
        }

    before = create("APBILL", bill("Before", "100.00", "7.00"))
    key = books.run(before)
    after = update("APBILL", {"RECORDNO": key, **bill("After", "80.00", "5.00", "3.00")})
    operation = doubtful("update", "APBILL", after, natural_key="B-1", record_no=key, previous=before)
    assert books.verdict(operation).happened is False
    books.run(after)
    assert books.verdict(operation) == Verdict(True, key, "Posted")
    books.edit("APBILL", key, lines=[{"LINE_NO": "1", "TRX_AMOUNT": "81.00"}])
    assert books.verdict(operation).happened is None


# ------------------------------------------------------------------------------------------------- delete, reverse


def reversal(object_name: str, key: str) -> Function:
    noun, *_ = LEGACY[object_name]
    return Function(name=f"reverse_{noun}", attributes={"key": key}, body={"datereversed": "2026-03-05"})


@pytest.mark.parametrize("object_name", DOCUMENTS)
def test_a_delete_is_told_by_what_is_left(books: Books, object_name: str) -> None:
    key = books.run(creation(object_name))
    operation = doubtful("delete", object_name, delete(object_name, key), natural_key="N-1", record_no=key)
    assert books.verdict(operation) == Verdict(False)
    books.run(delete(object_name, key))
    assert books.verdict(operation) == Verdict(True, key)


@pytest.mark.parametrize("object_name", ["ARINVOICE", "APBILL"])
def test_a_reversal_is_told_by_the_state(books: Books, object_name: str) -> None:
    key = books.run(creation(object_name))
    operation = doubtful("reverse", object_name, reversal(object_name, key), natural_key="N-1", record_no=key)
    known_before = replace(operation, link={"record_no": key, "record_state": "Posted"})
    assert books.look_up(operation, known_before) == [Verdict(False), Verdict(False)]
    books.run(reversal(object_name, key))
    assert books.verdict(operation) == Verdict(True, key, "Reversed")
    as_delete = doubtful("delete", object_name, delete(object_name, key), natural_key="N-1", record_no=key)
    assert books.verdict(as_delete) == Verdict(True, key, "Reversed")


@pytest.mark.parametrize(("payment", "object_name"), [("ARPYMT", "ARINVOICE"), ("APPYMT", "APBILL")])
@pytest.mark.parametrize("before", ["", "Posted"])
def test_what_was_paid_meanwhile_is_for_a_person(books: Books, payment: str, object_name: str, before: str) -> None:
    key = books.run(creation(object_name))
    books.pay(payment, key, amount="120.00")
    for verb in ("delete", "reverse"):
        function = delete(object_name, key) if verb == "delete" else reversal(object_name, key)
        operation = doubtful(verb, object_name, function, natural_key="N-1", record_no=key, record_state=before)
        verdict = books.verdict(operation)
        assert (verdict.happened, verdict.record_state) == (None, "Paid")


@pytest.mark.parametrize(
    ("payment", "object_name", "credit"),
    [("ARPYMT", "ARINVOICE", "ARADJUSTMENT"), ("APPYMT", "APBILL", "APADJUSTMENT")],
)
def test_a_credit_that_was_used_meanwhile_is_for_a_person(
    books: Books, payment: str, object_name: str, credit: str
) -> None:
    key, used = books.run(creation(object_name)), books.run(creation(credit))
    books.pay(payment, key, adjustment=used, adjustment_amount="20.00")
    operation = doubtful("delete", credit, delete(credit, used), natural_key="N-1", record_no=used)
    assert books.verdict(operation).happened is None


# ------------------------------------------------------------------------------------------------- apply, pay


def test_an_applied_credit_is_told_by_its_details(books: Books) -> None:
    invoice, credit = books.run(creation("ARINVOICE")), books.run(creation("ARADJUSTMENT"))
    function = Function(
        name="apply_arpayment",
        body={
            "arpaymentkey": credit,
            "paymentdate": "2026-03-05",
            "arpaymentitems": {"arpaymentitem": [{"invoicekey": invoice, "amount": "70.00"}]},
        },
    )
    operation = doubtful("apply", "ARPYMT", function, natural_key="N-1")
    assert books.verdict(operation) == Verdict(False)
    books.run(function)
    assert books.verdict(operation) == Verdict(True, credit)
    later = replace(operation, first_left_at=datetime.now(UTC) + timedelta(hours=1))
    assert books.verdict(later) == Verdict(False), "what stood there before is another application"
    books.pay("ARPYMT", invoice, adjustment=credit, adjustment_amount="5.00")
    assert books.verdict(operation).happened is None


@pytest.mark.parametrize(("payment", "object_name"), [("ARPYMT", "ARINVOICE"), ("APPYMT", "APBILL")])
def test_a_payment_is_told_by_its_details(books: Books, payment: str, object_name: str) -> None:
    one, other = books.run(creation(object_name)), books.run(creation(object_name, "N-2"))
    receivable = payment == "ARPYMT"
    details = [{"RECORDKEY": key, "TRX_PAYMENTAMOUNT": amount} for key, amount in ((one, "20.00"), (other, "30.00"))]
    fields: dict[str, Any] = {
        "FINANCIALENTITY": "BOA",
        "PAYMENTMETHOD": "EFT",
        "CUSTOMERID" if receivable else "VENDORID": PARTY[object_name],
        "RECEIPTDATE" if receivable else "PAYMENTDATE": "2026-03-05",
        "CURRENCY": "GBP",
        f"{payment}DETAILS": {f"{payment}DETAIL": details},
    }
    operation = doubtful("create", payment, create(payment, fields), natural_key="R-1")
    assert books.verdict(operation) == Verdict(False)
    key = books.run(create(payment, fields))
    assert books.verdict(operation) == Verdict(True, key)
    books.pay(payment, other, amount="1.00")
    assert books.verdict(operation).happened is None


def test_a_payment_that_was_reversed_is_not_there(books: Books) -> None:
    invoice = books.run(creation("ARINVOICE"))
    fields: dict[str, Any] = {
        "FINANCIALENTITY": "BOA",
        "PAYMENTMETHOD": "EFT",
        "CUSTOMERID": "C1",
        "RECEIPTDATE": "2026-03-05",
        "CURRENCY": "GBP",
        "ARPYMTDETAILS": {"ARPYMTDETAIL": [{"RECORDKEY": invoice, "TRX_PAYMENTAMOUNT": "120.00"}]},
    }
    key = books.run(create("ARPYMT", fields))
    books.run(Function(name="reverse_arpayment", attributes={"key": key}, body={"datereversed": "2026-03-06"}))
    assert books.verdict(doubtful("create", "ARPYMT", create("ARPYMT", fields), natural_key="R-1")) == Verdict(False)


# ------------------------------------------------------------------------------------------------- files


def attachment(name: str, *files: str) -> Function:
    data = base64.b64encode(b"content").decode()
    return Function(
        name=name,
        body={
            "supdocid": "S-1",
            "supdocname": "Bill 1",
            "supdocfoldername": "Scoro",
            "attachments": {
                "attachment": [
                    {"attachmentname": file, "attachmenttype": "pdf", "attachmentdata": data} for file in files
                ]
            },
        },
    )


def filing(verb: str, *files: str) -> Sending:
    return doubtful(verb, "SUPDOC", attachment(f"{verb}_supdoc", *files), natural_key="S-1")


def test_a_file_is_told_by_the_names(books: Books) -> None:
    assert books.verdict(filing("create", "a", "b")) == Verdict(False)
    books.run(attachment("create_supdoc", "a", "b"))
    assert books.verdict(filing("create", "a", "b")) == Verdict(True, "S-1")
    assert books.verdict(filing("create", "A", "c")) == Verdict(True, "S-1", missing=frozenset({"c"}))


def test_added_files_are_told_by_the_names(books: Books) -> None:
    assert books.verdict(filing("update", "c", "d")).happened is None
    books.run(attachment("create_supdoc", "a", "b"))
    assert books.verdict(filing("update", "c", "d")) == Verdict(False)
    books.run(attachment("update_supdoc", "c"))
    assert books.verdict(filing("update", "c", "d")) == Verdict(True, "S-1", missing=frozenset({"d"}))
    books.run(attachment("update_supdoc", "d"))
    assert books.verdict(filing("update", "c", "d")) == Verdict(True, "S-1")


# ------------------------------------------------------------------------------------------------- master data


@pytest.mark.parametrize(
    ("object_name", "fields"),
    [
        ("CUSTOMER", {"NAME": "New Ltd", "DISPLAYCONTACT": {"PRINTAS": "New Ltd"}}),
        ("VENDOR", {"NAME": "New Ltd", "DISPLAYCONTACT": {"PRINTAS": "New Ltd"}}),
        ("PROJECT", {"NAME": "New", "PROJECTCATEGORY": "Contract", "LOCATIONID": "UK"}),
    ],
)
def test_a_master_record_is_told_by_its_id(books: Books, object_name: str, fields: dict[str, Any]) -> None:
    function = create(object_name, {f"{object_name}ID": "X-9", **fields})
    operation = doubtful("create", object_name, function, natural_key="X-9")
    assert books.verdict(operation) == Verdict(False)
    key = books.run(function)
    assert books.verdict(operation) == Verdict(True, key)


def test_a_folder_is_told_by_its_name(books: Books) -> None:
    function = Function(name="create_supdocfolder", body={"supdocfoldername": "New"})
    operation = doubtful("create", "SUPDOCFOLDER", function, natural_key="New")
    assert books.verdict(operation) == Verdict(False)
    books.run(function)
    assert books.verdict(operation) == Verdict(True, "New")


def test_a_changed_project_is_told_by_its_fields(books: Books) -> None:
    first = {"NAME": "Old", "STATUS": "active", "ENDDATE": "2026-03-31", "DESCRIPTION": "x"}
    before = create("PROJECT", {"PROJECTID": "X-1", "PROJECTCATEGORY": "Contract", "LOCATIONID": "UK", **first})
    key = books.run(before)
    change = update("PROJECT", {"RECORDNO": key, "NAME": "New", "ENDDATE": "2026-04-30", "DESCRIPTION": ""})
    operation = doubtful("update", "PROJECT", change, natural_key="X-1", record_no=key, previous=before)
    assert books.verdict(operation) == Verdict(False)
    books.run(change)
    assert books.verdict(operation) == Verdict(True, key)
    books.run(update("PROJECT", {"RECORDNO": key, "NAME": "Someone's"}))
    assert books.verdict(operation).happened is None


# ------------------------------------------------------------------------------------------------- all of them


def test_many_doubts_of_many_kinds_are_one_request(books: Books) -> None:
    keys = {name: books.run(creation(name)) for name in DOCUMENTS}
    books.run(change("ARINVOICE", keys["ARINVOICE"]))
    operations: Sequence[Sending] = [
        created("APBILL"),
        created("APADJUSTMENT"),
        created("ARINVOICE", natural_key="absent"),
        changed("ARINVOICE", keys["ARINVOICE"]),
        changed("ARADJUSTMENT", keys["ARADJUSTMENT"]),
        doubtful("delete", "ARINVOICE", delete("ARINVOICE", "1"), natural_key="N-1", record_no=keys["ARINVOICE"]),
        filing("create", "a"),
        filing("create", "a"),
    ]
    before = books.caller.counters()["requests"]
    said = books.look_up(*operations)
    assert books.caller.counters()["requests"] == before + 1
    assert [verdict and verdict.happened for verdict in said] == [True, True, False, True, False, False, False, False]


def test_a_look_up_that_lacks_a_right_waits_until_the_user_has_it(books: Books) -> None:
    books.caller.settings(denied=["query ARINVOICE"])
    lacking, answered = books.look_up(created("ARINVOICE"), created("APBILL"))
    assert lacking is None
    assert answered == Verdict(False)
    books.caller.settings(denied=[])
    assert books.look_up(created("ARINVOICE")) == [Verdict(False)]


# ------------------------------------------------------------------------------------------------- replace, reclassify


LEGACY_ONLY = ["ARINVOICE", "ARADJUSTMENT", "APADJUSTMENT"]


def replacement(object_name: str, old: str) -> Sending:
    total = "-120.00" if object_name in CREDITS else "120.00"
    return doubtful(
        "replace",
        object_name,
        creation(object_name),
        natural_key="N-1",
        party=PARTY[object_name],
        total=total,
        record_no=old,
        record_state="Draft",
    )


@pytest.mark.parametrize("object_name", LEGACY_ONLY)
def test_a_draft_that_was_made_again_is_told_from_the_old_one(books: Books, object_name: str) -> None:
    old = books.run(creation(object_name, amount="150.00"))
    operation = replacement(object_name, old)
    assert books.verdict(operation) == Verdict(False), "only the old draft stands"
    books.run(delete(object_name, old))
    assert books.verdict(operation) == Verdict(False), "neither stands"
    new = books.run(creation(object_name))
    assert books.verdict(operation) == Verdict(True, new, "Posted")


def test_a_draft_that_stands_beside_its_replacement_is_for_a_person(books: Books) -> None:
    books.caller.settings(duplicate_numbers="allow")
    old, new = books.run(creation("ARINVOICE")), books.run(creation("ARINVOICE"))
    verdict = books.verdict(replacement("ARINVOICE", old))
    assert (verdict.happened, verdict.record_no) == (None, new)
    assert "twice" in verdict.reason


@pytest.mark.parametrize(("object_name", "account"), [("ARINVOICE", "4010"), ("APBILL", "6010")])
def test_a_reclassification_is_told_by_the_lines(books: Books, object_name: str, account: str) -> None:
    noun, *_ = LEGACY[object_name]
    key = books.run(creation(object_name))
    lines = [{"@line_num": "1", "glaccountno": account, "memo": "Work", "locationid": "UK"}]
    function = Function(
        name=f"reclassify_{noun}", attributes={"key": key}, body={"reclassifyitems": {"reclasslineitem": lines}}
    )
    operation = doubtful(
        "reclassify", object_name, function, natural_key="N-1", record_no=key, previous=creation(object_name)
    )
    assert books.verdict(operation) == Verdict(False)
    books.run(function)
    assert books.verdict(operation) == Verdict(True, key, "Posted")
    books.edit(object_name, key, lines=[{"LINE_NO": "1", "ENTRYDESCRIPTION": "By hand"}])
    assert books.verdict(operation).happened is None


def test_a_number_that_belongs_to_a_reversed_record_is_for_a_person(books: Books) -> None:
    key = books.run(creation("ARINVOICE"))
    books.run(reversal("ARINVOICE", key))
    verdict = books.verdict(created("ARINVOICE"))
    assert verdict.happened is None
    assert "reversed" in verdict.reason


def test_a_create_in_another_currency_is_for_a_person(books: Books) -> None:
    key = books.run(creation("ARINVOICE"))
    function = creation("ARINVOICE")
    euros = function.model_copy(update={"body": {**function.body, "currency": "EUR", "exchrate": "0.85"}})
    operation = doubtful("create", "ARINVOICE", euros, natural_key="N-1", party="C1", total="120.00")
    verdict = books.verdict(operation)
    assert (verdict.happened, verdict.record_no) == (None, key)
    assert "in GBP, Scoro's is in EUR" in verdict.reason
