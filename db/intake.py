"""What an intake commits: revisions, operations, notes, and the documents' own lines, for many documents at once.

The order inside the transaction is what makes it safe: first the documents' waiting intents are locked, so that no
delivery can claim them, then those with a write in doubt are told apart, and only then is anything superseded or added.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from db.database import Ledger
from schemas.kinds import Kind, RecordRef

GONE_STATES = frozenset({"Deleted", "Reversed"})
"""States of a link whose record stands for nothing any more."""


@dataclass(frozen=True, slots=True)
class Posting:
    """The day on which a document is posted while Scoro dates it `document_date`; `dated`: its date moves too."""

    day: date
    dated: bool
    document_date: date | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger knows of a document when its translation begins."""

    document_id: int
    state: str
    link: dict[str, Any] | None
    """The row of `link`; None where the document has no record in Intacct."""
    intent_fingerprint: str | None
    """Source fingerprint of the newest intent not superseded: what waits or is in doubt, else None."""
    refused_fingerprint: str | None
    """Source fingerprint of the newest operation if Intacct refused it."""
    stuck: bool = False
    """Whether that intent waits for a record or a person and is certainly not in Intacct: it may be planned anew."""
    left_alone: str = ""
    """Why changes leave the document alone until a person sends it; '' they do not."""
    intent_attachment: str = ""
    """The attachment record that that intent names."""
    version: str = ""
    """Moves whenever a write of the document is settled or a person decides about it."""
    inbound: bool = False
    """Whether it came from Intacct: it is never sent back."""
    posting: Posting | None = None
    """When it is posted though its own day is closed."""

    @property
    def record(self) -> dict[str, Any] | None:
        """The row of `link` where its record stands in Intacct: neither deleted nor reversed by us."""
        if self.link is None or (self.link["record_state"] in GONE_STATES and not self.differs):
            return None
        return self.link

    @property
    def differs(self) -> dict[str, Any] | None:
        """What Intacct holds otherwise than it was written, until a person has chosen."""
        return self.link["differs"] if self.link else None


@dataclass(frozen=True, slots=True)
class NewOperation:
    """An operation to add; fields as the columns of the table."""

    id: UUID
    document_id: int
    revision_id: int | None
    source_fingerprint: str
    verb: str
    object: str
    natural_key: str
    party: str
    total: Decimal | None
    function: Mapping[str, Any]
    payload_fingerprint: str
    line_numbers: Mapping[str, int]
    bytes: int
    purpose: str
    needs: Sequence[int] = field(default=())
    credits: Sequence[int] = field(default=())
    """Documents of the invoices that it is to be applied to once it is posted."""
    leaves: Mapping[str, Any] | None = None
    """What the record holds once it ran, where the function does not say all of it."""


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """What a person sees of a document in a list."""

    document_id: int
    kind: Kind
    number: str
    amount: Decimal | None
    currency: str | None
    document_date: date | None
    written_at: datetime | None = None
    """When it was written in Scoro, if Scoro says."""


VERSION = """concat_ws('/', coalesce(extract(epoch FROM l.linked_at)::text, 'none'), l.record_state,
    l.differs ->> 'code', l.seen_lines IS NULL, d.left_alone, d.posting_date)"""
"""SQL: the version of a document `d` with its link `l`."""


