import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import service_missing
from tests.documents import ROOT

RULES = ROOT / "ops" / "prometheus"
INSTALL = "apt-get install -y --no-install-recommends prometheus"


def promtool() -> str:
    """Debian's promtool; as root where CI wants it, installed on the spot."""
    if found := shutil.which("promtool"):
        return found
    if os.environ.get("CI") and os.geteuid() == 0:
        print(f"No promtool found, installing it: {INSTALL}")
        for command in ("apt-get update", INSTALL):
            subprocess.run(command.split(), check=False, capture_output=True)
        if found := shutil.which("promtool"):
            return found
    return service_missing(f"there is no promtool: as root, type {INSTALL}")


@pytest.mark.parametrize("words", [("check", "rules", "rules.yml"), ("test", "rules", "rules_test.yml")])
def test_the_alert_rules_are_sound_and_fire_on_what_they_are_for(words: tuple[str, ...]) -> None:
    done = subprocess.run([promtool(), *words], cwd=RULES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_of_prometheus_is_sound() -> None:
    words = [promtool(), "check", "config", "--syntax-only", "prometheus.yml"]
    done = subprocess.run(words, cwd=RULES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_runbook_that_is_about_it() -> None:
    text = (RULES / "rules.yml").read_text(encoding="utf-8")
    alerts = re.findall(r"- alert: (\w+)$.*?runbook: (\S+)$", text, re.M | re.S)
    assert len(alerts) == text.count("- alert:")
    for alert, page in alerts:
        runbook = (ROOT / page).read_text(encoding="utf-8")
        assert runbook.startswith(f"# {alert}\n")
        assert "## What to do" in runbook
    listed = (ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8")
    assert {Path(page).name for _, page in alerts} == set(re.findall(r"\]\(runbooks/([\w-]+\.md)\)", listed))


def test_dashboards_are_whole_and_ask_the_provisioned_source() -> None:
    for file in (ROOT / "ops" / "grafana" / "dashboards").glob("*.json"):
        board = json.loads(file.read_text(encoding="utf-8"))
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
        for panel in board["panels"]:
            assert panel["datasource"]["uid"] == "prometheus"
            assert all(target["expr"] for target in panel["targets"])
