"""Breakers: a connection that is itself at fault sends nothing more, but for a cheap probe that finds out when it may.

A broken sign-in, or a look-up that lacks a right, is probed by a read that changes nothing: the look-up of what is in
doubt, else one that does no more than sign in. Where every document is refused for one cause, or a right to write is
missing, one document that waits is the probe, or what is in doubt where none waits. Each probe costs one request, so
they come ever less often.
"""

from db import failures, outbox
from db.database import Ledger
from schemas.errors import ErrorClass, Problem, Who

PROBES_S = (900.0, 1800.0, 3600.0, 4 * 3600.0, 12 * 3600.0, 24 * 3600.0)
"""Seconds until the next probe, by how many have failed in a row; the last is repeated. The first comes late enough not
to lock a user out who mistyped a password, all of a month cost some 35 requests."""

FLOOD = 100
"""The newest so many writes of a connection were refused for one cause, and none went through: it is hopeless for now.
Two full packs: fewer may be one person's bad batch, and each hundred more would cost two requests for nothing."""

MASTER = ("CUSTOMER", "VENDOR", "PROJECT", "SUPDOC", "SUPDOCFOLDER")
"""Objects that go through while every document is refused: they say nothing of a flood."""

INTACCT, SCORO = "Sage Intacct", "Scoro"
"""The side at which a connection is at fault: the culprit of its failure."""

BREAK = """UPDATE connection SET state = 'broken', reason = %(reason)s, probe = %(probe)s, probes = 0,
        probe_at = ledger_now() + make_interval(secs => %(first_s)s)
    WHERE id = %(connection)s AND state = 'active' RETURNING id"""

SENDABLE = """EXISTS (SELECT FROM operation o WHERE o.connection_id = n.id
    AND o.state IN ('ready', 'waiting_quota') AND o.due_at <= ledger_now())"""
IN_DOUBT = "EXISTS (SELECT FROM operation o WHERE o.connection_id = n.id AND o.state = 'uncertain')"
CAN_PROBE = f"(n.probe = 'read' OR {SENDABLE} OR {IN_DOUBT})"
"""SQL: connection `n` has what its probe needs."""

TAKE_PROBE = f"""UPDATE connection n SET probes = probes + 1,
        probe_at = ledger_now() + make_interval(secs => (%(delays)s::float[])[least(probes + 2, %(last)s)])
    WHERE n.id = %(connection)s AND n.state = 'broken' AND n.probe_at <= ledger_now() AND {CAN_PROBE}
    RETURNING CASE WHEN n.probe = 'document' AND {SENDABLE} THEN 'document'
                   WHEN {IN_DOUBT} THEN 'look_up' ELSE 'sign_in' END AS way"""

ONE_CAUSE = """SELECT count(*) AS n, count(*) FILTER (WHERE state = 'posted') AS posted,
        count(DISTINCT (problem ->> 'code', problem -> 'culprit')) AS causes,
        (array_agg(problem ->> 'cause' ORDER BY settled_at DESC))[1] AS cause,
        (array_agg(problem ->> 'fix' ORDER BY settled_at DESC))[1] AS fix,
        (array_agg(problem ->> 'who' ORDER BY settled_at DESC))[1] AS who
    FROM (SELECT state, problem, settled_at FROM operation WHERE connection_id = %s AND state IN ('posted', 'refused')
            AND object <> ALL(%s)
          ORDER BY settled_at DESC LIMIT %s) latest"""


def break_off(ledger: Ledger, connection_id: int, problem: Problem, probe: str) -> None:
    """Send nothing more until a probe (`read` or `document`) finds it mended or a person resumes; tell people."""
    values = {"connection": connection_id, "reason": problem.cause, "probe": probe, "first_s": PROBES_S[0]}
    if ledger.execute(BREAK, values).fetchone() is not None:
        failures.report(ledger, connection_id, problem)


def break_if_hopeless(ledger: Ledger, connection_id: int) -> None:
    """Break a connection off whose newest `FLOOD` writes were all refused for one cause."""
    row = ledger.execute(ONE_CAUSE, [connection_id, list(MASTER), FLOOD]).fetchone()
    if row is None or row["n"] < FLOOD or row["posted"] or row["causes"] != 1:
        return
    problem = Problem(
        ErrorClass.BROKEN,
        "flood",
        f"The last {FLOOD} documents were all refused for one cause, so that nothing more is sent. The last one said:"
        f" {row['cause']}",
        f"{row['fix']} One document at a time tries by itself; or resume the connection.",
        culprit=(INTACCT,),
        who=Who(row["who"]) if row["who"] else None,
    )
    break_off(ledger, connection_id, problem, "document")


def take_probe(ledger: Ledger, connection_id: int) -> str | None:
    """How a broken connection whose probe is due now finds out: `document`, `look_up` or `sign_in`.

    The next one is put off before this one leaves.
    """
    values = {"connection": connection_id, "delays": list(PROBES_S), "last": len(PROBES_S)}
    row = ledger.execute(TAKE_PROBE.encode(), values).fetchone()
    return None if row is None else str(row["way"])


def mend(ledger: Ledger, connection_id: int, reason: str) -> None:
    """A probe went through: the connection goes on by itself."""
    moved = ledger.execute(
        """UPDATE connection SET state = 'active', reason = '', probe = NULL, probe_at = NULL, probes = 0
           WHERE id = %s AND state = 'broken' RETURNING id""",
        [connection_id],
    ).fetchone()
    if moved is not None:
        failures.settle_of_connection(ledger, connection_id, INTACCT, reason)
        outbox.ring(ledger, "delivery", connection_id)
