"""Texts of a document in Intacct: memos of lines with the sub-headings above them, and cutting to length."""

from collections.abc import Sequence

from schemas.scoro import Document, DocumentLine

MAX_TEXT_CHARACTERS = 1000
"""Longer memos and descriptions are cut; the end shows that they were."""
MAX_NAME_CHARACTERS = 100
ELLIPSIS = "…"


def one_line(text: str) -> str:
    """Return the text on one line, single blanks between words."""
    return " ".join(text.split())


def cut(text: str, length: int) -> str:
    """Return the text, cut with an ellipsis where it is longer than `length` characters."""
    return text if len(text) <= length else text[: length - 1].rstrip() + ELLIPSIS


def memos(document: Document, template: str) -> list[tuple[DocumentLine, str]]:
    """Return the positions of a document with their memos, uncut.

    A sub-heading is no position: its text opens the memos below it, up to the next one, and closes the last memo
    where nothing follows. Headings that follow one another count as one.
    """
    placed: list[tuple[DocumentLine, str]] = []
    headings: list[str] = []
    used = False  # whether a position stands below the newest headings
    for line in document.lines:
        if line.is_heading:
            headings = [] if used else headings
            used = False
            headings += [text] if (text := one_line(line.comment)) else []
        else:
            placed.append((line, _joined(headings, _memo(document, line, template))))
            used = True
    if headings and placed and not used:
        line, memo = placed[-1]
        placed[-1] = (line, " / ".join([memo, *headings] if memo else headings))
    return placed


def _joined(headings: Sequence[str], memo: str) -> str:
    heading = " / ".join(headings)
    return f"{heading}: {memo}" if heading and memo else heading or memo


def _memo(document: Document, line: DocumentLine, template: str) -> str:
    project = line.project_name or document.project_name
    return one_line(
        template.format(number=document.no, project=project, product=line.product_name, comment=line.comment)
    )
