"""Secrets are masked wherever they turn up: by their place in a text, and by their value in every form."""

import base64
import json
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest

from clients.intacct.login import Login, Sender
from clients.intacct.render import envelope
from schemas.intacct.functions import Function
from schemas.redaction import MASK, Redactor, forms, redact, shortened, stored_xml

SECRET = 'pä55 "w0rd" & <more>/+=%'
"""A secret that every encoding changes."""


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"user:{SECRET}".encode()).decode(),
        base64.b64encode(f"\0user\0{SECRET}".encode()).decode(),
        base64.b64encode(f"ab{SECRET}yz".encode()).decode(),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        escape(SECRET),
        escape(SECRET, {'"': "&quot;"}),
        json.dumps({"key": SECRET}),
        json.dumps({"key": SECRET}, ensure_ascii=False),
        repr({"key": SECRET}),
        repr(SECRET.encode()),
    ],
)
def test_a_known_secret_is_masked_in_every_form(shown: str) -> None:
    redactor = Redactor()
    redactor.remember(SECRET)
    masked = redactor.redact(f"before {shown} after")
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert MASK in masked
    # of longer base64 what stands beside the secret is left, and the characters that it shares bits with
    assert len(masked) <= len("before  after") + 20


def test_what_is_too_short_to_be_told_from_other_words_is_not_looked_for() -> None:
    redactor = Redactor()
    redactor.remember("a", "")
    assert redactor.redact("a cat") == "a cat"
    assert set(forms([])) == set()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("<password>abc</password>", "<password>***</password>"),
        ("<Password type='x'>abc\n</Password> <a/>", "<Password type='x'>***</Password> <a/>"),
        ("<sessionid>abc", "<sessionid>***</sessionid>"),
        ("&lt;password&gt;abc&lt;/password&gt; b", "&lt;password&gt;***&lt;/password&gt; b"),
        ('{"apiKey": "a\\"bc", "page": 1}', '{"apiKey": "***", "page": 1}'),
        ("{'user_token': 'abc'}", "{'user_token': '***'}"),
        ("https://user:abc@host/x", "https://user:***@host/x"),
        ("amqp://guest:abc@host:5672/%2F?heartbeat=1", "amqp://guest:***@host:5672/%2F?heartbeat=1"),
        ("Authorization: Basic YWJj next", "Authorization: Basic *** next"),
        ("?api_key=abc&page=2", "?api_key=***&page=2"),
        ("host=x password=abc dbname=y", "host=x password=*** dbname=y"),
    ],
)
def test_what_stands_in_the_place_of_a_secret_is_masked_whatever_it_is(text: str, masked: str) -> None:
    assert redact(text) == masked


@pytest.mark.parametrize(
    "text",
    ["Choose a password in Intacct.", "Invoice INV-1 https://acme.scoro.com/invoices/1 a@b.example", "<passwordless/>"],
)
def test_other_words_stay(text: str) -> None:
    assert redact(text) == text


def test_a_whole_request_is_kept_without_its_secrets_and_with_its_files_shortened() -> None:
    data = base64.b64encode(b"y" * 3000).decode()
    attachment = {"attachmentname": "a", "attachmenttype": "pdf", "attachmentdata": data}
    supdoc = Function(name="create_supdoc", body={"supdocid": "A", "attachments": {"attachment": attachment}})
    sender, login = Sender("sender", "sender-secret&"), Login("acme", "user", "pa55<word", "UK")
    shown = stored_xml(envelope(sender, login, [("c", supdoc)], unique=True, controlid="x").decode())
    assert shown.count("<password>***</password>") == 2
    assert "(4000 characters)" in shown
    assert len(shown) < 1500
    assert redact("they sent pa55<word and sender-secret&amp;") == "they sent *** and ***"


def test_a_long_text_is_cut_and_says_so() -> None:
    assert shortened("x" * 10, 4) == "xxxx… (10 characters)"
    assert shortened("xxxx", 4) == "xxxx"
