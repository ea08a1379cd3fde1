"""Standing still at each line of the product's code, and letting something else happen there."""

import sys
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from tests.interleavings.actors import PATIENCE_S, Actor, stand
from tests.interleavings.stage import Stage
from tests.worlds.waiting import until


def line_by_line(work: Callable[[], None], modules: Collection[ModuleType]) -> Callable[[], None]:
    """The same work, standing still before each line of these modules."""
    files = {module.__file__: Path(module.__file__ or "").stem for module in modules}

    def at_line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            stand(f"{files[frame.f_code.co_filename]}:{frame.f_lineno}")
        return at_line

    def traced() -> None:
        sys.settrace(lambda frame, _, __: at_line if frame.f_code.co_filename in files else None)
        try:
            work()
        finally:
            sys.settrace(None)

    return traced


def meanwhile(stage: Stage, actor: Actor, event: Callable[[], None]) -> None:
    """Let something happen while an actor stands still, and the actor go on to its end.

    Where the event must wait for what the actor holds, the actor goes on first.
    """
    faults: list[BaseException] = []

    def happen() -> None:
        try:
            event()
        except BaseException as fault:  # noqa: BLE001 (raised again below, in the caller's thread)
            faults.append(fault)

    thread = threading.Thread(target=happen, daemon=True)
    thread.start()
    until(lambda: not thread.is_alive() or stage.is_blocked(), "it happened, or waits", pause_s=0.001)
    actor.finish()
    thread.join(PATIENCE_S)
    assert not thread.is_alive(), "it still waits, though the actor has ended"
    if faults:
        raise faults[0]
