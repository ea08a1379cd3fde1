"""`python -m tests.crash.chaos`: the long form; exits 1 when anything is lost, doubled, different or stuck."""

import argparse
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from app import logs
from tests.crash.chaos import conductor, faults
from tests.crash.chaos.conductor import conduct
from tests.crash.chaos.faults import kinds
from tests.crash.chaos.services import services
from tests.worlds.stand_ins import stand_ins


def main() -> int:
    """Run it and print what came of it."""
    options = argparse.ArgumentParser(prog="make crash", description="Strike faults and judge what is left.")
    options.add_argument("--faults", type=int, default=1_000, help="how many (1000)")
    options.add_argument("--seed", type=int, default=None, help="repeats the plan of an earlier run")
    options.add_argument("--only", default="", help="only kinds of faults with this in their names")
    options.add_argument("--patience", type=float, default=1.0, help="wait so many times as long: a busy machine (1)")
    options.add_argument("--keep", action="store_true", help="keep the logs of a run that found nothing, too")
    given = options.parse_args()
    if not any(given.only in kind.name for kind in kinds()):
        options.error(f"no kind of fault has {given.only!r} in its name")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also in the background, where it is ignored
    faults.STRIKE_S *= given.patience
    faults.TERM_BOUND_S *= given.patience
    conductor.QUIET_S *= given.patience
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    folder = Path(tempfile.mkdtemp(prefix="scoro-intacct-crash-"))
    folder.chmod(0o711)  # the unprivileged database server passes through
    logs.configure("console", "ERROR")
    say(f"{given.faults} faults, seed {seed}; logs in {folder}")
    with services(folder) as running, stand_ins() as both:
        report = conduct(running, both, folder / "logs", seed=seed, faults=given.faults, say=say, only=given.only)
    say(f"\n{report.table()}\n\n{report.summary()}")
    for finding in report.findings:
        say(f"FOUND {finding.verdict}: {finding.what}\n  seed {seed}, chapter {finding.chapter}: {finding.faults}")
    if report.findings or given.keep:
        say(f"Logs and evidence: {folder / 'logs'}")
        return 1 if report.findings else 0
    shutil.rmtree(folder)
    return 0


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
