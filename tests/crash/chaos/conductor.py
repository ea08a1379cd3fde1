"""Strikes a seeded plan of faults in small groups, waits after each until all is quiet, and judges by the stand-ins.

A run is a number of chapters, each with a new ledger and new books, so that whatever is found is found near its cause:
seed, chapter and group name it again.
"""

import json
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import requests
from psycopg_pool import PoolTimeout
from pydantic import SecretStr

from app.wiring import open_ledger
from tests.crash.chaos.desk import BusyDesk
from tests.crash.chaos.faults import Kind, OverdueError, Stage, UnstruckError, kinds
from tests.crash.chaos.processes import supervised
from tests.crash.chaos.report import Finding, Report, Row
from tests.crash.chaos.services import Services
from tests.crash.test_killed_workers import judged
from tests.worlds.mailbox import mailbox
from tests.worlds.stand_ins import StandIns
from tests.worlds.waiting import until
from tests.worlds.world import World, join, settings_for

CHAPTER = 100
"""Faults of one chapter."""
GROUP = 5
"""Faults that strike shortly after each other, at the most."""
QUIET_S = 90.0
"""All must be quiet within this of the end of the last fault of a group."""
ACTIONS_PER_S = 6.0
MAX_BROKEN_CHAPTERS = 3
"""After so many chapters with findings the run ends."""


def plan(seed: int, faults: int, only: str = "") -> list[Kind]:
    """The faults in their order: every kind equally often, shuffled; `only` those with this in their names."""
    dice = random.Random(f"plan {seed}")
    planned: list[Kind] = []
    while len(planned) < faults:
        every = [kind for kind in kinds() if only in kind.name]
        dice.shuffle(every)
        planned += every
    return planned[:faults]


def groups(planned: Sequence[Kind], seed: str) -> Iterator[list[Kind]]:
    """Cut a plan into groups; a jumping clock never meets what a gateway does late."""
    dice = random.Random(f"groups {seed}")
    group: list[Kind] = []
    size = dice.randint(1, GROUP)
    for kind in planned:
        clash = (kind.jumps and any(k.late for k in group)) or (kind.late and any(k.jumps for k in group))
        if group and (len(group) >= size or clash):
            yield group
            group, size = [], dice.randint(1, GROUP)
        group.append(kind)
    if group:
        yield group


def conduct(
    services: Services,
    both: StandIns,
    folder: Path,
    *,
    seed: int,
    faults: int,
    say: Callable[[str], None],
    only: str = "",
) -> Report:
    """Strike them all, or until Ctrl-C; what each process said stands in `folder`."""
    report = Report(seed, {kind.name: Row() for kind in kinds()})
    started = time.monotonic()
    planned = plan(seed, faults, only)
    broken = 0
    for number, first in enumerate(range(0, faults, CHAPTER), start=1):
        before = len(report.findings)
        chapter = _Chapter(services, both, folder / f"chapter-{number}", number, report)
        ended = chapter.run(planned[first : first + CHAPTER])
        report.seconds = time.monotonic() - started
        found = len(report.findings)
        say(f"chapter {number}: {report.struck} of {faults} faults, {found} findings, {report.seconds:.0f} s")
        broken += len(report.findings) > before
        if broken >= MAX_BROKEN_CHAPTERS or not ended:
            break
    return report


