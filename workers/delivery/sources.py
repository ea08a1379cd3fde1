"""Who rides along in write requests (`workers.delivery.riders`), in the order in which they are asked."""

from workers.delivery import applying, hand_edits, lines, older, read_backs
from workers.delivery.riders import Source
from workers.pull import ride

SOURCES: tuple[Source, ...] = (
    hand_edits.source,
    read_backs.source,
    applying.source,
    older.source,
    ride.source,
    lines.source,
)
"""What no longer fits stays behind."""
