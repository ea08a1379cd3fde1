"""The worlds that these tests live in."""

from tests.worlds.fixtures import (
    _workers_stop_fast,
    both,
    embedded_world,
    joined_once,
    rabbit_world,
    shared_stand_ins,
    world,
)

__all__ = [
    "_workers_stop_fast",
    "both",
    "embedded_world",
    "joined_once",
    "rabbit_world",
    "shared_stand_ins",
    "world",
]