class _Chapter:
    """Some faults on one ledger."""

    def __init__(self, services: Services, both: StandIns, folder: Path, number: int, report: Report) -> None:
        self.services = services
        self.both = both
        self.folder = folder
        self.number = number
        self.report = report
        self.seed = f"{report.seed}:{number}"
        self.started = time.monotonic()

    def run(self, planned: Sequence[Kind]) -> bool:
        """Strike until done or until something is found; False after Ctrl-C, which leaves the group in hand out."""
        self.folder.mkdir(parents=True)
        ended = True
        with self._stage() as stage:
            for group in groups(planned, self.seed):
                try:
                    self._group(stage, group)
                except KeyboardInterrupt:
                    ended = False
                    break
                if any(finding.chapter == self.number for finding in self.report.findings):
                    self._keep_evidence(stage)
                    break
            self._count(stage)
        for what in sorted(self._unhandled()):
            self.report.findings.append(Finding("other", what, (), self.number))
        return ended

    def _unhandled(self) -> set[str]:
        """Exceptions that no actor expects, from what the processes said."""
        found = set()
        for log in self.folder.glob("*.log"):
            for said in log.read_text(encoding="utf-8", errors="replace").splitlines():
                if "unhandled exception" in said and said.startswith("{"):
                    found.add(f"{log.stem}: " + json.loads(said).get("exception", said).strip().splitlines()[-1])
        return found

    @contextmanager
    def _stage(self) -> Iterator[Stage]:
        database = f"chapter_{self.number}"
        direct_url = self.services.direct_url(database)
        self.both.reset()
        self.both.scoro.set(webhook_retries=10_000, webhook_timeout_s=5, webhook_seed=self.number)
        self.both.intacct.set(retry_after_s=1, request_log_size=5_000)
        base = settings_for(
            self.both,
            direct_url,
            data_dir=self.folder,
            queue_prefix=f"chapter-{self.number}-",
            amqp_url=self.services.rabbit.url,
        ).model_copy(update={"http_bind": f"127.0.0.1:{_free_port()}"})
        with (
            mailbox() as box,
            self.services.database(database),
            open_ledger(base, actor="conductor", pool_size=4) as ledger,
        ):
            mail = {"smtp_url": SecretStr(box.url), "mail_from": "sync@acme.example"}
            proxied = base.model_copy(update={"database_url": self.services.proxied_url(database), **mail})
            world = join(self.both, proxied, ledger, self.services.rabbit.url)
            world.execute("UPDATE site SET request_limit = 1000000")
            world.change_settings(SETTINGS)
            desk = BusyDesk(world, self.seed, ACTIONS_PER_S)
            schedulers = 1 + self.number % 2  # two do nothing twice, one that is gone is missed
            with supervised(proxied, self.folder, schedulers=schedulers) as processes:
                web = f"http://{base.http_bind}"
                until(lambda: _answers(web), "the web server answers", 120)
                world.subscribe(web)
                for invoice in desk.till.paid:
                    world.send(invoice)
                desk.till.open()
                yield Stage(world, self.services, processes, desk, box, direct_url)
                self.report.ends.update(f"{p.role} {code}" for p in processes for code in p.ends.elements())

    def _group(self, stage: Stage, group: Sequence[Kind]) -> None:
        names = tuple(kind.name for kind in group)
        dice = random.Random(f"{self.seed}:{'/'.join(names)}:{stage.desk.actions}")
        fell: list[tuple[str, float]] = []
        with stage.desk.typing():
            for kind in group:
                time.sleep(dice.uniform(0.1, 0.5))
                self._note(f"{kind.name} …")
                stage.fell_at = 0.0
                try:
                    kind.strike(stage, dice)
                except UnstruckError as error:
                    self.report.row(kind.name).unstruck += 1
                    self._note(f"  did not strike: {error}")
                except OverdueError as error:
                    self.report.findings.append(Finding("other", str(error), (kind.name,), self.number))
                else:
                    fell.append((kind.name, stage.fell_at or time.monotonic()))
            time.sleep(dice.uniform(0.1, 0.5))
        stage.calm()
        self.report.stops_s += stage.stops_s
        stage.stops_s.clear()
        stage.desk.till.ask()
        quiet = self._becomes_quiet(stage.world)
        now = time.monotonic()
        self._note(f"  quiet: {quiet}, {now - min((at for _, at in fell), default=now):.1f} s")
        found = list(self._judge(stage)) if quiet else [("other", f"not quiet: {stage.world.under_way()}")]
        self.report.findings += [Finding(verdict, what, names, self.number) for verdict, what in found]
        for name, at in fell:
            row = self.report.row(name)
            row.runs += 1
            row.recovered_s.append(now - at)
            row.found.update(verdict for verdict, _ in found)

    def _becomes_quiet(self, world: World) -> bool:
        try:
            until(lambda: _is_quiet(world), "the world is quiet", QUIET_S, 0.1)
        except AssertionError:
            return False
        return True

    def _judge(self, stage: Stage) -> Iterator[tuple[str, str]]:
        """What differs: by the books of both sides, then by the ledger's own rules."""
        world = stage.world
        for what in (*judged(world), *stage.desk.till.judged()):
            yield next((v for v, word in WORDS.items() if word in what), "other"), what
        failed = {i for failure in world.failures() for i in failure["ids"]}
        if failed != set(stage.desk.broken):
            yield "other", f"failures are open for {sorted(failed ^ set(stage.desk.broken))} only on one side"
        for row in world.rows(UNRESOLVED):
            yield "other", f"operation {row['id']} of {row['natural_key']} is {row['state']}: {row['reason']}"
        for row in world.rows(UNRESOLVED_WRITES):
            yield "other", f"write {row['id']} of {row['number']} to Scoro is {row['state']}: {row['reason']}"
        yield from (("other", what) for what in self._judged_mail(stage))
        used, received = world.requests_used(), world.requests_received()
        unconfirmed = world.row("SELECT count(*) AS n FROM request WHERE state = 'unanswered'")["n"]
        if not 0 <= used - received <= unconfirmed:
            yield "other", f"the quota says {used}, the gateway {received}, unconfirmed are {unconfirmed}"

    def _judged_mail(self, stage: Stage) -> Iterator[str]:
        """Every failure is told of, by one mail, whose repeats are known by their Message-ID."""
        told = stage.world.rows("SELECT message_id FROM mail WHERE event = 'opened'")
        failures = stage.world.row("SELECT count(*) AS n FROM failure")["n"]
        if len(told) != failures:
            yield f"{failures} failures were told of by {len(told)} mails"
        taken = Counter((mail["Subject"], str(mail["Message-ID"])) for mail in stage.box.taken)
        yield from (f"mail {row['message_id']} is lost" for row in told if row["message_id"] not in stage.box.ids())
        twice = [subject for subject, count in Counter(subject for subject, _ in taken).items() if count > 1]
        yield from (f"mail {subject!r} has two Message-IDs" for subject in twice)

    def _count(self, stage: Stage) -> None:
        world = stage.world
        doubted = world.rows("SELECT state::text, count(*) AS n FROM operation WHERE doubted GROUP BY 1")
        self.report.counts.update(
            invoices=len(world.scoro.records("invoices")),
            actions=stage.desk.actions,
            requests=world.requests_received(),
            unanswered=world.row("SELECT count(*) AS n FROM request WHERE state = 'unanswered'")["n"],
            doubted=sum(row["n"] for row in doubted),
            resolved=sum(row["n"] for row in doubted if row["state"] in {"posted", "superseded"}),
        )
        self.report.counts.update({row["how"]: row["n"] for row in world.rows(OUT_OF_DOUBT)})
        writes = world.row(WRITES)
        self.report.counts.update({name: writes[name] for name in ("writes", "writes_doubted", "writes_resolved")})
        self.report.counts.update(
            receipts=len(world.scoro.receipts()), bills=len(world.scoro.records("bills")), mails=len(stage.box.taken)
        )

    def _keep_evidence(self, stage: Stage) -> None:
        """Write both books and the ledger beside the logs."""
        world = stage.world
        evidence = {
            "findings": [str(f) for f in self.report.findings if f.chapter == self.number],
            "scoro": world.scoro.records("invoices"),
            "intacct": world.intacct.invoices(),
            "requests": world.intacct.requests(),
            **{table: world.rows(f"SELECT * FROM {table}") for table in TABLES},
        }
        (self.folder / "evidence.json").write_text(json.dumps(evidence, indent=1, default=str), encoding="utf-8")

    def _note(self, text: str) -> None:
        with (self.folder / "conductor.log").open("a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%H:%M:%S')} {time.monotonic() - self.started:8.2f} {text}\n")


