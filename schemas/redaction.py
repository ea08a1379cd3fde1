"""Secrets out of texts: one place for log lines, tracebacks, stored XML, dead letters, mails and pages.

Two nets, one behind the other. By place: what stands in a password's element, header, parameter or address is masked
whatever it is. By value: every secret that this process has opened is known here (`remember`) and masked wherever it
turns up, also in the forms in which it travels: base64 at any offset, URL-encoded, escaped for XML, JSON and `repr`.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

MASK = "***"

SHORTEST = 4
"""Characters of the shortest secret that is looked for by its value: shorter ones stand in every other word."""

PLAIN_WORDS = frozenset({"password", "passwort", "secret", "token", "guest", "admin", "postgres", "rabbitmq"})
"""What is no secret though it stands where one should: masked by its place, not wherever the word is used."""

_NAMES = r"(?:password|passwd|sessionid|api_?key|user_?token|secret|access_?token|smtp_url|database_url|amqp_url)"
_ELEMENT = re.compile(rf"(<|&lt;)({_NAMES})\b([^<>&]*)(>|&gt;).*?(?:(<|&lt;)/\2\s*(>|&gt;)|\Z)", re.DOTALL | re.I)
_FIELD = re.compile(rf"""(["']{_NAMES}["']\s*[:=]\s*)(["'])(?:\\.|(?!\2).)*\2""", re.I)
_PARAMETER = re.compile(rf"(?<![\w<])({_NAMES}=)[^\s&;'\"<>,)]+", re.I)
_HEADER = re.compile(r"\b(authorization\s*[:=]\s*['\"]?(?:basic|bearer)\s+)[\w.~+/=-]+", re.I)
_ADDRESS = re.compile(r"\b([a-z][a-z0-9+.-]{0,20}://[^\s:/@'\"<>]*:)[^\s/@'\"<>]+(?=@)", re.I)

_ATTACHMENT = re.compile(r"(<attachmentdata\b[^>]*>)([^<]{24})([^<]+)")


class Redactor:
    """Masks secrets in texts; those it is to know by value are told to it. Safe to share between threads."""

    def __init__(self) -> None:
        self._known: frozenset[str] = frozenset()
        self._forms: tuple[str, ...] = ()

    def remember(self, *secrets: str) -> None:
        """Know these secrets by value from now on."""
        new = {secret for secret in secrets if len(secret) >= SHORTEST} - self._known - PLAIN_WORDS
        if new:
            self._known |= new
            # the longest first, so that no form is cut short by another one inside it
            self._forms = tuple(sorted({*self._forms, *forms(new)}, key=lambda form: (-len(form), form)))

    def redact(self, text: str) -> str:
        """The text with every secret masked."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        text = _ELEMENT.sub(_masked_element, text)
        text = _FIELD.sub(rf"\1\2{MASK}\2", text)
        text = _PARAMETER.sub(rf"\1{MASK}", text)
        text = _HEADER.sub(rf"\1{MASK}", text)
        return _ADDRESS.sub(rf"\1{MASK}", text)


def forms(secrets: Iterable[str]) -> Iterator[str]:
    """Every form in which secrets travel."""
    for secret in secrets:
        encoded = quote(secret, safe="")
        yield from (secret, encoded, quote(secret), quote_plus(secret), encoded.replace("%", "%25"))
        yield from (_lower_hex(encoded), _lower_hex(quote_plus(secret)))
        yield from (
            html.escape(secret),
            escape(secret),
            escape(secret, {'"': "&quot;"}),
            html.escape(secret, quote=False),
        )
        yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1])
        yield from (repr(secret.encode())[2:-1], repr(repr(secret)[1:-1])[1:-1])
        yield from _base64(secret.encode())


def _lower_hex(encoded: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), encoded)


def _base64(secret: bytes) -> Iterator[str]:
    """The secret in base64, alone and as the middle of something longer, wherever it begins there."""
    for text in (base64.b64encode(secret).decode(), base64.urlsafe_b64encode(secret).decode()):
        yield from (text, text.rstrip("="), quote(text, safe=""))
    for before in range(3):
        padded = base64.b64encode(b"\0" * before + secret).decode().rstrip("=")
        # characters that share bits with what stands before or behind are not the secret's alone
        first = (0, 2, 3)[before]
        whole = (before + len(secret)) * 8 // 6
        middle = padded[first:whole]
        if len(middle) >= SHORTEST:
            yield from (middle, middle.replace("+", "-").replace("/", "_"))


def _masked_element(found: re.Match[str]) -> str:
    opening, name, attributes, end = found[1], found[2], found[3], found[4]
    return f"{opening}{name}{attributes}{end}{MASK}{opening}/{name}{end}"


_REDACTOR = Redactor()
"""The one of this process: what one part opens no other part may show."""

remember = _REDACTOR.remember
redact = _REDACTOR.redact


def stored_xml(xml: str) -> str:
    """A request or answer as it is kept for people: redacted, files shortened; cut-off XML too."""
    return _ATTACHMENT.sub(lambda found: f"{found[1]}{found[2]}… ({len(found[2] + found[3])} characters)", redact(xml))


def shortened(text: str, at_most: int) -> str:
    """A text of at most so many characters; what is left out is counted."""
    return text if len(text) <= at_most else f"{text[:at_most]}… ({len(text)} characters)"
