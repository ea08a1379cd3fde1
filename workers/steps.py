"""The named steps of intake and delivery, between which a process may die.

`reach` does nothing in the product. Crash tests set `on_step` to kill or stop the process at a step by its name.
"""

from collections.abc import Callable

STEPS = (
    "intake.taken",  # waiting -> reading is committed, Scoro is not read yet
    "intake.read",  # Scoro answered, nothing of it is committed
    "intake.committed",  # revisions and operations stand
    "delivery.intent",  # charge and intent are committed, the fence is not passed
    "delivery.leaving",  # the fence is passed, no byte has left
    "delivery.answered",  # the answer is read, nothing of it is committed
    "delivery.settled",  # the answer is committed
    "look_up.answered",  # a look-up was answered, nothing of it is committed
    "pull.answered",  # a pull was answered, nothing of it is kept
    "pull.seen",  # what was seen is kept, the look is not complete
    "pull.done",  # the look is complete, its mark has moved
    "scoro.taken",  # the lanes of some writes to Scoro are locked
    "scoro.prepared",  # what they need was read, nothing is intended yet
    "scoro.leaving",  # an intent is committed, no byte has left for Scoro
    "scoro.answered",  # Scoro's answer is read, nothing of it is committed
    "scoro.looked_up",  # a look-up in Scoro was answered, nothing of it is committed
    "scoro.settled",  # the answer is committed
    "dead_letter.taken",  # the bell of a dead letter was heard
    "dead_letter.joined",  # its failure is committed
    "mail.written",  # what a mail says is committed, it is not handed in
    "mail.sent",  # the mail server has taken it, which is not committed
    "poison.taken",  # a message that was given up is in hand, nothing of it is committed
    "poison.committed",  # its dead letter stands, the broker does not know
)

on_step: Callable[[str], None] | None = None


def reach(step: str) -> None:
    """Pass a named step."""
    if on_step is not None:
        on_step(step)
