"""Crash tests: processes that die, and the steps at which they do."""

from workers.steps import STEPS

INBOUND = tuple(step for step in STEPS if step.startswith(("pull.", "scoro.")))
"""Steps of the way from Intacct to Scoro."""
OUTBOUND = tuple(step for step in STEPS if step.startswith(("intake.", "delivery.", "look_up.", "dead_letter.")))
"""Steps of the way from Scoro to Intacct."""
SCHEDULED = tuple(step for step in STEPS if step.startswith(("mail.", "poison.")))
"""Steps that schedulers pass."""
