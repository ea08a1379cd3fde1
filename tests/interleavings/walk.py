"""Long walks through the machine's steps, by a seed: what hypothesis keeps short these play to their full length.

A walk prefers what makes trouble: edits of one invoice, half-way runs beside whole ones, answers that are lost.
"""

import random
from collections.abc import Callable

from tests.interleavings.far_sides import CONTENTS
from tests.interleavings.machine import FATES, INVOICES, MOST_ACTORS, Interleavings, machine_on
from tests.interleavings.stage import Stage

STEPS = 60
WEIGHTS = {
    "edit": 20,
    "delete": 1,
    "send": 2,
    "webhook": 3,
    "start_intake": 16,
    "start_delivery": 16,
    "go_on": 16,
    "go_on_some_steps": 12,
    "die": 2,
    "lose_session": 2,
    "gateway_runs": 3,
    "pass_time": 6,
    "recover": 4,
}
TIMES_S = (0.6,) * 12 + (31.0, 90.0, 700.0, 1300.0)


def walk(stage: Stage, seed: int) -> None:
    """Play one walk and judge what it comes to; a fault names the seed and the steps taken."""
    dice = random.Random(seed)
    machine: Interleavings = machine_on(stage)()
    machine.begin(slots=dice.choice((1, 2)), fates=[dice.choice(FATES) for _ in range(MOST_ACTORS)])
    taken: list[str] = []
    try:
        for _ in range(STEPS):
            taken.append(_step(machine, dice))
        machine.teardown()
    except Exception as fault:
        fault.add_note(f"Walk {seed}: {', '.join(taken)}")
        raise


def _step(machine: Interleavings, dice: random.Random) -> str:
    stage, number = machine.stage, dice.randrange(12)
    standing = machine.standing()
    possible = {
        "delete": bool(stage.scoro.contents),
        "send": bool(stage.scoro.contents),
        "webhook": bool(machine.untold),
        "gateway_runs": bool(stage.wire.pending),
        **dict.fromkeys(("start_intake", "start_delivery"), len(standing) < MOST_ACTORS),
        **dict.fromkeys(("go_on", "go_on_some_steps", "die", "lose_session"), bool(standing)),
    }
    names = [name for name in WEIGHTS if possible.get(name, True)]
    chosen = dice.choices(names, [WEIGHTS[name] for name in names])[0]
    steps = dice.choice((1, 2, 3, 4, 5, 20, 20))
    doings: dict[str, Callable[[], None]] = {
        "edit": lambda: machine.edit(
            invoice=dice.choice(INVOICES), content=dice.choice(tuple(CONTENTS)), told=dice.random() < 0.8
        ),
        "delete": lambda: machine.delete(number=number, told=True),
        "send": lambda: machine.send(number=number),
        "webhook": lambda: machine.webhook(number=number, again=dice.random() < 0.3),
        "start_intake": lambda: machine.start_intake(steps=steps),
        "start_delivery": lambda: machine.start_delivery(steps=steps),
        "go_on": lambda: machine.go_on(number=number, choice=dice.randrange(12)),
        "go_on_some_steps": lambda: machine.go_on_some_steps(number=number, steps=steps),
        "die": lambda: machine.die(number=number),
        "lose_session": lambda: machine.lose_session(number=number),
        "gateway_runs": lambda: machine.gateway_runs(number=number),
        "pass_time": lambda: machine.pass_time(seconds=dice.choice(TIMES_S)),
        "recover": machine.recover,
    }
    doings[chosen]()
    return chosen
