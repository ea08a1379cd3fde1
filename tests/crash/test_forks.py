"""Processes that die in tests are forked with the product imported, so that they cost a moment each."""

import os
import sys

from tests.crash.forks import forked


def tell() -> None:
    os._exit(0 if {"app.processes", "tests.crash.doomed"} <= sys.modules.keys() else 1)


def test_a_process_has_imported_the_product_before_it_starts() -> None:
    process = forked(tell)
    process.start()
    process.join()
    assert process.exitcode == 0
