"""Intake: from "this document may have changed" to an operation, or a reason why there is none.

A run takes due changes of one module, reads their documents from Scoro, decides about each one in `workers.decide`
(pure), and commits the decisions together. The document's lock is held from the claim to the commit, so that two
intakes of one document cannot answer in the wrong order; a webhook that arrives after the claim makes a new change.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from clients.scoro.client import ScoroClient
from clients.scoro.errors import ConnectionBroken, ScoroError, Throttled
from db import changes, connections, failures, outbox, sites
from db import intake as ledger_intake
from db import reference as stored_reference
from db.changes import Taken
from db.connections import Connection
from db.database import Ledger
from db.reference import Item
from schemas.errors import DocumentError, ErrorClass, Problem
from schemas.kinds import Kind
from schemas.scoro import Contact, Invoice, read_contact, read_product
from workers.decide import Decision, Facts, Outcome, customer_operation, decide, needs_contact, read
from workers.delivery.policy import RETRIES, delay_s
from workers.reference import References
from workers.runtime import Runtime
from workers.steps import reach

log = structlog.get_logger(__name__)

BATCH = 25
"""Changes of one run: what a detailed list of Scoro holds."""
MAX_DEATHS = 10
"""A change whose readers died this often is the killer: it ends as a dead letter."""
BROKEN_RETRY_S = 300.0
"""How long a site is left alone that does not let us in."""


def intake(runtime: Runtime, references: References, connection_id: int) -> None:
    """Take what is due of a connection until nothing is."""
    while not runtime.stopping.is_set():
        with runtime.db.session() as session:
            connection = connections.load(session, runtime.vault, connection_id)
            if connection is None or connection.state == "disconnected":
                return
            taken = changes.claim(session, connection_id, BATCH)
            if not taken:
                return
            reach("intake.taken")
            _Intake(runtime, references, connection, taken).run()


@dataclass(slots=True)
class _Intake:
    """One batch of changes of one module."""

    runtime: Runtime
    references: References
    connection: Connection
    taken: Sequence[Taken]

    def run(self) -> None:
        killers = [change for change in self.taken if change.deaths >= MAX_DEATHS]
        self.taken = [change for change in self.taken if change.deaths < MAX_DEATHS]
        self._bury_killers(killers)
        if not self.taken:
            return
        try:
            scoro = self.runtime.scoro(self.connection)
            records = scoro.read_many(self.taken[0].module, [change.scoro_id for change in self.taken])
            reach("intake.read")
            readings = {change.id: read(change, records.get(change.scoro_id), self.connection) for change in self.taken}
            invoices = [reading for reading in readings.values() if isinstance(reading, Invoice)]
            unreadable = self._learn_products(scoro, invoices)
            facts = self._facts(scoro, readings, unreadable)
        except ScoroError as error:
            self._put_back(error)
            return
        decisions = [decide(change, readings[change.id], facts) for change in self.taken]
        sources = {change.document_id: records.get(change.scoro_id, {}) for change in self.taken}
        self.runtime.db.run(lambda ledger: commit(ledger, self.connection, decisions, sources))
        reach("intake.committed")
        log.info(
            "intake.done",
            connection=self.connection.name,
            documents=len(decisions),
            **{str(outcome): n for outcome in Outcome if (n := sum(d.outcome is outcome for d in decisions))},
        )

    def _facts(
        self, scoro: ScoroClient, readings: dict[int, Invoice | Decision], products: dict[int, DocumentError]
    ) -> Facts:
        """What the decisions need beside the documents: the ledger's standing, customers, and contacts for new ones."""
        db = self.runtime.db
        standing = db.run(lambda ledger: ledger_intake.standing(ledger, [c.document_id for c in self.taken]))
        invoices = {change.id: r for change in self.taken if isinstance(r := readings[change.id], Invoice)}
        contact_ids = {invoice.company_id for invoice in invoices.values() if invoice.company_id}
        parties = db.run(lambda ledger: ledger_intake.parties(ledger, self.connection.id, Kind.CUSTOMER, contact_ids))
        facts = Facts(self.connection, self.references.of(self.connection), standing, parties, {}, products)
        wanted = {
            invoice.company_id
            for change in self.taken
            if (invoice := invoices.get(change.id)) and needs_contact(change, invoice, facts) and invoice.company_id
        }
        if wanted:
            facts.contacts.update(self._contacts(scoro, sorted(wanted)))
        return facts

    def _contacts(self, scoro: ScoroClient, contact_ids: Sequence[int]) -> dict[int, Contact | DocumentError]:
        found: dict[int, Contact | DocumentError] = {}
        for contact_id, record in scoro.read_many("contacts", contact_ids).items():
            try:
                found[contact_id] = read_contact(record)
            except DocumentError as error:
                found[contact_id] = error
        return found

    def _learn_products(self, scoro: ScoroClient, invoices: Sequence[Invoice]) -> dict[int, DocumentError]:
        """Read the products of discounted invoices, as some are exempt from discounts; returns the unreadable ones."""
        ids = {
            line.product_id
            for invoice in invoices
            if invoice.discounts
            for line in invoice.lines
            if line.product_id and line.product_id > 0
        }
        if not ids:
            return {}
        known = self.runtime.db.run(
            lambda ledger: stored_reference.known_keys(
                ledger, self.connection.id, "scoro", "product", [str(key) for key in ids]
            )
        )
        missing = sorted(key for key in ids if str(key) not in known)
        items: list[Item] = []
        unreadable: dict[int, DocumentError] = {}
        for product_id, record in (scoro.read_many("products", missing) if missing else {}).items():
            try:
                product = read_product(record)
            except DocumentError as error:
                unreadable[product_id] = error
                continue
            items.append(Item(str(product_id), {"name": product.name, "no_discounts": product.no_discounts}))
        if items:
            self.runtime.db.run(
                lambda ledger: stored_reference.add(ledger, self.connection.id, "scoro", "product", items)
            )
        # what another intake has read meanwhile counts too: its version of the reference data is a newer one
        fresh = self.runtime.db.run(lambda ledger: connections.load(ledger, self.runtime.vault, self.connection.id))
        self.connection = fresh or self.connection
        return unreadable

    def _put_back(self, error: ScoroError) -> None:
        """Scoro cannot be read now: the changes wait by the policy; a limit or a broken key holds the whole site."""
        attempts = max(change.attempts for change in self.taken)
        site_wait_s = 0.0
        if isinstance(error, Throttled):
            site_wait_s = error.retry_after_s
        elif isinstance(error, ConnectionBroken):
            site_wait_s = BROKEN_RETRY_S
        last_s = RETRIES[ErrorClass.UNAVAILABLE].delays_s[-1]
        wait_s = 0.0 if site_wait_s else delay_s(ErrorClass.UNAVAILABLE, attempts) or last_s
        again_s = wait_s or site_wait_s
        log.warning("intake.scoro_failed", connection=self.connection.name, error=str(error), again_in_s=again_s)
        ids = [change.id for change in self.taken]

        def put_back(ledger: Ledger) -> None:
            changes.put_back(ledger, ids, str(error), wait_s)
            if site_wait_s:
                sites.hold(ledger, self.connection.site.id, site_wait_s)

        self.runtime.db.run(put_back)

    def _bury_killers(self, killers: Sequence[Taken]) -> None:
        if not killers:
            return

        def bury(ledger: Ledger) -> None:
            changes.end(ledger, [change.id for change in killers], "failed", "its readers died")
            for change in killers:
                problem = Problem(
                    ErrorClass.BUG,
                    "killed_its_readers",
                    f"{change.kind.replace('_', ' ').capitalize()} with id {change.scoro_id} in Scoro:"
                    f" the process that read it died {MAX_DEATHS} times.",
                    "This is a fault of scoro-intacct: report it; sending the document again tries once more.",
                )
                failures.bury(
                    ledger,
                    [failures.DeadLetter(self.connection.id, change.document_id, problem, change_id=change.id)],
                )
            ledger_intake.set_document_states(
                ledger, {change.document_id: ("failed", "its readers died") for change in killers}
            )

        self.runtime.db.run(bury)