def standing(ledger: Ledger, document_ids: Collection[int]) -> dict[int, Standing]:
    """What the ledger knows of these documents."""
    rows = ledger.execute(
        f"""SELECT d.id, d.state, d.left_alone, d.inbound, {VERSION} AS version, to_jsonb(l) AS link, d.posting_date,
               d.posting_dated, d.posting_for,
               intent.source_fingerprint AS intent, coalesce(intent.attachment, '') AS intent_attachment,
               coalesce(intent.stuck, false) AS stuck, last.source_fingerprint AS refused
           FROM document d
           LEFT JOIN link l ON l.document_id = d.id
           LEFT JOIN LATERAL (SELECT o.source_fingerprint, named_attachment(o.function) AS attachment,
                   o.state = 'waiting_prerequisite' OR (
                   o.state = 'waiting_person' AND CASE WHEN o.problem IS NULL THEN NOT o.doubted AND o.record_no IS NULL
                       ELSE o.problem ->> 'code' <> 'differs_in_intacct' END) AS stuck
               FROM operation o WHERE o.document_id = d.id AND o.state IN
               ('ready', 'waiting_quota', 'waiting_prerequisite', 'waiting_person', 'sending', 'uncertain')
               ORDER BY o.created_at DESC LIMIT 1) intent ON true
           LEFT JOIN LATERAL (SELECT CASE WHEN o.state = 'refused' THEN o.source_fingerprint END AS source_fingerprint
               FROM operation o WHERE o.document_id = d.id ORDER BY o.created_at DESC LIMIT 1) last ON true
           WHERE d.id = ANY(%s)""".encode(),
        [list(document_ids)],
    ).fetchall()
    return {
        r["id"]: Standing(
            r["id"],
            r["state"],
            r["link"],
            r["intent"],
            r["refused"],
            r["stuck"],
            r["left_alone"],
            r["intent_attachment"],
            r["version"],
            r["inbound"],
            Posting(r["posting_date"], r["posting_dated"], r["posting_for"]) if r["posting_date"] else None,
        )
        for r in rows
    }


def lock_intents(ledger: Ledger, document_ids: Collection[int]) -> None:
    """Lock the intents of these documents; a claim or a settlement that is committing one right now is waited for."""
    ledger.execute(
        """SELECT FROM operation WHERE document_id = ANY(%s) AND state IN ('ready', 'waiting_quota',
               'waiting_prerequisite', 'waiting_person', 'refused', 'sending', 'uncertain')
           ORDER BY id FOR UPDATE""",
        [list(document_ids)],
    )


def moved_on(ledger: Ledger, versions: Mapping[int, str]) -> set[int]:
    """Documents whose write is in doubt, or that are no longer in the version (`versions`) that was decided about."""
    rows = ledger.execute(
        f"""SELECT g.document_id FROM unnest(%s::bigint[], %s::text[]) AS g (document_id, version)
           JOIN document d ON d.id = g.document_id LEFT JOIN link l ON l.document_id = g.document_id
           WHERE {VERSION} <> g.version
              OR EXISTS (SELECT FROM operation o WHERE o.document_id = g.document_id
                         AND o.state IN ('sending', 'uncertain'))""".encode(),
        [list(versions), list(versions.values())],
    ).fetchall()
    return {row["document_id"] for row in rows}


def supersede(ledger: Ledger, document_ids: Collection[int]) -> None:
    """A newer revision takes the place of whatever has not left."""
    ledger.execute(
        """UPDATE operation SET state = 'superseded', reason = 'a newer revision took its place', settled_at =
        ledger_now()
           WHERE document_id = ANY(%s)
             AND state IN ('ready', 'waiting_quota', 'waiting_prerequisite', 'waiting_person', 'refused')""",
        [list(document_ids)],
    )


def _dump_source(source: Mapping[str, Any]) -> str:
    """JSON of a document as Scoro gave it: numbers were read as decimals and are kept digit by digit, as text.

    NUL and lone surrogates, which `jsonb` refuses, are left out.
    """
    return json.dumps(_storable(source), default=str)


