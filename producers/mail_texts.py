"""What the mails about failures say: as text and as HTML, from the ledger; no secret, no payload."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from db import mails, reports
from db.database import Ledger
from db.mails import Mail, Text
from schemas.money import told
from schemas.redaction import redact
from schemas.words import count

MAX_SUBJECT = 140
MAX_LISTED = 25
"""Failures that a digest tells in full."""

_WHITE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


_TEMPLATES = Environment(
    loader=PackageLoader("producers", "mails"),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)
_TEMPLATES.filters |= {"money": told, "instant": _instant}


def of_mail(ledger: Ledger, mail: Mail, public_url: str | None) -> Text:
    """What a mail says now."""
    if mail.failure_id is None:
        return of_digest(ledger, mail.recipient, public_url)
    return of_failure(ledger, mail.failure_id, mail.event, public_url)


def of_failure(ledger: Ledger, failure_id: int, event: str, public_url: str | None) -> Text:
    """What is told of one failure."""
    found = reports.failures(ledger, failure_id=failure_id)[0]
    solved = "Solved: " if event == "cleared" else ""
    held = f" ({found['count']:,} documents)" if found["count"] > 1 else ""  # the cause names one of them
    connection = f"{found['connection']}{held}: " if found["connection"] else ""
    facts = {"event": event, "f": found, **_where(failure_id, public_url)}
    return _text(f"{connection}{solved}{found['cause']}", "failure", facts)


def of_digest(ledger: Ledger, recipient: str | None, public_url: str | None) -> Text:
    """What is told of everything that is still open and that this recipient is told of; without one, of all of it."""
    ids = None if recipient is None else mails.open_for(ledger, recipient)
    found = [row for row in reports.failures(ledger, states=("open", "waiting")) if ids is None or row["id"] in ids]
    documents = sum(row["count"] for row in found)
    total = f"{count(len(found), 'failure')}, {count(documents, 'document')}"
    listed = [row | _where(row["id"], public_url) for row in found[:MAX_LISTED]]
    facts = {"failures": listed, "more": len(found) - len(listed), "total": total}
    return _text(f"Still open: {total}", "digest", facts)


def _where(failure_id: int, public_url: str | None) -> dict[str, str]:
    link = f"{public_url}/failures/{failure_id}" if public_url else ""
    return {"link": link, "where": link or f"See: scoro-intacct failures show {failure_id}"}


def _text(subject: str, template: str, facts: Mapping[str, Any]) -> Text:
    line = _WHITE.sub(" ", redact(subject)).strip()
    if len(line) > MAX_SUBJECT:
        line = f"{line[: MAX_SUBJECT - 1].rstrip()}…"
    plain, html = (_TEMPLATES.get_template(f"{template}.{kind}").render(facts) for kind in ("txt", "html"))
    return Text(line, redact(plain), redact(html))


def message_id(installation: str, mail: Mail, mail_from: str) -> str:
    """The Message-ID of a mail: equal for equal (incident, event, recipient), and like no other in the world."""
    subject = mail.failure_id if mail.failure_id is not None else mail.day
    identity = "\x1f".join([installation, str(subject), str(mail.incident), mail.event, mail.recipient])
    domain = parseaddr(mail_from)[1].rpartition("@")[2] or "scoro-intacct"
    return f"<{hashlib.sha256(identity.encode()).hexdigest()[:40]}@{domain}>"


def message(mail: Mail, text: Text, message_id: str, mail_from: str) -> EmailMessage:
    """The mail as it is handed in. What stands in a header holds no line end: a subject cannot add one."""
    made = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    made["From"] = mail_from
    made["To"] = mail.recipient
    made["Subject"] = text.subject
    made["Date"] = format_datetime(mail.made_at)
    made["Message-ID"] = message_id
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(text.plain)
    made.add_alternative(text.html, subtype="html")
    return made
