"""What a site may still ask Scoro for: the window of seconds and the day, counted for all processes together.

Scoro counts requests in windows of two seconds whose beginning nobody knows, so none of them may hold more than the
limit, wherever it begins. What left is counted by quarters of a second, and counts for one more of them than a window
has, as a request arrives later than it leaves. The day's rest is what Scoro's headers say, less what left since. A
tenth of both is kept for what people ask for and for payments that come back (`urgent`).
"""

from dataclasses import dataclass

from db.database import Ledger, one

WINDOW_S = 2.0
"""Length of Scoro's window (scoro-api, section 6)."""
WINDOW_LIMIT = 40
"""Requests per window until Scoro's headers say otherwise: those of the Pro plan."""
SLOT_S = 0.25
SLOTS = int(WINDOW_S / SLOT_S) + 1
KEPT = 0.1
"""The share that only urgent requests may use."""
LONGEST_PAUSE_S = 60.0
"""A window's end that is said to be farther away is not believed."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the headers of an answer said, `age_s` ago; None where they said nothing."""

    limit: int | None = None
    left: int | None = None
    reset_s: float | None = None
    day_limit: int | None = None
    day_left: int | None = None
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may leave; if not, in how many seconds to ask again, and whether that is another day.

    `for_people`: an urgent request would still be let go today.
    """

    granted: bool
    wait_s: float
    daily: bool
    for_people: bool


BUDGET = """WITH now AS MATERIALIZED (SELECT ledger_now() AS at), told AS (
        SELECT now.at, (now.at AT TIME ZONE 'UTC')::date AS today, now.at - make_interval(secs => %(age_s)s) AS told_at,
            floor(extract(epoch FROM now.at) / %(slot_s)s)::bigint AS this_slot,
            %(limit)s::integer AS "limit", %(left)s::integer AS "left", %(reset_s)s::float AS reset_s,
            %(day_limit)s::integer AS day_limit, %(day_left)s::integer AS day_left
        FROM now
    ), held AS MATERIALIZED (
        SELECT * FROM scoro_budget WHERE site_id = %(site)s FOR UPDATE
    ), known AS (
        SELECT b.site_id, t.at, t.today, t.told_at, t.this_slot, b.day, b.day_left AS old_day_left,
            t.day_left AS told_day_left, coalesce(nullif(t."limit", 0), b.window_limit) AS new_limit,
            CASE WHEN t.told_at > t.at - make_interval(secs => %(window_s)s) THEN t."left" END AS told_left,
            (array_fill(0, ARRAY[least(greatest(t.this_slot - b.slot, 0), %(slots)s)::integer]) || b.slots)
                [1:%(slots)s] AS kept,
            greatest(b.paused_until, CASE WHEN t."left" = 0
                THEN t.told_at + make_interval(secs => least(t.reset_s, %(longest)s)) END) AS pause,
            coalesce(t.day_limit, b.day_limit) AS new_day_limit,
            t.day_left IS NOT NULL AND t.told_at > b.day_told_at
                AND (t.told_at AT TIME ZONE 'UTC')::date = t.today AS news
        FROM held b, told t
    ), counted AS (
        SELECT k.*, k.new_limit - coalesce((SELECT sum(n) FROM unnest(k.kept) AS n), 0) AS ours,
            CASE WHEN k.news THEN k.told_day_left WHEN k.day = k.today THEN k.old_day_left ELSE k.new_day_limit END
                AS rest,
            CASE WHEN %(urgent)s THEN 0 ELSE floor(k.new_limit * %(kept)s) END AS floor,
            CASE WHEN %(urgent)s THEN 0 ELSE floor(coalesce(k.new_day_limit, 0) * %(kept)s) END AS day_floor
        FROM known k
    ), judged AS (
        SELECT c.*, least(c.ours, c.told_left) AS here, coalesce(c.rest < 1 + c.day_floor, false) AS daily,
            c.pause <= c.at AND least(c.ours, c.told_left) >= 1 + c.floor
                AND coalesce(c.rest >= 1 + c.day_floor, true) AS granted
        FROM counted c
    )
    UPDATE scoro_budget b SET window_limit = j.new_limit, paused_until = j.pause, slot = j.this_slot,
        -- what Scoro counted and we did not, others have asked for
        slots = ARRAY[(coalesce(j.kept[1], 0) + j.ours - j.here + (j.granted AND %(take)s)::integer)::integer]
            || j.kept[2:%(slots)s],
        day = j.today, day_limit = j.new_day_limit, day_left = j.rest - (j.granted AND %(take)s)::integer,
        day_told_at = CASE WHEN j.news THEN j.told_at ELSE b.day_told_at END
    FROM judged j WHERE b.site_id = j.site_id
    RETURNING j.granted, j.daily, coalesce(j.rest >= 1, true) AS for_people, CASE
        WHEN j.daily THEN extract(epoch FROM (j.today + 1)::timestamp AT TIME ZONE 'UTC' - j.at)
        ELSE greatest(extract(epoch FROM j.pause - j.at), (j.this_slot + 1) * %(slot_s)s - extract(epoch FROM j.at))
        END::float AS wait_s"""

FIRST = """INSERT INTO scoro_budget (site_id, window_limit, day)
    VALUES (%(site)s, %(first)s, (ledger_now() AT TIME ZONE 'UTC')::date) ON CONFLICT DO NOTHING"""


def take(ledger: Ledger, site_id: int, *, urgent: bool, told: Told) -> Verdict:
    """Take one request from what a site has left, knowing what Scoro last said."""
    return _ask(ledger, site_id, urgent=urgent, told=told, take=True)


def hear(ledger: Ledger, site_id: int, told: Told) -> None:
    """Keep what Scoro said, without taking anything."""
    _ask(ledger, site_id, urgent=True, told=told, take=False)


def _ask(ledger: Ledger, site_id: int, *, urgent: bool, told: Told, take: bool) -> Verdict:
    values = {
        "site": site_id,
        "urgent": urgent,
        "take": take,
        "limit": told.limit,
        "left": told.left,
        "reset_s": told.reset_s,
        "day_limit": told.day_limit,
        "day_left": told.day_left,
        "age_s": told.age_s,
        "kept": KEPT,
        "window_s": WINDOW_S,
        "slot_s": SLOT_S,
        "slots": SLOTS,
        "longest": LONGEST_PAUSE_S,
        "first": WINDOW_LIMIT,
    }
    # counts that a crash of the server loses cost nothing: no flush is waited for
    ledger.execute("SET LOCAL synchronous_commit = off")
    row = ledger.execute(BUDGET.encode(), values).fetchone()
    if row is None:
        ledger.execute(FIRST, values)
        row = one(ledger, BUDGET, values)
    return Verdict(row["granted"], max(0.0, row["wait_s"]), row["daily"], row["for_people"])
