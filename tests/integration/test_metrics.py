import re
import socket
from collections.abc import Iterator

import pytest
import requests
from pydantic import SecretStr

from tests.documents import ROOT
from tests.worlds.waiting import until
from tests.worlds.world import World


@pytest.fixture
def address(rabbit_world: World) -> Iterator[str]:
    with rabbit_world.running() as hook:
        yield hook.split("/hooks/")[0] + "/metrics"


def read(address: str, **more: object) -> dict[str, float]:
    """Every sample by its name with labels."""
    text = requests.get(address, timeout=30, **more).text  # type: ignore[arg-type]
    return {name: float(value) for name, value in re.findall(r"^(scoro_intacct_\S+?(?:\{.*?\})?) (\S+)$", text, re.M)}


def names(samples: dict[str, float]) -> set[str]:
    return {sample.partition("{")[0] for sample in samples}


def test_metrics_tell_what_the_ledger_holds(rabbit_world: World, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.metrics.FRESH_S", 0.0)
    customer = rabbit_world.scoro.customer()
    for number in (1, 2, 3):
        rabbit_world.scoro.invoice(f"INV-{number}", customer)
    rabbit_world.scoro.invoice("INV-4", customer, currency="XXX")
    rabbit_world.settle()
    until(lambda: read(address)['scoro_intacct_documents{state="posted"}'] == 3, "three are posted")
    found = read(address)
    assert found['scoro_intacct_documents{state="failed"}'] == 1
    assert found['scoro_intacct_failures{class="data"}'] == 1
    assert found['scoro_intacct_failing_documents{class="data"}'] == 1
    name = rabbit_world.connection.name
    assert found[f'scoro_intacct_backlog{{connection="{name}",stage="captured"}}'] == 0
    assert found['scoro_intacct_oldest_seconds{stage="uncertain"}'] == 0
    assert found['scoro_intacct_quota_used{site="Sandbox"}'] == rabbit_world.requests_used()
    assert found['scoro_intacct_quota_limit{site="Sandbox"}'] == 4000
    total = sum(value for sample, value in found.items() if sample.startswith("scoro_intacct_requests_total"))
    assert total == rabbit_world.requests_received()
    assert found["scoro_intacct_delivery_lag_seconds_count"] >= 3
    assert found[f'scoro_intacct_connection_state{{connection="{name}",state="active"}}'] == 1
    assert found["scoro_intacct_ledger_up"] == found["scoro_intacct_broker_up"] == 1
    for queue, state in (("changes", "ready"), ("delivery.DQ", "delayed"), ("dead-letters.XQ", "dead")):
        assert found[f'scoro_intacct_broker_messages{{queue="{queue}",state="{state}"}}'] == 0
    assert found['scoro_intacct_broker_consumers{queue="changes"}'] >= 1


def test_every_metric_that_alerts_and_dashboards_use_exists(address: str) -> None:
    files = [ROOT / "ops" / "prometheus" / "rules.yml", *(ROOT / "ops" / "grafana" / "dashboards").glob("*.json")]
    used = {name for file in files for name in re.findall(r"scoro_intacct_\w+", file.read_text(encoding="utf-8"))}
    known = names(read(address)) | {"scoro_intacct_webhooks_total"}  # which comes with the first webhook
    assert len(used) > 15
    assert used <= known


def test_metrics_outside_loopback_take_the_token_where_one_is_set(
    rabbit_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address, settings = f"http://127.0.0.1:{port}/metrics", rabbit_world.settings
    monkeypatch.setattr("app.metrics_server.is_loopback", lambda host: False)
    rabbit_world.settings = settings.model_copy(update={"metrics_bind": f"127.0.0.1:{port}"})
    with rabbit_world.running(web=False, queues=(), scheduler=False):
        assert "scoro_intacct_ledger_up" in names(read(address))
    rabbit_world.settings = rabbit_world.settings.model_copy(update={"metrics_token": SecretStr("open sesame")})
    with rabbit_world.running(web=False, queues=(), scheduler=False):
        assert requests.get(address, timeout=30).status_code == 401
        assert requests.get(address, timeout=30, headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert "scoro_intacct_ledger_up" in names(read(address, headers={"Authorization": "Bearer open sesame"}))
        assert requests.get(f"http://127.0.0.1:{port}/else", timeout=30).status_code == 404
