"""Intake: from "this document may have changed" to an operation, or a reason why there is none.

A run takes due changes of one module, reads their documents from Scoro, decides about each one in `workers.decide`
(pure), and commits the decisions together. The document's lock is held from the claim to the commit, so that two
intakes of one document cannot answer in the wrong order; a webhook that arrives after the claim makes a new change.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from clients.scoro.client import ScoroClient
from clients.scoro.errors import ConnectionBroken, ScoroError, Throttled
from clients.scoro.known_errors import explain
from db import applications, changes, connections, failures, follow_ups, outbox, polls, sightings, sites
from db import intake as ledger_intake
from db import reference as stored_reference
from db.breakers import SCORO
from db.changes import Taken
from db.connections import Connection
from db.database import Ledger
from db.intake import KnownRecord, Standing
from db.reference import Item
from schemas.document_types import DOCUMENT_TYPES, SYNCED_KINDS
from schemas.errors import DocumentError, ErrorClass, Problem
from schemas.kinds import Kind, RecordRef
from schemas.scoro import Document, Synced, read_product
from workers import files, filing, measure
from workers.bookmarks import Bookmarked, bookmarked
from workers.decide import decide, may_have_files, read, unknown_needs
from workers.decisions import Decision, Facts, Outcome, record_operation
from workers.delivery.policy import RETRIES, delay_s
from workers.files import FilesPlan
from workers.needed import REFERENCE_TOPICS, read_sources
from workers.reference import References
from workers.runtime import Runtime
from workers.steps import reach

log = structlog.get_logger(__name__)

BATCH = 25
"""Changes of one run: what a detailed list of Scoro holds."""
MAX_DEATHS = 10
"""A change whose readers died this often is the killer: it ends as a dead letter."""
LINES_WAIT_S = 60.0
"""An edit that waits for lines to be read looks again after this long; it is called as soon as they are."""
NOT_SENDING_WAIT_S = 3600.0
"""The same where the connection sends nothing at the moment."""
AGAIN_S = 60.0
"""When a person's change is tried again that no hold of its site stops."""
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

    @property
    def is_urgent(self) -> bool:
        """Whether a person waits for one of the changes."""
        return any(change.interactive for change in self.taken)

    def run(self) -> None:
        killers = [change for change in self.taken if change.deaths >= MAX_DEATHS]
        self.taken = [change for change in self.taken if change.deaths < MAX_DEATHS]
        self._bury_killers(killers)
        if not self.taken:
            return
        try:
            scoro = self.runtime.scoro(self.connection, urgent=self.is_urgent)
            records = scoro.read_many(self.taken[0].module, [change.scoro_id for change in self.taken])
            reach("intake.read")
            readings = {change.id: read(change, records.get(change.scoro_id), self.connection) for change in self.taken}
            documents = [reading for reading in readings.values() if isinstance(reading, Document)]
            unreadable = self._learn_products(scoro, documents)
            marked = bookmarked(scoro, self.connection, self.taken[0].module, list(records))
            standing = self._standing()
            if not self.taken:
                return
            facts = self._facts(scoro, standing, readings, unreadable, marked)
        except ScoroError as error:
            self._put_back(error)
            return
        decisions = [decide(change, readings[change.id], facts) for change in self.taken]
        sources = {change.document_id: records.get(change.scoro_id, {}) for change in self.taken}

        def keep(ledger: Ledger) -> None:
            commit(ledger, self.connection, decisions, sources)
            if marked.is_set and marked.problem is None:
                module, outside = self.taken[0].module, set(marked.outside)
                polls.learn_members(ledger, self.connection.id, module, records.keys() - outside, outside)
            failures.settle_of_connection(ledger, self.connection.id, SCORO, "Scoro could be read again")

        self.runtime.db.run(keep)
        reach("intake.committed")
        log.info(
            "intake.done",
            connection=self.connection.name,
            documents=len(decisions),
            **{str(outcome): n for outcome in Outcome if (n := sum(d.outcome is outcome for d in decisions))},
        )

    def _standing(self) -> dict[int, Standing]:
        """Where the documents stand; one that turned out to be what we wrote to Scoro ourselves is gone by now."""
        ids = [change.document_id for change in self.taken]
        standing = self.runtime.db.run(lambda ledger: ledger_intake.standing(ledger, ids))
        self.taken = [change for change in self.taken if change.document_id in standing]
        return standing

    def _facts(
        self,
        scoro: ScoroClient,
        standing: dict[int, Standing],
        readings: dict[int, Synced | Decision],
        products: dict[int, DocumentError],
        marked: Bookmarked,
    ) -> Facts:
        """What the decisions need beside the documents: the ledger's standing, and the records that they need."""
        db = self.runtime.db
        documents = [(change, r) for change in self.taken if isinstance(r := readings[change.id], Synced)]
        standing |= self._by_todays_measure(documents, standing)
        settings = self.connection.settings
        known = self._known(
            {
                ref
                for change, document in documents
                for ref in DOCUMENT_TYPES[change.module].refers_to(document, settings)
            }
        )
        today = db.run(lambda ledger: follow_ups.known(ledger, self.connection.id)).today
        reference = self.references.of(self.connection)
        facts = Facts(self.connection, reference, standing, known, {}, products, bookmarked=marked, today=today)
        facts = replace(facts, files=self._files(documents, facts))
        wanted = {ref for change, document in documents for ref in unknown_needs(change, document, facts)}
        sources, known_too = read_sources(scoro, wanted, self._known)
        facts.sources.update(sources)
        known.update(known_too)
        if any(ref.kind is Kind.PROJECT for ref in sources) or self.taken[0].kind is Kind.PROJECT:
            facts.taken.update(db.run(lambda ledger: ledger_intake.taken_keys(ledger, self.connection.id, "PROJECT")))
        return facts

    def _files(self, documents: Sequence[tuple[Taken, Synced]], facts: Facts) -> dict[int, FilesPlan]:
        """What becomes of the files of those documents that are sent, or have been; raises ScoroError."""
        chosen: list[files.Read] = []
        for change, document in documents:
            if isinstance(document, Document) and may_have_files(change, document, facts):
                link = facts.standing[change.document_id].link
                chosen.append(files.Read(change, document, bool(link), bool(link and link["function"] is None)))
        if not chosen:
            return {}
        found = self.runtime.scoro_files(self.connection, urgent=self.is_urgent)
        return files.plan_files(self.runtime.db, found, self.connection, chosen)

    def _by_todays_measure(
        self, documents: Sequence[tuple[Taken, Synced]], standing: Mapping[int, Standing]
    ) -> dict[int, Standing]:
        """The standing of documents whose fingerprint differs only as it is taken otherwise today."""
        now = {c.document_id: measure.fingerprint(c.module, document, self.connection) for c, document in documents}
        kept = [
            (change.module, key, now[change.document_id])
            for change, _ in documents
            for key in measure.differing(standing[change.document_id], now[change.document_id])
        ]
        if not kept:
            return {}
        sources = self.runtime.db.run(lambda ledger: ledger_intake.kept_sources(ledger, [key for _, key, _ in kept]))
        same = measure.same_today(kept, sources, self.connection)
        return {document_id: measure.restated(standing[document_id], now[document_id], same) for document_id, _ in same}

    def _known(self, refs: Collection[RecordRef]) -> dict[RecordRef, KnownRecord]:
        return self.runtime.db.run(lambda ledger: ledger_intake.known_records(ledger, self.connection.id, refs))

    def _learn_products(self, scoro: ScoroClient, documents: Sequence[Document]) -> dict[int, DocumentError]:
        """Read the products of discounted documents, as some are exempt from discounts; returns the unreadable ones."""
        ids = {
            line.product_id
            for document in documents
            if document.discounts
            for line in document.lines
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
        bulk_only = isinstance(error, Throttled) and error.bulk_only
        # the hold lets a person's own change pass, which must not come again and again all the same
        held = site_wait_s and not (bulk_only and self.is_urgent)
        wait_s = 0.0 if held else min(site_wait_s, AGAIN_S) or delay_s(ErrorClass.UNAVAILABLE, attempts) or last_s
        again_s = wait_s or site_wait_s
        log.warning("intake.scoro_failed", connection=self.connection.name, error=str(error), again_in_s=again_s)
        ids = [change.id for change in self.taken]

        def put_back(ledger: Ledger) -> None:
            changes.put_back(ledger, ids, str(error), wait_s)
            if isinstance(error, ConnectionBroken):
                failures.report(ledger, self.connection.id, replace(explain(error), culprit=(SCORO,)))
            if site_wait_s:
                sites.hold(ledger, self.connection.site.id, site_wait_s, bulk_only=bulk_only)

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
    for module in {decision.change.module for decision in decisions}:
        read_now = {d.change.scoro_id: held for d in decisions if (held := sources[d.change.document_id])}
        sightings.record(ledger, connection.id, module, read_now)
    documents = [decision.change.document_id for decision in decisions]
    ledger_intake.lock_intents(ledger, documents)
    ledger_intake.lock_documents(ledger, documents)  # a person who decides about one comes before this or after it
    versions = {decision.change.document_id: decision.version for decision in decisions}
    moved = ledger_intake.moved_on(ledger, versions)
    moved |= _relying_on_what_went(ledger, connection, decisions)
    refiled = filing.moved_on(ledger, connection, decisions)
    again = [
        d
        for d in decisions
        if d.change.document_id in refiled or (d.change.document_id in moved and d.outcome is not Outcome.UNCHANGED)
    ]
    decisions = [d for d in decisions if d not in again]
    changes.put_back(ledger, [d.change.id for d in again], "a write of the document was under way")
    by_outcome = {outcome: [d for d in decisions if d.outcome is outcome] for outcome in Outcome}

    facts = [d.facts for d in decisions if d.facts is not None]
    ledger_intake.update_facts(ledger, facts)
    filing.commit(ledger, connection, decisions)
    _commit_operations(ledger, connection, by_outcome[Outcome.OPERATION], sources)
    linked = by_outcome[Outcome.LINKED]
    _commit_waits(ledger, connection, by_outcome[Outcome.LINES_UNKNOWN])
    dropped = [*by_outcome[Outcome.SKIPPED], *by_outcome[Outcome.FAILED], *by_outcome[Outcome.REVERTED], *linked]
    ledger_intake.supersede(ledger, [d.change.document_id for d in dropped])
    _commit_records(ledger, connection, linked)
    ledger_intake.hold(
        ledger,
        {d.change.document_id: failures.problem_as_json(d.problem) for d in by_outcome[Outcome.HELD] if d.problem},
    )
    ledger_intake.set_document_states(
        ledger, {d.change.document_id: (d.document_state, d.reason) for d in decisions if d.document_state}
    )
    ledger_intake.remark(ledger, {d.change.document_id: d.remark for d in decisions if d.remark})
    ledger_intake.notice(ledger, [d.change.document_id for d in decisions if d.change.interactive])
    ledger_intake.hasten(ledger, [d.change.document_id for d in by_outcome[Outcome.UNCHANGED] if d.change.interactive])
    failures.bury(
        ledger,
        [
            failures.DeadLetter(
                connection.id, d.change.document_id, d.problem, change_id=d.change.id, attempt=d.change.attempts
            )
            for d in by_outcome[Outcome.FAILED] + by_outcome[Outcome.HELD]
            if d.problem
        ],
    )
    _pass_on(ledger, connection, by_outcome[Outcome.PASSED_ON])
    reverted = [d for d in by_outcome[Outcome.REVERTED] if d.document_state == "posted"]
    settled = by_outcome[Outcome.SKIPPED] + reverted + linked
    failures.clear(ledger, [d.change.document_id for d in settled])
    applications.forget_never_posted(ledger, [d.change.document_id for d in by_outcome[Outcome.SKIPPED]])
    stand = [*by_outcome[Outcome.UNCHANGED], *by_outcome[Outcome.REVERTED]]
    applications.plan_missing(ledger, [d.change.document_id for d in stand])
    failed = [d.change.id for d in by_outcome[Outcome.FAILED]]
    changes.end(ledger, failed, "failed")
    changes.end(ledger, [d.change.id for d in decisions if d.outcome is not Outcome.FAILED])
    if by_outcome[Outcome.OPERATION] or by_outcome[Outcome.UNCHANGED] or by_outcome[Outcome.LINES_UNKNOWN]:
        outbox.ring(ledger, "delivery", connection.id)


def _pass_on(ledger: Ledger, connection: Connection, decisions: Sequence[Decision]) -> None:
    """Have the documents read that carry what was asked for, in the name of who asked."""
    for decision in decisions:
        for kind in {ref.kind for ref in decision.carriers}:
            changes.capture(
                ledger,
                connection.id,
                kind,
                [ref.scoro_id for ref in decision.carriers if ref.kind is kind],
                origin="manual" if decision.change.interactive else "schedule",
                actor=decision.change.actor,
                interactive=decision.change.interactive,
                settle_ms=0,
            )


def _relying_on_what_went(ledger: Ledger, connection: Connection, decisions: Sequence[Decision]) -> set[int]:
    """Documents whose decision relies on a record that was on its way, and that has been given up since."""
    planned = {plan.ref for d in decisions for plan in d.plans}
    relied_on = {ref for d in decisions for ref in d.needs if ref not in planned and ref.kind is not Kind.ATTACHMENT}
    if not relied_on:
        return set()
    ledger_intake.lock_documents(ledger, changes.ensure_records(ledger, connection.id, relied_on).values())
    known = ledger_intake.known_records(ledger, connection.id, relied_on)
    return {d.change.document_id for d in decisions if any(ref in relied_on and ref not in known for ref in d.needs)}


def _commit_waits(ledger: Ledger, connection: Connection, decisions: Sequence[Decision]) -> None:
    """Edits of records whose lines are not known: delivery reads them, then the edit is read again."""
    if not decisions:
        return
    ledger_intake.want_lines(ledger, [d.change.document_id for d in decisions])
    wait_s = LINES_WAIT_S if connection.state == "active" else NOT_SENDING_WAIT_S
    changes.put_back(ledger, [d.change.id for d in decisions], decisions[0].reason, wait_s)


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
    records = _commit_records(ledger, connection, decisions)
    credited = _known_invoices(ledger, connection, {ref for d in decisions for ref in d.credits})
    ledger_intake.add_operations(
        ledger,
        connection.id,
        [
            d.operation(
                revisions[d.change.document_id],
                list(dict.fromkeys(records[ref] for ref in d.needs)),
                [credited[ref] for ref in d.credits],
            )
            for d in decisions
        ],
    )
    ledger_intake.add_notes(
        ledger,
        [(d.change.document_id, revisions[d.change.document_id], note) for d in decisions for note in d.notes],
    )


def _known_invoices(ledger: Ledger, connection: Connection, refs: Collection[RecordRef]) -> dict[RecordRef, int]:
    """The ledger's documents of credited invoices; those that it has never seen are captured, as they are there."""
    unseen = changes.unseen(ledger, connection.id, Kind.INVOICE, [ref.scoro_id for ref in refs])
    changes.capture(
        ledger,
        connection.id,
        Kind.INVOICE,
        unseen,
        origin="poll",
        actor="a credit invoice",
        settle_ms=connection.settings.delivery.settle_ms,
    )
    return changes.ensure_records(ledger, connection.id, refs)


def _commit_records(ledger: Ledger, connection: Connection, decisions: Sequence[Decision]) -> dict[RecordRef, int]:
    """Link or create the records that the documents need, one operation per record; returns the ledger's documents."""
    plans = {plan.ref: plan for d in decisions for plan in d.plans}
    refs = plans.keys() | {ref for d in decisions for ref in d.needs} | {r for p in plans.values() for r in p.needs}
    documents = changes.ensure_records(ledger, connection.id, refs)
    ledger_intake.lock_documents(ledger, [documents[ref] for ref in plans])
    known = ledger_intake.known_records(ledger, connection.id, plans)
    new = [plan for ref, plan in plans.items() if ref not in known]
    linked = ledger_intake.link_existing(
        ledger,
        connection.id,
        [
            ledger_intake.ExistingRecord(documents[plan.ref], object_name, topic, plan.key, plan.source_fingerprint)
            for plan in new
            if plan.matched
            for object_name, topic in [REFERENCE_TOPICS[plan.ref.kind]]
        ],
    )
    # somebody else was faster to link the record that was found: the document is looked at again, by itself
    late = [plan.ref for plan in new if plan.matched and documents[plan.ref] not in linked]
    for kind in {ref.kind for ref in late if ref.kind in SYNCED_KINDS}:
        ids = [ref.scoro_id for ref in late if ref.kind is kind]
        changes.capture(ledger, connection.id, kind, ids, origin="schedule", actor="intake", settle_ms=0)
    ledger_intake.supersede(ledger, [documents[plan.ref] for plan in new if not plan.matched])
    interactive = {ref for d in decisions if d.change.interactive for ref in d.needs}
    made = [
        record_operation(
            plan,
            documents[plan.ref],
            [documents[ref] for ref in plan.needs],
            interactive=plan.ref in interactive,
        )
        for plan in new
    ]
    ledger_intake.add_operations(ledger, connection.id, [operation for operation in made if operation is not None])
    ledger_intake.update_facts(
        ledger,
        [ledger_intake.DocumentFacts(documents[plan.ref], plan.ref.kind, plan.key, None, None, None) for plan in new],
    )
    ledger_intake.add_notes(ledger, [(documents[plan.ref], None, note) for plan in new for note in plan.notes])
    return documents
