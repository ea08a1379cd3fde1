"""Processes forked from a server that has imported the product already, so that each starts in a moment."""

import contextlib
import functools
import multiprocessing
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PRELOADED = ["tests.crash.doomed", "tests.crash.chaos.launcher", "app.web"]

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(PRELOADED)


@functools.cache
def _start_server() -> None:
    """Start the server where it finds what it is to import: it looks in its own folder, whatever `sys.path` says here.

    What it does not find it passes over, and every process would import the product for itself, for seconds.
    """
    with contextlib.chdir(ROOT):
        forkserver.ensure_running()


def forked(target: Callable[..., None], *args: Any, **more: Any) -> BaseProcess:
    """A process that is to call `target`; not started yet."""
    _start_server()
    return _CONTEXT.Process(target=target, args=args, kwargs=more, daemon=True)
