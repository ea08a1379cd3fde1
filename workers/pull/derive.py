"""From what was seen in Intacct to what is to be written to Scoro: intents, committed in batches.

State against state: what a payment comes to is compared with what stands in Scoro and what is on its way there, so it
does not matter how often, or in which order, a record is seen. Nothing here talks to a far side.
"""

from collections import defaultdict
from collections.abc import Callable
from functools import partial

import structlog

from db import locks, pulled, receipts
from db import scoro_intents as intents
from db.connections import Connection
from db.database import Database, Ledger
from db.scoro_intents import NewDocument, Wanted
from schemas.kinds import Kind
from workers.pull.derive_bills import derive_bills
from workers.pull.payments import PAYMENTS, PaidDocument, Receipt, Row, Understood, keys_of, understand
from workers.pull.queries import BILL
from workers.reference import References

log = structlog.get_logger(__name__)

BATCH = 500
"""Payments that are thought about in one transaction."""


def derive(db: Database, connection: Connection, references: References) -> None:
    """Think about everything new of a connection; the caller holds its pull.

    A caller whose session was cut goes on beside its successor, so that each transaction has a lock of its own too.
    """

    def until_done(think: Callable[[Ledger], int]) -> None:
        def thought(ledger: Ledger) -> int:
            locks.wait_in_transaction(ledger, locks.THINKING, connection.id)
            return think(ledger)

        while db.run(thought):
            pass

    # bills first: payments seen with them are of theirs
    if db.run(lambda ledger: pulled.new_records(ledger, connection.id, BILL, 1)):
        reference = references.of(connection)
        until_done(lambda ledger: derive_bills(ledger, connection, reference))
    for payment_object in PAYMENTS:
        until_done(partial(derive_payments, connection=connection, payment_object=payment_object))


def derive_payments(ledger: Ledger, connection: Connection, payment_object: str) -> int:
    """Intend the receipts of the next payments; returns how many payments were thought about."""
    numbers = pulled.new_payments(ledger, connection.id, payment_object, BATCH)
    if not numbers:
        return 0
    rows = pulled.payment_rows(ledger, connection.id, payment_object, numbers)
    headers: dict[int, Row] = {}
    details: dict[int, dict[int, Row]] = defaultdict(dict)
    for row in rows:
        if row["object"] == payment_object:
            headers[row["record_no"]] = row["data"]
        else:
            details[row["parent_no"]][row["record_no"]] = row["data"]
    keys = keys_of(payment_object, [row for held in details.values() for row in held.values()])
    documents = {
        (row["object"], row["record_no"]): PaidDocument(row["id"], f"{row['kind']} {row['number']}", row["currency"])
        for row in receipts.paid_documents(ledger, connection.id, sorted(keys))
    }
    starts_on = connection.settings.data.receipts.starts_on(connection.connected_on)
    understood = {
        number: understand(payment_object, headers.get(number), details[number], documents, starts_on)
        for number in numbers
    }
    later = _intend(ledger, connection, payment_object, understood)
    unknown = {(f"{payment_object}DETAIL", detail) for held in understood.values() for detail in held.unknown}
    pulled.settle(
        ledger,
        connection.id,
        [
            (row["object"], row["record_no"], row["version"], "unknown" if _key(row) in unknown else "done")
            for row in rows
        ],
    )
    if unknown:
        log.info("pull.unknown_documents", connection=connection.name, payments=payment_object, details=len(unknown))
    if later:
        log.info("pull.waits_for_writes", connection=connection.name, receipts=len(later))
    return len(numbers)


def _key(row: dict[str, object]) -> tuple[object, object]:
    return row["object"], row["record_no"]


def _intend(ledger: Ledger, connection: Connection, payment_object: str, understood: dict[int, Understood]) -> set[int]:
    known = receipts.of_payments(ledger, connection.id, payment_object, understood)
    wanted: dict[tuple[int, int], Receipt] = {
        (number, receipt.paid.id): receipt for number, held in understood.items() for receipt in held.receipts
    }
    new = [key for key in wanted if key not in known]
    made = intents.add_documents(ledger, connection.id, [_document(payment_object, key[0], wanted[key]) for key in new])
    receipts.add(ledger, connection.id, payment_object, [(made[place], *key) for place, key in enumerate(new)])
    known |= dict(zip(new, made, strict=True))
    return intents.intend(
        ledger, connection.id, [_wanted(document, key[1], wanted.get(key)) for key, document in known.items()]
    )


def _document(payment_object: str, payment_no: int, receipt: Receipt) -> NewDocument:
    return NewDocument(
        Kind.RECEIPT,
        payment_object,
        str(payment_no),
        receipt.number,
        receipt.number,
        receipt.sum,
        receipt.currency,
        receipt.date,
    )


def _wanted(document_id: int, paid_id: int, receipt: Receipt | None) -> Wanted:
    if receipt is None:
        return Wanted(document_id, None, "", replaces=False, lane_id=paid_id)
    return Wanted(document_id, receipt.intent, receipt.fingerprint, replaces=False, lane_id=paid_id, need_id=paid_id)
