"""What a site may still ask Scoro for: one bucket for the window of seconds and one for the day, for all processes.

Scoro counts requests in windows of two seconds whose beginning nobody knows. Half of a window's requests may leave at
once and the other half comes back over its length, so that no window holds more than the limit, wherever it begins. The
day's rest is what Scoro's headers say, less what left since. A tenth of both is kept for what people ask for and for
payments that come back (`urgent`).
"""

from dataclasses import dataclass

from db.database import Ledger, one

WINDOW_S = 2.0
"""Length of Scoro's window (scoro-api, section 6)."""
WINDOW_LIMIT = 40
"""Requests per window until Scoro's headers say otherwise: those of the Pro plan."""
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
            %(limit)s::integer AS "limit", %(left)s::integer AS "left", %(reset_s)s::float AS reset_s,
            %(day_limit)s::integer AS day_limit, %(day_left)s::integer AS day_left
        FROM now
    ), held AS MATERIALIZED (
        SELECT * FROM scoro_budget WHERE site_id = %(site)s FOR UPDATE
    ), known AS (
        SELECT b.*, t.at, t.today, t.told_at, t."left" AS told_left, t.reset_s, t.day_left AS told_day_left,
            coalesce(nullif(t."limit", 0), b.window_limit) AS new_limit,
            coalesce(t.day_limit, b.day_limit) AS new_day_limit, t.day_left IS NOT NULL AND t.told_at > b.day_told_at
                AND (t.told_at AT TIME ZONE 'UTC')::date = t.today AS news
        FROM held b, told t
    ), refilled AS (
        SELECT k.*, greatest(1, k.new_limit / 2.0) AS room, CASE
                WHEN k.news THEN k.told_day_left WHEN k.day = k.today THEN k.day_left ELSE k.new_day_limit END AS rest,
            greatest(k.paused_until, CASE WHEN k.told_left = 0
                THEN k.told_at + make_interval(secs => least(k.reset_s, %(longest)s)) END) AS pause
        FROM known k
    ), counted AS (
        SELECT r.*, least(r.room, CASE WHEN r.told_at > r.at - make_interval(secs => %(window_s)s) THEN r.told_left END,
                r.tokens + greatest(0, (r.new_limit - r.window_limit) / 2.0)  -- a larger limit is there at once
                + greatest(0, extract(epoch FROM r.at - r.tokens_at)) * r.room / %(window_s)s) AS here,
            CASE WHEN %(urgent)s THEN 0 ELSE least(r.room * %(kept)s, r.room - 1) END AS floor,
            CASE WHEN %(urgent)s THEN 0 ELSE floor(coalesce(r.new_day_limit, 0) * %(kept)s) END AS day_floor
        FROM refilled r
    ), judged AS (
        SELECT c.*, coalesce(c.rest < 1 + c.day_floor, false) AS daily,
            c.pause <= c.at AND c.here >= 1 + c.floor AND coalesce(c.rest >= 1 + c.day_floor, true) AS granted
        FROM counted c
    )
    UPDATE scoro_budget b SET window_limit = j.new_limit, tokens = j.here - (j.granted AND %(take)s)::integer,
        tokens_at = j.at, paused_until = j.pause, day = j.today, day_limit = j.new_day_limit,
        day_left = j.rest - (j.granted AND %(take)s)::integer,
        day_told_at = CASE WHEN j.news THEN j.told_at ELSE b.day_told_at END
    FROM judged j WHERE b.site_id = j.site_id
    RETURNING j.granted, j.daily, coalesce(j.rest >= 1, true) AS for_people, CASE
        WHEN j.daily THEN extract(epoch FROM (j.today + 1)::timestamp AT TIME ZONE 'UTC' - j.at)
        ELSE greatest(extract(epoch FROM j.pause - j.at), (1 + j.floor - j.here) * %(window_s)s / j.room)
        END::float AS wait_s"""

FIRST = """INSERT INTO scoro_budget (site_id, window_limit, tokens, tokens_at, day)
    VALUES (%(site)s, %(first)s, %(first)s / 2.0, ledger_now(), (ledger_now() AT TIME ZONE 'UTC')::date)
    ON CONFLICT DO NOTHING"""


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