SETTINGS = {
    "delivery.uncertain_wait_s": "2",
    "accounts.payment_bank": "1",
    "data.receipts.start_date": "2020-01-01",
    "data.bills.direction": "to_scoro",
    "data.bills.start_date": "2020-01-01",
    "notify.emails": "anna@acme.example",
}
"""Beside what any world has set."""
WORDS = {"lost": "is lost", "doubled": "times", "different": "should hold"}
TABLES = (
    *("document", "change", "operation", "attempt", "request", "link", "failure", "journal", "outbox"),
    *("pull", "pulled", "receipt", "scoro_write", "mail", "dead_letter"),
)
OUT_OF_DOUBT = """SELECT count(*) AS n, CASE
        WHEN to_state = 'ready' THEN 'absent' WHEN detail LIKE 'found in Intacct%%' THEN 'found'
        ELSE 'late answer' END AS how
    FROM journal WHERE subject = 'operation' AND from_state = 'uncertain' AND to_state <> 'uncertain' GROUP BY how"""
UNRESOLVED = """SELECT id, natural_key, state::text, reason FROM operation
    WHERE state NOT IN ('posted', 'superseded') ORDER BY created_at"""
UNRESOLVED_WRITES = """SELECT w.id, d.kind || ' ' || d.number AS number, w.state::text, w.reason
    FROM scoro_write w JOIN document d ON d.id = w.document_id WHERE w.state NOT IN ('done', 'superseded')"""
WRITES = """SELECT count(*) AS writes, count(*) FILTER (WHERE doubted) AS writes_doubted,
    count(*) FILTER (WHERE doubted AND state IN ('done', 'superseded')) AS writes_resolved FROM scoro_write"""
MAILS_OUT = "SELECT FROM mail WHERE state IN ('waiting', 'sending')"


def _is_quiet(world: World) -> bool:
    try:
        return world.is_quiet() and not world.rows(MAILS_OUT)
    except (psycopg.OperationalError, PoolTimeout):
        return False


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/scoro.txt", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
