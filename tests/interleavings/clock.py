"""A clock that only tests move: the ledger, the far sides and the product's own waits all read it."""

import threading
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import sql

START = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)

TICKING = """CREATE OR REPLACE FUNCTION ledger_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    $$ SELECT timestamptz {start} + shift + nextval('clock_tick') * interval '1 microsecond' FROM clock $$"""


class Clock:
    """Virtual time; also stands in for the `time` module of product modules that wait.

    The ledger's own reading goes on by a microsecond, so that no two moments are equal.
    """

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("CREATE SEQUENCE clock_tick")
        self._connection.execute(sql.SQL(TICKING).format(start=START.isoformat()))
        self._lock = threading.Lock()
        self._passed_s = 0.0
        self.reset()

    def close(self) -> None:
        """Let go of the ledger."""
        self._connection.close()

    def reset(self) -> None:
        """Begin again at the start."""
        self._passed_s = 0.0
        self._connection.execute("ALTER SEQUENCE clock_tick RESTART")
        self._connection.execute("UPDATE clock SET shift = '0'")

    def now(self) -> datetime:
        """What all clocks show."""
        return START + timedelta(seconds=self._passed_s)

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._passed_s

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._passed_s += seconds
            self._connection.execute("UPDATE clock SET shift = make_interval(secs => %s)", [self._passed_s])
