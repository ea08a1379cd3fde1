"""A ledger filled by its own functions, for tests of what is shown of it."""

import uuid
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from db import changes, connections, failures, intake, operations, sites
from db.database import Database
from db.failures import DeadLetter
from db.intake import DocumentFacts, NewOperation
from db.operations import Settlement
from db.vault import Vault
from schemas.errors import ErrorClass, Problem
from schemas.kinds import Kind

SECRET_KEY = "c2Nvcm8taW50YWNjdC10ZXN0LWtleS0zMi1ieXRlczE="
API_KEY = "ScoroAPI_very_secret"
PASSWORD = "intacct-very-secret"


class Filled:
    """One ledger and the shortest way to put something into it."""

    def __init__(self, url: str) -> None:
        self.db = Database(url, actor="test", pool_size=2)
        self.vault = Vault([SECRET_KEY])

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of the ledger."""
        return self.db.run(lambda ledger: ledger.execute(sql.encode(), values).fetchall())

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Change the ledger by hand."""
        self.db.run(lambda ledger: ledger.execute(sql.encode(), values))

    def site(self, name: str = "acme", limit: int = 4000) -> int:
        """Add a site."""
        return self.db.run(
            lambda ledger: sites.add(
                ledger,
                self.vault,
                name=name,
                url=f"https://{name}.scoro.com",
                api_key=API_KEY,
                user_token=None,
                request_limit=limit,
                time_zone="Europe/London",
            )
        )

    def connection(self, site_id: int, name: str = "uk", state: str = "active") -> int:
        """Add a connection in that state."""
        added = self.db.run(
            lambda ledger: connections.add(
                ledger,
                self.vault,
                name=name,
                site_id=site_id,
                scoro_entity=name,
                company_id="ACME",
                entity=name.upper(),
                user_id="sync",
                password=PASSWORD,
                base_currency="GBP",
                multi_entity=True,
                tax_solution="UK - VAT",
                time_zone="Europe/London",
            )
        )
        self.db.run(lambda ledger: connections.move(ledger, added, ["rehearsal"], state))
        return added

    def document(
        self,
        connection_id: int,
        scoro_id: int,
        *,
        kind: Kind = Kind.INVOICE,
        number: str = "",
        amount: str | None = "120.00",
        currency: str | None = "GBP",
    ) -> int:
        """Add a document that was read."""
        value = Decimal(amount) if amount else None

        def add(ledger: Any) -> int:
            made = changes.ensure_documents(ledger, connection_id, kind, [scoro_id])[scoro_id]
            facts = DocumentFacts(made, kind, number or f"INV-{scoro_id}", value, currency, date(2026, 3, 1))
            intake.update_facts(ledger, [facts])
            return made

        return self.db.run(add)

    def capture(self, connection_id: int, scoro_id: int) -> None:
        """Let a document have changed."""
        self.db.run(
            lambda ledger: changes.capture(
                ledger, connection_id, Kind.INVOICE, [scoro_id], origin="webhook", actor="scoro", settle_ms=0
            )
        )

    def operation(self, connection_id: int, document_id: int, *, needs: Sequence[int] = ()) -> uuid.UUID:
        """Add a revision and an operation that is ready."""
        made = uuid.uuid4()

        def add(ledger: Any) -> None:
            source = {"id": document_id, "sum": 100.1, "no": "INV"}
            revision = intake.add_revisions(ledger, [(document_id, "source", source)])[document_id]
            new = NewOperation(
                id=made,
                document_id=document_id,
                revision_id=revision,
                source_fingerprint="source",
                verb="create",
                object="ARINVOICE",
                natural_key=f"INV-{document_id}",
                party="C1",
                total=Decimal("120.00"),
                function={"name": "create_invoice", "body": {}},
                payload_fingerprint="payload",
                line_numbers={},
                bytes=100,
                purpose="bulk",
                needs=needs,
            )
            intake.add_operations(ledger, connection_id, [new])
            intake.add_notes(ledger, [(document_id, revision, "The due date is the invoice date.")])

        self.db.run(add)
        return made

    def settle(self, operation_id: uuid.UUID, state: str, **known: Any) -> None:
        """End an operation, or let it wait."""
        settlement = Settlement(operation_id, state, **known)
        self.db.run(
            lambda ledger: operations.settle(
                ledger,
                [settlement],
                request_id=None,
                from_states=("ready", "waiting_quota", "sending", "uncertain", "waiting_prerequisite"),
            )
        )

    def move(self, operation_id: uuid.UUID, *states: str) -> None:
        """Move an operation through states."""
        for state in states:
            self.execute("UPDATE operation SET state = %s::operation_state WHERE id = %s", [state, operation_id])

    def fail(
        self, connection_id: int, document_id: int, cause: str = "It has no account.", code: str = "no_account"
    ) -> int:
        """Bury a dead letter of a document and join its failure; returns the failure."""
        problem = Problem(ErrorClass.DATA, code, cause, "Choose an account in Scoro.", "finance_account_id")

        def bury(ledger: Any) -> int:
            failures.bury(ledger, [DeadLetter(connection_id, document_id, problem)])
            letter = ledger.execute("SELECT max(id) AS id FROM dead_letter").fetchone()["id"]
            intake.set_document_states(ledger, {document_id: ("failed", cause)})
            failures.join_failure(ledger, letter)
            found = ledger.execute(
                "SELECT max(failure_id) AS id FROM failure_document WHERE dead_letter_id = %s", [letter]
            )
            return int(found.fetchone()["id"])

        return self.db.run(bury)

    def clear_bells(self) -> None:
        """Let every bell have rung."""
        self.execute("DELETE FROM outbox")
