"""The demo: the whole product against the sandbox, with a report that is checked against the sandbox's own books.

The stand-ins keep their state in DATA_DIR, so that a second run finds the books of the first: it reads everything
again, writes nothing, and then follows a few edits.
"""

from app.demo.run import run

__all__ = ["run"]
