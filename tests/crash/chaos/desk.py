"""A person who never rests: makes invoices, edits old ones, and now and then makes one that cannot be posted."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.crash.test_killed_workers import Desk
from tests.worlds.world import World

LATELY = 12
"""Edits go to this many of the newest invoices."""


class BusyDesk:
    """Types from a thread of its own while it is told to; `seed` makes what it does."""

    def __init__(self, world: World, seed: str, actions_per_s: float) -> None:
        self.broken: list[int] = []
        self.actions = 0
        self._desk = Desk(world)
        self._dice = random.Random(seed)
        self._pause_s = 1 / actions_per_s
        self._lock = threading.Lock()
        self._resting = threading.Event()

    def act(self) -> None:
        """Do one thing."""
        with self._lock:
            self.actions += 1
            if len(self._desk.invoices) < 3 or self._dice.random() < 0.2:
                self._desk.make()
            else:
                self._desk.edit(self._dice.choice(self._desk.invoices[-LATELY:]))

    def break_one(self) -> None:
        """Make an invoice that cannot be posted."""
        with self._lock:
            self.actions += 1
            self.broken.append(self._desk.make_broken())

    @contextmanager
    def typing(self) -> Iterator[None]:
        """Type until the block ends."""
        self._resting.clear()
        failure: list[BaseException] = []

        def type_on() -> None:
            try:
                while not self._resting.wait(self._dice.uniform(0.5, 1.5) * self._pause_s):
                    self.act()
            except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
                failure.append(error)

        thread = threading.Thread(target=type_on, name="desk", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._resting.set()
            thread.join()
        if failure:
            raise failure[0]
