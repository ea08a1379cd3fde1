"""Somebody at the console: signs in, follows links, sends forms, over real HTTP without a browser."""

import re
from typing import Any

import requests

from console.actions import people
from db.database import Database
from db.people import Role

PASSWORD = "correct horse battery"


class Somebody:
    """A person with their own cookies."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path: str, **more: Any) -> requests.Response:
        """Open a page."""
        return self.session.get(self.base_url + path, timeout=30, **more)

    def post(
        self, path: str, form: dict[str, Any] | None = None, *, page: str = "/account", **more: Any
    ) -> requests.Response:
        """Send a form as `page` gives it, with its hidden fields."""
        hidden = hidden_fields(self.get(page).text)
        return self.session.post(self.base_url + path, data={**hidden, **(form or {})}, timeout=30, **more)

    def sign_in(self, name: str, password: str = PASSWORD) -> requests.Response:
        """Sign in by the form."""
        return self.post("/login", {"name": name, "password": password}, page="/login")


def hidden_fields(html: str) -> dict[str, str]:
    """The hidden fields of a page's forms."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))


def person(db: Database, name: str, role: Role, password: str = PASSWORD) -> None:
    """Make an account that can sign in."""
    token = people.invite(db, name, role, actor="cli:test")
    people.accept(db, token, name, password, address="test")
