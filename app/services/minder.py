"""Runs commands that must not outlive us: `python -m app.services.minder '[["epmd"], ["rabbitmq-server"]]'`.

Starts them in order and waits on standard input. At its end, which is also what the death of our parent looks
like, the last command is asked to stop and the rest is killed; the line `kill` kills all of them at once. Ends when
all are gone, or ends all when one of them ends. If the minder itself is killed, the kernel kills them.
"""

import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress

from app.services.children import dies_with_parent

STOP_TIMEOUT_S = 20.0
STEP_S = 0.1


def main(commands: list[list[str]]) -> int:
    """Run the commands; return the exit code of the last."""
    children = [
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=dies_with_parent(signal.SIGKILL),  # noqa: PLW1509 - this process has one thread
        )
        for command in commands
    ]
    try:
        if not _told_to_kill(children):
            children[-1].terminate()
            with suppress(subprocess.TimeoutExpired):
                children[-1].wait(STOP_TIMEOUT_S)
    finally:
        for child in reversed(children):
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    return children[-1].returncode


def _told_to_kill(children: list[subprocess.Popen[bytes]]) -> bool:
    """Wait for the end of standard input, the word `kill`, or the end of a child."""
    while all(child.poll() is None for child in children):
        readable, _, _ = select.select([sys.stdin], [], [], STEP_S)
        if readable:
            return sys.stdin.readline().strip() == "kill"
    return False


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(main(json.loads(sys.argv[1])))
