"""Tests that kill processes."""

from workers.steps import STEPS

OUTBOUND = tuple(step for step in STEPS if step.startswith(("intake.", "delivery.", "look_up.", "dead_letter.")))
"""The steps that an invoice on its way to Intacct passes."""