def commit(
    ledger: Ledger, connection: Connection, decisions: Sequence[Decision], sources: dict[int, dict[str, object]]
) -> None:
    """Commit the decisions of a batch; a document that moved on meanwhile is read again instead.

    What another reader took over is left alone: it has read Scoro later than we did.
    """
    mine = changes.still_mine(ledger, [decision.change for decision in decisions])
    decisions = [decision for decision in decisions if decision.change.id in mine]
    documents = [decision.change.document_id for decision in decisions]
    ledger_intake.lock_intents(ledger, documents)
    ledger_intake.lock_documents(ledger, documents)  # a person who decides about one comes before this or after it
    versions = {decision.change.document_id: decision.version for decision in decisions}
    moved = ledger_intake.moved_on(ledger, versions)
    again = [d for d in decisions if d.change.document_id in moved and d.outcome is not Outcome.UNCHANGED]
    decisions = [d for d in decisions if d not in again]
    changes.put_back(ledger, [d.change.id for d in again], "a write of the document was under way")
    by_outcome = {outcome: [d for d in decisions if d.outcome is outcome] for outcome in Outcome}

    facts = [d.facts for d in decisions if d.facts is not None]
    ledger_intake.update_facts(ledger, facts)
    _commit_operations(ledger, connection, by_outcome[Outcome.OPERATION], sources)
    dropped = [*by_outcome[Outcome.SKIPPED], *by_outcome[Outcome.FAILED], *by_outcome[Outcome.REVERTED]]
    ledger_intake.supersede(ledger, [d.change.document_id for d in dropped])
    ledger_intake.set_document_states(
        ledger, {d.change.document_id: (d.document_state, d.reason) for d in decisions if d.document_state}
    )
    ledger_intake.notice(ledger, [d.change.document_id for d in decisions if d.change.interactive])
    ledger_intake.hasten(ledger, [d.change.document_id for d in by_outcome[Outcome.UNCHANGED] if d.change.interactive])
    failures.bury(
        ledger,
        [
            failures.DeadLetter(
                connection.id, d.change.document_id, d.problem, change_id=d.change.id, attempt=d.change.attempts
            )
            for d in by_outcome[Outcome.FAILED]
            if d.problem
        ],
    )
    failures.clear(ledger, [d.change.document_id for d in by_outcome[Outcome.SKIPPED] + by_outcome[Outcome.REVERTED]])
    failed = [d.change.id for d in by_outcome[Outcome.FAILED]]
    changes.end(ledger, failed, "failed")
    changes.end(ledger, [d.change.id for d in decisions if d.outcome is not Outcome.FAILED])
    if by_outcome[Outcome.OPERATION] or by_outcome[Outcome.UNCHANGED]:
        outbox.ring(ledger, "delivery", connection.id)


