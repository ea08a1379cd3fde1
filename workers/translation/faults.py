"""How a translation says no: one constructor, so that every refusal names document, field and fix."""

from schemas.errors import DocumentError, ErrorClass, Problem


def refused(code: str, cause: str, fix: str, *, field: str, culprit: tuple[str, ...] = ()) -> DocumentError:
    """Return the error for a document whose data or settings a person must change.

    `cause` names the document; `culprit` are the values at fault without it, so that equal causes meet.
    """
    return DocumentError(Problem(ErrorClass.DATA, code, cause, fix, field, culprit))


def setting_command(key: str, value: str) -> str:
    """Return the command that changes a setting of the connection."""
    return f"scoro-intacct connection set C {key}={value}"
