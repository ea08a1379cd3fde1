"""A client of the Scoro stand-in for its tests: thin enough to send wrong requests too."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from sandbox import fixtures
from sandbox.scoro import create_app
from sandbox.serve import running

KEYED = {"apiKey": fixtures.SCORO_API_KEY, "company_account_id": fixtures.SCORO_ENTITY, "lang": "eng"}


class Client:
    """Talks to the API and to the control surface of one stand-in."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.session = requests.Session()
        self.session.trust_env = False

    def raw(self, path: str, body: dict[str, Any], **options: Any) -> requests.Response:
        return self.session.post(f"{self.base_url}/api/v2/{path}", json=body, timeout=30, **options)

    def call(self, path: str, request: Any = None, **top: Any) -> requests.Response:
        return self.raw(path, KEYED | top | ({} if request is None else {"request": request}))

    def data(self, path: str, request: Any = None, **top: Any) -> Any:
        response = self.call(path, request, **top)
        assert response.status_code == 200, response.text
        assert response.json()["status"] == "OK", response.text
        return response.json()["data"]

    def save(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        saved: dict[str, Any] = self.data(path, request, return_data=1)
        return saved

    def invoice(self, **fields: Any) -> dict[str, Any]:
        if "company_id" not in fields:
            fields["company_id"] = self.save("contacts/modify", {"name": "Acme Ltd"})["contact_id"]
        return self.save("invoices/modify", fields)

    def control(self, path: str, body: Any = None, method: str | None = None) -> Any:
        method = method or ("GET" if body is None else "POST")
        response = self.session.request(method, f"{self.base_url}/_sandbox/{path}", json=body, timeout=120)
        assert response.status_code == 200, response.text
        return response.json()

    def set(self, **settings: Any) -> None:
        self.control("settings", settings)


@contextmanager
def stand_in(data_dir: Path | None = None) -> Iterator[Client]:
    with running(create_app(data_dir)) as base_url:
        client = Client(base_url)
        client.set(window_limit=1_000_000)
        with client.session:
            yield client


def wait_for(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.005)


def line(price: str = "10", amount: str = "1", **fields: Any) -> dict[str, Any]:
    return {"price": price, "amount": amount, "vat_code_id": 1, "finance_account_id": 1, "product_id": 1} | fields
