"""Every step that people, workers, far sides and the scheduler may take, in any order.

Hypothesis chooses the order and shortens what fails. An example ends with every actor either going on, dying or
standing still until all else is done and going on then; after that nothing may be open, and what Intacct holds is what
Scoro said last.
"""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.interleavings.actors import GO, Actor
from tests.interleavings.far_sides import CONTENTS, FAIL, LOSE, THROTTLE
from tests.interleavings.stage import Stage

INVOICES = (1, 1, 2, 3)
MOST_ACTORS = 4
TOLD = {
    "scoro.answering": (GO, GO, FAIL),
    "gateway.connecting": (GO, GO, FAIL),
    "gateway.received": (GO, GO, LOSE, THROTTLE),
    "gateway.ran": (GO, LOSE),
}
"""What may be told to an actor, by where it stands."""
FATES = ("goes on", "dies", "stands still")

invoices = st.sampled_from(INVOICES)
numbers = st.integers(0, 11)
some_steps = st.sampled_from((1, 2, 3, 4, 5, 20, 20, 20))
"""Into the middle of a run, or to its end."""


class Interleavings(RuleBasedStateMachine):
    """One ledger, two customers, three invoices, four workers."""

    stage: Stage
    """Set by the test on a class of its own."""

    @initialize(slots=st.sampled_from((1, 2)), fates=st.lists(st.sampled_from(FATES), min_size=4, max_size=4))
    def begin(self, slots: int, fates: list[str]) -> None:
        """An empty ledger."""
        self.stage.reset(slots)
        self.fates = fates
        self.untold: list[int] = []
        self.begun = True

    # ------------------------------------------------------------------------------------------ people

    @rule(invoice=invoices, content=st.sampled_from(tuple(CONTENTS)), told=st.booleans())
    def edit(self, invoice: int, content: str, told: bool) -> None:
        """A person creates, changes or restores an invoice; Scoro may tell of it later."""
        self.stage.scoro.put(invoice, content)
        self._tell(invoice, told)

    @precondition(lambda self: self.stage.scoro.contents)
    @rule(number=numbers, told=st.booleans())
    def delete(self, number: int, told: bool) -> None:
        """A person deletes an invoice."""
        known = sorted(self.stage.scoro.contents)
        invoice = known[number % len(known)]
        self.stage.scoro.delete(invoice)
        self._tell(invoice, told)

    @precondition(lambda self: self.stage.scoro.contents)
    @rule(number=numbers)
    def send(self, number: int) -> None:
        """A person asks for an invoice to be sent now."""
        known = sorted(self.stage.scoro.contents)
        self.stage.send(known[number % len(known)])

    @precondition(lambda self: self.untold)
    @rule(number=numbers, again=st.booleans())
    def webhook(self, number: int, again: bool) -> None:
        """Scoro tells of what happened a while ago, in any order, perhaps once more later."""
        place = number % len(self.untold)
        self.stage.webhook(self.untold[place] if again else self.untold.pop(place))

    # ------------------------------------------------------------------------------------------ workers

    @precondition(lambda self: len(self.standing()) < MOST_ACTORS)
    @rule(steps=some_steps)
    def start_intake(self, steps: int) -> None:
        """A bell of intake is heard; it goes some steps."""
        self._go_some_steps(self.stage.intake(), steps)

    @precondition(lambda self: len(self.standing()) < MOST_ACTORS)
    @rule(steps=some_steps)
    def start_delivery(self, steps: int) -> None:
        """A bell of delivery is heard; it goes some steps."""
        self._go_some_steps(self.stage.delivery(), steps)

    @precondition(lambda self: self.standing())
    @rule(number=numbers, choice=numbers)
    def go_on(self, number: int, choice: int) -> None:
        """An actor goes on to its next step; what it calls may fail."""
        actor = self._chosen(number)
        told = TOLD.get(actor.at or "", (GO,))
        actor.resume(told[choice % len(told)])

    @precondition(lambda self: self.standing())
    @rule(number=numbers, steps=some_steps)
    def go_on_some_steps(self, number: int, steps: int) -> None:
        """An actor goes on without trouble."""
        self._go_some_steps(self._chosen(number), steps)

    @precondition(lambda self: self.standing())
    @rule(number=numbers)
    def die(self, number: int) -> None:
        """An actor's process is killed."""
        self.stage.kill(self._chosen(number))

    @precondition(lambda self: self.standing())
    @rule(number=numbers)
    def lose_session(self, number: int) -> None:
        """An actor's session is cut; it does not know."""
        self.stage.cut(self._chosen(number))

    # ------------------------------------------------------------------------------------------ beside them

    @precondition(lambda self: self.stage.wire.pending)
    @rule(number=numbers)
    def gateway_runs(self, number: int) -> None:
        """The gateway works on a request, whether or not its sender still listens."""
        pending = self.stage.wire.pending
        self.stage.wire.run(pending[number % len(pending)])

    @rule(seconds=st.sampled_from((0.6, 0.6, 0.6, 31.0, 90.0, 700.0, 1300.0)))
    def pass_time(self, seconds: float) -> None:
        """Time passes; who stands still counts as stopped."""
        self.stage.pass_time(seconds)

    @rule()
    def recover(self) -> None:
        """The scheduler takes over from the dead."""
        self.stage.recover()

    # ------------------------------------------------------------------------------------------ the end

    def teardown(self) -> None:
        """Everything comes to its end: judged."""
        if not getattr(self, "begun", False):
            return
        for invoice in self.untold:
            self.stage.webhook(invoice)
        for actor, fate in zip(self.standing(), self.fates, strict=False):
            if fate == "goes on":
                actor.finish()
            elif fate == "dies":
                self.stage.kill(actor)
        if self.standing():
            self.stage.pass_time(60)
            self.stage.drain()
            for actor in self.standing():
                actor.finish()
        self.stage.drain()
        self.stage.judge()

    # ------------------------------------------------------------------------------------------ inner parts

    def _tell(self, invoice: int, told: bool) -> None:
        if told:
            self.stage.webhook(invoice)
        else:
            self.untold.append(invoice)

    def standing(self) -> list[Actor]:
        """Actors that have not ended."""
        return [actor for actor in self.stage.actors if actor.at is not None]

    def _chosen(self, number: int) -> Actor:
        standing = self.standing()
        return standing[number % len(standing)]

    def _go_some_steps(self, actor: Actor, steps: int) -> None:
        for _ in range(steps):
            if actor.at is not None:
                actor.resume()


def machine_on(stage: Stage) -> Any:
    """The machine as a class that plays on this stage."""
    return type("InterleavingsOnAStage", (Interleavings,), {"stage": stage})
