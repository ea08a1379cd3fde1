"""`wait`: until nothing is on its way any more."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from app.cli.common import Opened, opened
from app.cli.errors import Refusal
from app.cli.output import on_terminal, plain
from schemas.words import count

if TYPE_CHECKING:
    from db.waits import Wait

STEP_S = 0.1


def wait(
    timeout: Annotated[float, typer.Option(metavar="S", min=0, max=86_400, help="Seconds to wait at the most.")] = 60,
) -> None:
    """Wait until nothing is on its way; waits for quota, a person and the like do not count and are printed."""
    with opened() as use:
        left = until_still(use, timeout, with_pulls=True)
    for line in dict.fromkeys(describe(found) for found in left if found.waits_for):
        typer.echo(line)
    moving = [found for found in left if not found.waits_for]
    if moving:
        raise Refusal(f"Still on their way after {timeout:g} s: {summary(moving)}.")


class Show(Protocol):
    """Shows how much is on its way."""

    def __call__(self, moving: int, /) -> None:
        """Take note of a count."""


def until_still(use: Opened, timeout_s: float, *, with_pulls: bool = False) -> list["Wait"]:
    """Wait until nothing is on its way, or the time is over; returns what is left.

    With `with_pulls` a pull counts that is due before the time is over.
    """
    from db.waits import waits

    mails = use.settings.smtp_url is not None
    give_up_at = time.monotonic() + timeout_s
    with _progress() as show:
        while True:
            within_s = max(0.0, give_up_at - time.monotonic()) if with_pulls else 0.0
            left = use.ledger.db.run(lambda session, within_s=within_s: waits(session, within_s, mails=mails))  # type: ignore[misc]
            moving = sum(found.count for found in left if not found.waits_for)
            show(moving)
            remaining_s = give_up_at - time.monotonic()
            if not moving or remaining_s <= 0:
                return left
            time.sleep(min(STEP_S, remaining_s))


@contextmanager
def _progress() -> Iterator[Show]:
    """A bar on a terminal: what is done of the most that was ever on its way."""
    if not on_terminal():
        yield lambda moving: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("on their way", total=1)
        most = 1

        def show(moving: int, /) -> None:
            nonlocal most
            most = max(most, moving)
            bars.update(bar, total=most, completed=most - moving)

        yield show


def summary(moving: Sequence["Wait"]) -> str:
    """Counts of what is on its way: `3 changes, 1 operation`."""
    sums: dict[str, int] = {}
    for found in moving:
        sums[found.what] = sums.get(found.what, 0) + found.count
    return ", ".join(count(n, what) for what, n in sums.items())


def describe(found: "Wait") -> str:
    """One line about a wait that does not end by itself."""
    subject = f"{plain(found.connection)}: {count(found.count, found.what)}"
    verb = "waits" if found.count == 1 else "wait"
    if found.waits_for == "quota":
        return f"{subject} {verb} for requests, until {plain(found.last_due_at)}."
    if found.waits_for == "day":
        return f"{subject} {verb} for requests to Scoro, until {plain(found.last_due_at)}."
    if found.waits_for == "schedule":
        until = f"the next run, at {plain(found.last_due_at)}" if found.last_due_at else "`scoro-intacct sync now`"
        return f"{subject} {verb} for {until}."
    if found.waits_for == "mail server":
        return f"{count(found.count, 'mail')} {verb} for a mail server: set SMTP_URL and MAIL_FROM."
    if found.waits_for == "person":
        return f"{subject} {verb} for a person: see `scoro-intacct documents list --state held`."
    if found.waits_for == "prerequisite":
        return f"{subject} {verb} for a record that failed: see `scoro-intacct failures list`."
    return f"{subject} {verb}, as the connection is {_state(found.connection_state)}."


def _state(connection_state: str) -> str:
    return "in rehearsal" if connection_state == "rehearsal" else connection_state
