"""The list of documents and the story of one, for pages and API: each bounded, whatever a million rows hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from db.database import Ledger, planned_anew
from schemas.kinds import DOCUMENT_KINDS

Row = dict[str, Any]

PAGE = 50
MOST_FOUND = 500
"""Matches of a search that are looked at; whoever searches for less than that many finds all of them."""

STORY = 200
"""Entries of a document's journal that its page shows, the newest; the command line shows all."""
FEW = 12
"""Revisions, operations and notes that it shows, the newest."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What the list is narrowed to; None and empty mean all."""

    kind: str | None = None
    state: str | None = None
    connection_id: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of rows, the newest first, with the ids to go on from: None where there is nothing further."""

    rows: Sequence[Row]
    newer: int | None
    older: int | None


NARROWED = """d.kind = ANY(%(kinds)s::document_kind[])
    AND (%(state)s::document_state IS NULL OR d.state = %(state)s::document_state)
    AND (%(connection)s::bigint IS NULL OR d.connection_id = %(connection)s::bigint)"""

CHOSEN = """SELECT t.connection_id, t.kind, t.state FROM document_tally t
    WHERE t.kind = ANY(%(kinds)s::document_kind[])
      AND (%(state)s::document_state IS NULL OR t.state = %(state)s::document_state)
      AND (%(connection)s::bigint IS NULL OR t.connection_id = %(connection)s::bigint)
    GROUP BY 1, 2, 3 HAVING sum(t.difference) > 0"""
"""Which combinations of connection, kind and state there are: a run through the index for each finds any page."""

SHOWN = """SELECT d.id, d.connection_id, c.name AS connection, d.kind::text AS kind, d.scoro_id, d.number,
        d.state::text AS state, d.reason, l.object AS intacct_object, l.record_no AS intacct_recordno, d.amount,
        d.currency, d.document_date
    FROM page p JOIN document d ON d.id = p.id JOIN connection c ON c.id = d.connection_id
    LEFT JOIN link l ON l.document_id = d.id ORDER BY d.id DESC"""


def documents(
    ledger: Ledger, wanted: Filter, *, before: int | None = None, after: int | None = None, size: int = PAGE
) -> Page:
    """A page of documents older than the id `before`, or newer than `after`."""
    upwards = after is not None and before is None
    values = {
        "kinds": [wanted.kind] if wanted.kind else list(DOCUMENT_KINDS),
        "state": wanted.state,
        "connection": wanted.connection_id,
        "edge": (after if upwards else before) or (0 if upwards else 2**62),
        "size": size + 1,
    }
    if wanted.text:
        found = f"found AS MATERIALIZED ({_found(wanted.text, values)}), "
        source = f"SELECT d.id FROM found f JOIN document d ON d.id = f.id WHERE {NARROWED} AND d.id {{edge}}"
    else:
        found = ""
        source = """SELECT d.id FROM chosen t CROSS JOIN LATERAL (
                SELECT id FROM document d WHERE d.connection_id = t.connection_id AND d.kind = t.kind
                  AND d.state = t.state AND d.id {edge} ORDER BY d.id {order} LIMIT %(size)s) d"""
    source = source.format(edge=f"{'>' if upwards else '<'} %(edge)s", order="ASC" if upwards else "DESC")
    order = "ASC" if upwards else "DESC"
    query = f"""WITH {found}chosen AS ({CHOSEN}), page AS ({source} ORDER BY d.id {order} LIMIT %(size)s) {SHOWN}"""
    rows = planned_anew(ledger, query, values)
    more = len(rows) > size
    if more:
        rows = rows[1:] if upwards else rows[:-1]
    if not rows:
        return Page([], None, None)
    has_newer = more if upwards else before is not None
    has_older = True if upwards else more
    return Page(rows, rows[0]["id"] if has_newer else None, rows[-1]["id"] if has_older else None)


def _found(text: str, values: Row) -> str:
    """The ids that a search finds: by number or key as they begin, by Scoro's id, by the record's number."""
    text = text.strip()
    kind, _, number = text.rpartition(":")
    values |= {"low": text.upper(), "high": text.upper() + "\U0010ffff", "text": text, "most": MOST_FOUND}
    parts = [
        """(SELECT id FROM document WHERE upper(number) ~>=~ %(low)s AND upper(number) ~<~ %(high)s
            AND number <> '' ORDER BY upper(number) USING ~<~ LIMIT %(most)s)""",
        """(SELECT document_id FROM link WHERE upper(natural_key) ~>=~ %(low)s AND upper(natural_key) ~<~ %(high)s
            ORDER BY upper(natural_key) USING ~<~ LIMIT %(most)s)""",
        "(SELECT document_id FROM link WHERE record_no = %(text)s LIMIT %(most)s)",
    ]
    if number.isascii() and number.isdigit() and len(number) < 19:
        values["scoro_id"] = int(number)
        parts.append("(SELECT id FROM document WHERE scoro_id = %(scoro_id)s)")
        if kind in DOCUMENT_KINDS:
            values["kinds"] = [kind]
    return " UNION ".join(parts)


# ------------------------------------------------------------------------------------------------- one document

HEAD = """SELECT d.id, d.connection_id, c.name AS connection, c.state::text AS connection_state, d.kind::text AS kind,
        d.module, d.scoro_id, d.number, d.state::text AS state, d.reason, d.amount, d.currency, d.document_date,
        d.first_seen_at, l.object, l.record_no, l.natural_key, l.record_state, l.linked_at, l.function::text AS held,
        s.url AS scoro_url
    FROM document d JOIN connection c ON c.id = d.connection_id JOIN site s ON s.id = c.site_id
    LEFT JOIN link l ON l.document_id = d.id WHERE d.id = %s"""

STORY_OF = """WITH mine AS (
        SELECT 'document' AS subject, %(id)s::text AS subject_id
        UNION ALL (SELECT 'change', id::text FROM change WHERE document_id = %(id)s ORDER BY id DESC LIMIT %(few)s)
        UNION ALL (SELECT 'operation', id::text FROM operation WHERE document_id = %(id)s
                   ORDER BY created_at DESC LIMIT %(few)s)
        UNION ALL (SELECT 'scoro_write', id::text FROM scoro_write WHERE document_id = %(id)s
                   ORDER BY id DESC LIMIT %(few)s)),
    written AS (
        SELECT j.* FROM mine CROSS JOIN LATERAL (SELECT * FROM journal x WHERE x.subject = mine.subject
            AND x.subject_id = mine.subject_id ORDER BY x.id DESC LIMIT %(story)s) j)
    SELECT at, actor, subject, from_state AS "from", to_state AS "to", detail FROM written
    ORDER BY id DESC LIMIT %(story)s"""

OPERATIONS = """SELECT o.id, r.number AS revision, o.verb::text AS verb, o.object, o.natural_key, o.party, o.total,
        o.state::text AS state, o.reason, o.purpose::text AS purpose, o.attempts, o.controlid, o.created_at, o.due_at,
        o.first_left_at, o.settled_at, o.record_no, o.problem, o.function::text AS function,
        ARRAY(SELECT jsonb_build_object('id', d.id, 'name', document_name(d), 'state', d.state)
              FROM operation_need n JOIN document d ON d.id = n.document_id
              WHERE n.operation_id = o.id ORDER BY d.id LIMIT 20) AS needs
    FROM operation o LEFT JOIN revision r ON r.id = o.revision_id
    WHERE o.document_id = %(id)s ORDER BY o.created_at DESC, o.id LIMIT %(few)s"""


def find(ledger: Ledger, kind: str, scoro_id: int, connection_id: int | None = None) -> list[int]:
    """Ids of the documents of that kind and Scoro id, one per connection."""
    rows = ledger.execute(
        """SELECT id FROM document WHERE scoro_id = %s AND kind = %s::document_kind
           AND (%s::bigint IS NULL OR connection_id = %s) ORDER BY id""",
        [scoro_id, kind, connection_id, connection_id],
    ).fetchall()
    return [row["id"] for row in rows]


def story(ledger: Ledger, document_id: int) -> Row | None:
    """One document with all that its page shows; None where there is none."""
    head = ledger.execute(HEAD, [document_id]).fetchone()
    if head is None:
        return None
    values = {"id": document_id, "few": FEW, "story": STORY}
    operations = ledger.execute(OPERATIONS, values).fetchall()
    requests = ledger.execute(
        """SELECT a.operation_id, q.id, q.purpose::text AS purpose, q.state::text AS state, q.functions, q.charged_at,
               q.left_at, q.ended_at, q.reason, a.outcome, a.detail
           FROM attempt a JOIN request q ON q.id = a.request_id WHERE a.operation_id = ANY(%s) ORDER BY q.id DESC""",
        [[row["id"] for row in operations]],
    ).fetchall()
    return {
        **head,
        "operations": [
            {**row, "requests": [request for request in requests if request["operation_id"] == row["id"]]}
            for row in operations
        ],
        "revisions": ledger.execute(
            """SELECT number, read_at, source::text AS source FROM revision WHERE document_id = %(id)s
               ORDER BY number DESC LIMIT %(few)s""",
            values,
        ).fetchall(),
        "changes": ledger.execute(
            """SELECT id, origin::text AS origin, actor, interactive, state::text AS state, hints, attempts, reason,
                   captured_at, due_at, ended_at
               FROM change WHERE document_id = %(id)s ORDER BY id DESC LIMIT %(few)s""",
            values,
        ).fetchall(),
        "notes": ledger.execute(
            """SELECT n.at, r.number AS revision, n.text FROM note n LEFT JOIN revision r ON r.id = n.revision_id
               WHERE n.document_id = %(id)s ORDER BY n.id DESC LIMIT %(few)s""",
            values,
        ).fetchall(),
        "failures": ledger.execute(
            """SELECT f.id, f.error_class AS class, f.code, l.cause, l.fix, l.field, l.at, f.state::text AS state,
                   fd.cleared_at
               FROM failure_document fd JOIN failure f ON f.id = fd.failure_id
               JOIN dead_letter l ON l.id = fd.dead_letter_id WHERE fd.document_id = %(id)s
               ORDER BY l.at DESC LIMIT %(few)s""",
            values,
        ).fetchall(),
        "writes": ledger.execute(
            """SELECT verb::text AS verb, state::text AS state, reason, attempts, created_at, settled_at,
                   jsonb_pretty(coalesce(sent, intent)) AS content
               FROM scoro_write WHERE document_id = %(id)s ORDER BY id DESC LIMIT %(few)s""",
            values,
        ).fetchall(),
        "written": ledger.execute(STORY_OF, values).fetchall(),
    }