def _storable(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", "").encode(errors="ignore").decode()
        case list():
            return [_storable(item) for item in value]
        case dict():
            return {_storable(key): _storable(held) for key, held in value.items()}
    return value


def add_revisions(ledger: Ledger, revisions: Sequence[tuple[int, str, Mapping[str, Any]]]) -> dict[int, int]:
    """Number and keep each (document, source fingerprint, source); returns the revision's id by document."""
    rows = ledger.execute(
        """INSERT INTO revision (document_id, number, source_fingerprint, source)
           SELECT g.document_id, 1 + coalesce((SELECT max(r.number) FROM revision r
                                               WHERE r.document_id = g.document_id), 0), g.fingerprint, g.source
           FROM unnest(%s::bigint[], %s::text[], %s::jsonb[]) AS g (document_id, fingerprint, source)
           RETURNING id, document_id""",
        [[r[0] for r in revisions], [r[1] for r in revisions], [Jsonb(r[2], dumps=_dump_source) for r in revisions]],
    ).fetchall()
    return {row["document_id"]: row["id"] for row in rows}


def kept_sources(ledger: Ledger, kept: Collection[tuple[int, str]]) -> dict[tuple[int, str], dict[str, Any]]:
    """The newest source, as Scoro gave it, of each (document, source fingerprint) that was kept with one."""
    rows = ledger.execute(
        """SELECT DISTINCT ON (r.document_id, r.source_fingerprint) r.document_id, r.source_fingerprint, r.source
           FROM unnest(%s::bigint[], %s::text[]) AS g (document_id, fingerprint)
           JOIN revision r ON r.document_id = g.document_id AND r.source_fingerprint = g.fingerprint
           WHERE r.source IS NOT NULL ORDER BY r.document_id, r.source_fingerprint, r.number DESC""",
        [[key[0] for key in kept], [key[1] for key in kept]],
    ).fetchall()
    return {(row["document_id"], row["source_fingerprint"]): row["source"] for row in rows}


NUMBERED = ("ARINVOICE", "ARADJUSTMENT", "APBILL", "APADJUSTMENT")
"""Objects whose records Intacct may hold from before: looked up by their numbers (`db.older`)."""

ADD = """WITH given AS (
        SELECT * FROM jsonb_to_recordset(%(rows)s) AS g (id uuid, document_id bigint, revision_id bigint,
            source_fingerprint text, verb operation_verb, object text, natural_key text, party text, total numeric,
            function jsonb, payload_fingerprint text, line_numbers jsonb, bytes integer, purpose purpose, needs jsonb,
            credits bigint[], leaves jsonb)
    ), added AS (
        INSERT INTO operation (id, connection_id, document_id, revision_id, source_fingerprint, verb, object,
            natural_key, party, total, function, payload_fingerprint, line_numbers, bytes, purpose, controlid, credits,
            leaves, look_first)
        SELECT g.id, n.id, document_id, revision_id, source_fingerprint, verb, object, natural_key, party, total,
            function, payload_fingerprint, line_numbers, bytes, purpose, g.id::text, credits, nullif(leaves, 'null'),
            verb = 'create' AND object = ANY(%(numbered)s)
                AND is_older(d.document_date, d.written_at, d.first_seen_at, n.live_at, s.time_zone)
        FROM given g JOIN document d ON d.id = g.document_id JOIN connection n ON n.id = %(connection)s
        JOIN site s ON s.id = n.site_id ORDER BY document_id
        ON CONFLICT (document_id) WHERE state IN ('ready', 'waiting_quota', 'waiting_prerequisite', 'waiting_person')
            DO NOTHING
        RETURNING id)
    INSERT INTO operation_need (operation_id, document_id)
    SELECT g.id, n.value::bigint FROM added JOIN given g USING (id), jsonb_array_elements_text(g.needs) AS n"""


def add_operations(ledger: Ledger, connection_id: int, operations: Sequence[NewOperation]) -> None:
    """Add operations, ready to go; where an intent of the document waits already (a shared customer) it stands."""
    if not operations:
        return
    rows = [
        asdict(operation)
        | {
            "id": str(operation.id),
            "total": None if operation.total is None else str(operation.total),
            "needs": list(operation.needs),
            "credits": list(operation.credits),
        }
        for operation in operations
    ]
    ledger.execute(ADD, {"rows": Jsonb(rows), "connection": connection_id, "numbered": list(NUMBERED)})


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """A record that documents need, as far as the ledger knows it."""

    document_id: int
    natural_key: str
    linked: bool
    party: str = ""
    """CUSTOMERID of a project, as far as we sent it."""
    active: bool = True
    """Whether we did not send it as inactive."""


def known_records(ledger: Ledger, connection_id: int, refs: Collection[RecordRef]) -> dict[RecordRef, KnownRecord]:
    """Of these records those that stand in Intacct, or have an operation on its way that will make them."""
    wanted = {(ref.kind.module, ref.scoro_id): ref for ref in refs}
    rows = ledger.execute(
        """SELECT d.module, d.scoro_id, d.id, l.document_id IS NOT NULL AS linked,
               coalesce(l.natural_key, o.natural_key) AS natural_key,
               coalesce(o.party, posted.party, '') AS party,
               coalesce(o.function, l.function) #>> '{body,PROJECT,STATUS}' IS DISTINCT FROM 'inactive' AS active
           FROM unnest(%s::text[], %s::bigint[]) AS g (module, scoro_id)
           JOIN document d ON d.connection_id = %s AND d.module = g.module AND d.scoro_id = g.scoro_id
           LEFT JOIN link l ON l.document_id = d.id
           LEFT JOIN operation posted ON posted.id = l.operation_id
           LEFT JOIN LATERAL (SELECT natural_key, party, function FROM operation o
               WHERE o.document_id = d.id AND o.state IN
               ('ready', 'waiting_quota', 'waiting_prerequisite', 'waiting_person', 'sending', 'uncertain') LIMIT 1) o
                   ON true
           WHERE l.document_id IS NOT NULL OR o.natural_key IS NOT NULL""",
        [[module for module, _ in wanted], [scoro_id for _, scoro_id in wanted], connection_id],
    ).fetchall()
    return {
        wanted[row["module"], row["scoro_id"]]: KnownRecord(
            row["id"], row["natural_key"], row["linked"], row["party"], row["active"]
        )
        for row in rows
    }


def taken_keys(ledger: Ledger, connection_id: int, object_name: str) -> dict[str, RecordRef]:
    """The natural ids of an object's records that stand for a record of Scoro, with that one."""
    rows = ledger.execute(
        """SELECT l.natural_key, d.kind, d.scoro_id FROM link l JOIN document d ON d.id = l.document_id
           WHERE l.connection_id = %s AND l.object = %s""",
        [connection_id, object_name],
    ).fetchall()
    return {row["natural_key"]: RecordRef(Kind(row["kind"]), row["scoro_id"]) for row in rows}


def lock_documents(ledger: Ledger, document_ids: Collection[int]) -> None:
    """Let one transaction at a time decide about these documents."""
    ledger.execute("SELECT FROM document WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [list(document_ids)])


def hasten(ledger: Ledger, document_ids: Collection[int]) -> None:
    """A person waits for these documents: what is ready of them goes at once."""
    ledger.execute(
        """UPDATE operation SET purpose = 'interactive', due_at = least(due_at, ledger_now())
           WHERE document_id = ANY(%s) AND state = 'ready'""",
        [list(document_ids)],
    )


def hold(ledger: Ledger, problems: Mapping[int, Mapping[str, Any]]) -> None:
    """What waits for a person in these documents waits for this reason from now on."""
    ledger.execute(
        """UPDATE operation o SET reason = g.problem ->> 'cause', problem = g.problem
           FROM unnest(%s::bigint[], %s::jsonb[]) AS g (document_id, problem)
           WHERE o.document_id = g.document_id AND o.state = 'waiting_person'""",
        [list(problems), [Jsonb(dict(problem)) for problem in problems.values()]],
    )


def want_lines(ledger: Ledger, document_ids: Collection[int]) -> None:
    """The lines of the records of these documents are to be read: an edit waits for them."""
    ledger.execute("UPDATE link SET lines_wanted = true WHERE document_id = ANY(%s)", [list(document_ids)])


def notice(ledger: Ledger, document_ids: Collection[int]) -> None:
    """A person sends these documents: changes of them count again."""
    ledger.execute("UPDATE document SET left_alone = '' WHERE id = ANY(%s) AND left_alone <> ''", [list(document_ids)])


def add_notes(ledger: Ledger, notes: Sequence[tuple[int, int | None, str]]) -> None:
    """Keep (document, revision, sentence) for every decision that was made silently."""
    ledger.execute(
        "INSERT INTO note (document_id, revision_id, text)"
        " SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[])",
        [[n[0] for n in notes], [n[1] for n in notes], [n[2] for n in notes]],
    )


def remark(ledger: Ledger, remarks: Mapping[int, str]) -> None:
    """Keep a sentence on documents, unless it is the last that was said of them."""
    if remarks:
        ledger.execute(
            """INSERT INTO note (document_id, text)
               SELECT g.id, g.text FROM unnest(%s::bigint[], %s::text[]) AS g (id, text)
               WHERE g.text IS DISTINCT FROM (SELECT n.text FROM note n WHERE n.document_id = g.id
                                              ORDER BY n.id DESC LIMIT 1)""",
            [list(remarks), list(remarks.values())],
        )


def update_facts(ledger: Ledger, facts: Sequence[DocumentFacts]) -> None:
    """Bring number, amount, currency and date of documents up to what was read."""
    ledger.execute(
        """UPDATE document d SET kind = g.kind::document_kind, number = g.number, amount = g.amount,
               currency = g.currency, document_date = g.document_date,
               written_at = coalesce(g.written_at, d.written_at)
           FROM (SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::numeric[], %s::text[], %s::date[],
                                      %s::timestamptz[])
                 AS g (id, kind, number, amount, currency, document_date, written_at) ORDER BY id) g
           WHERE d.id = g.id""",
        [
            [f.document_id for f in facts],
            [str(f.kind) for f in facts],
            [f.number for f in facts],
            [f.amount for f in facts],
            [f.currency for f in facts],
            [f.document_date for f in facts],
            [f.written_at for f in facts],
        ],
    )


def set_document_states(ledger: Ledger, states: Mapping[int, tuple[str, str]]) -> None:
    """State and reason of documents that have no operation to show: skipped, failed in translation, posted again."""
    ledger.execute(
        """UPDATE document d SET state = g.state::document_state, reason = g.reason
           FROM (SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS g (id, state, reason) ORDER BY id) g
           WHERE d.id = g.id""",
        [list(states), [s[0] for s in states.values()], [s[1] for s in states.values()]],
    )


@dataclass(frozen=True, slots=True)
class ExistingRecord:
    """A record that stood in Intacct when the reference data was read: its object, and the topic that names it.

    `source_fingerprint` is of what Scoro said of it then, so that only a later edit changes it.
    """

    document_id: int
    object: str
    topic: str
    natural_key: str
    source_fingerprint: str = ""


def link_existing(ledger: Ledger, connection_id: int, records: Sequence[ExistingRecord]) -> set[int]:
    """Link documents to records of the reference data; returns those that were, as a record may be taken."""
    rows = ledger.execute(
        """WITH added AS (
               INSERT INTO link (document_id, connection_id, object, record_no, natural_key, source_fingerprint)
               SELECT g.document_id, r.connection_id, g.object, r.data ->> 'record_no', r.key, g.fingerprint
               FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[])
                   AS g (document_id, object, topic, key, fingerprint)
               JOIN reference r ON r.connection_id = %s AND r.source = 'intacct' AND r.topic = g.topic AND r.key = g.key
               ON CONFLICT DO NOTHING RETURNING document_id)
           UPDATE document d SET state = 'linked' FROM added WHERE d.id = added.document_id RETURNING d.id""",
        [
            [r.document_id for r in records],
            [r.object for r in records],
            [r.topic for r in records],
            [r.natural_key for r in records],
            [r.source_fingerprint for r in records],
            connection_id,
        ],
    ).fetchall()
    return {row["id"] for row in rows}
