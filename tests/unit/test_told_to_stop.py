"""A process hears SIGTERM whichever of its threads the kernel gives it to."""

import signal
import subprocess
import sys
from pathlib import Path

BUSY = """
import signal, threading, time
from app.processes import until_told_to_stop

def work():
    while True:
        time.sleep(0.001)

def tell():
    while signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        time.sleep(0.01)
    time.sleep(0.1)
    print("ready", flush=True)

for target in [tell, *[work] * 30]:
    threading.Thread(target=target, daemon=True).start()
until_told_to_stop()
"""


def test_stopped_processes_that_go_on_hear_the_sigterm_that_came_meanwhile() -> None:
    # the main thread waits and others run: one of those takes the signal, while Python's handler needs the main one
    command = [sys.executable, "-c", BUSY]
    folder = Path(__file__).parents[2]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder) for _ in range(5)]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGCONT):
                process.send_signal(number)
        assert [process.wait(timeout=20) for process in processes] == [0] * 5
    finally:
        for process in processes:
            process.kill()
            process.communicate()