def _commit_operations(
    ledger: Ledger, connection: Connection, decisions: Sequence[Decision], sources: dict[int, dict[str, object]]
) -> None:
    if not decisions:
        return
    ledger_intake.supersede(ledger, [d.change.document_id for d in decisions])
    revisions = ledger_intake.add_revisions(
        ledger,
        [(d.change.document_id, d.source_fingerprint, sources[d.change.document_id]) for d in decisions],
    )
    parties = _commit_customers(ledger, connection, decisions)
    ledger_intake.add_operations(
        ledger,
        connection.id,
        [
            d.operation(revisions[d.change.document_id], [parties[d.contact_id]] if d.contact_id in parties else [])
            for d in decisions
        ],
    )
    ledger_intake.add_notes(
        ledger,
        [(d.change.document_id, revisions[d.change.document_id], note) for d in decisions for note in d.notes],
    )


def _commit_customers(ledger: Ledger, connection: Connection, decisions: Sequence[Decision]) -> dict[int, int]:
    """Link or create the customers that the documents need, one operation per record; returns documents by contact."""
    plans = {d.customer.contact_id: d.customer for d in decisions if d.customer is not None}
    contact_ids = plans.keys() | {d.contact_id for d in decisions if d.contact_id}
    documents = changes.ensure_documents(ledger, connection.id, Kind.CUSTOMER, contact_ids)
    planned = [documents[contact_id] for contact_id in plans]
    ledger_intake.lock_documents(ledger, planned)
    known = ledger_intake.parties(ledger, connection.id, Kind.CUSTOMER, plans)
    new = {contact_id: plan for contact_id, plan in plans.items() if contact_id not in known}
    ledger_intake.link_existing(
        ledger, connection.id, {documents[c]: plan.customer_id for c, plan in new.items() if plan.function is None}
    )
    ledger_intake.supersede(ledger, [documents[c] for c, plan in new.items() if plan.function is not None])
    interactive = {d.contact_id for d in decisions if d.change.interactive}
    ledger_intake.add_operations(
        ledger,
        connection.id,
        [
            operation
            for contact_id, plan in new.items()
            if (operation := customer_operation(plan, documents[contact_id], interactive=contact_id in interactive))
            is not None
        ],
    )
    names = {documents[c]: plan.customer_id for c, plan in new.items()}
    ledger_intake.update_facts(
        ledger,
        [ledger_intake.DocumentFacts(i, Kind.CUSTOMER, name, None, None, None) for i, name in names.items()],
    )
    notes = [(documents[c], None, note) for c, plan in new.items() for note in plan.notes]
    ledger_intake.add_notes(ledger, notes)
    return {contact_id: documents[contact_id] for contact_id in contact_ids}
