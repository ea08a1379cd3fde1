import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from app.cli.root import root
from app.settings import Settings
from schemas.errors import ErrorClass
from schemas.settings import ConnectionSettings, describe
from tests.documents import ROOT, pages, section, table, tracked_files, words_in_code
from workers.delivery.look_up import LOOK_UPS
from workers.delivery.policy import RETRIES, Then
from workers.delivery.settle import BISECT_BUDGET
from workers.steps import STEPS

DELIVERY = ROOT / "docs" / "delivery.md"
ENVIRONMENT = ROOT / ".env.example"
PROGRAM = "scoro-intacct"

PAGES = [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages()]


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, fragment = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), target
        headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.M) if fragment else []
        assert not fragment or fragment in map(anchor, headings), target


def test_every_page_in_docs_is_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in pages() if page.parent.name == "docs" and f"(docs/{page.name})" not in readme] == []


# ------------------------------------------------------------------------------------------------- the environment


def variables() -> dict[str, str]:
    found = re.findall(r"^#?([A-Z_]+)=(.*)$", ENVIRONMENT.read_text(encoding="utf-8"), re.M)
    assert len(found) == len(dict(found)), "a variable stands there twice"
    return dict(found)


def test_the_example_environment_names_every_variable_and_no_other() -> None:
    assert variables().keys() == {name.upper() for name in Settings.model_fields}


def test_the_example_environment_shows_the_defaults() -> None:
    defaults = {name.upper(): info.default for name, info in Settings.model_fields.items()}
    shown = {name: str(defaults[name]) for name in variables() if isinstance(defaults[name], str | int | bool)}
    assert {name: value for name, value in variables().items() if name in shown} == {
        name: value.lower() if value in {"True", "False"} else value for name, value in shown.items()
    }


def test_the_example_environment_is_accepted_as_a_file(tmp_path: Path) -> None:
    text = re.sub(r"^#([A-Z_]+=)", r"\1", ENVIRONMENT.read_text(encoding="utf-8"), flags=re.M)
    assert "\nDATABASE_URL=" in text
    key = "SECRET_KEYS=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    file = tmp_path / "environment"
    file.write_text(text.replace("SECRET_KEYS=", key), encoding="utf-8")
    settings = Settings(_env_file=file)
    assert settings.database_url == variables()["DATABASE_URL"]
    assert settings.public_url == variables()["PUBLIC_URL"]


def test_lines_of_env_files_in_pages_name_variables() -> None:
    for page in pages():
        for name in re.findall(r"^    (?:export )?([A-Z][A-Z_]+)=", page.read_text(encoding="utf-8"), re.M):
            assert name in variables(), f"{page.name}: {name}"


# ------------------------------------------------------------------------------------------------- commands


def shown_commands(page: Path) -> list[str]:
    """Calls of the program in a page: in blocks of code with what is continued, and between backticks."""
    text = re.sub(r"\\\n\s*", " ", page.read_text(encoding="utf-8"))
    blocks = re.findall(rf"^ {{4}}(?:.*?exec serve )?({PROGRAM} .*)$", text, re.M)
    inline = words_in_code(re.sub(r"```.*?```", "", text, flags=re.S))
    calls = [line.split("  #")[0].strip() for line in blocks]
    calls += [code for code in inline if code.startswith(f"{PROGRAM} ")]
    return [call for call in calls if not call.split()[1].isupper()]  # COMMAND stands for any


def resolve(words: list[str]) -> bool:
    """Whether words call a whole command, not only a group; what they name must exist, options included."""
    command = typer.main.get_command(root)
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"there is no command {words[0]}"
        command = command.commands[words[0]]
        words = words[1:]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known
    return not isinstance(command, TyperGroup)


def test_every_command_that_a_page_shows_exists() -> None:
    calls = {page.name: shown_commands(page) for page in pages()}
    assert len(calls["README.md"]) > 15
    for page, commands in calls.items():
        for call in commands:
            assert resolve(call.split()[1:]), f"{page}: {call} is not a whole command"


def leaves(command: object, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Every whole command below one, by its words."""
    if not isinstance(command, TyperGroup):
        return {path}
    return {leaf for name, below in command.commands.items() for leaf in leaves(below, (*path, name))}


def test_the_page_of_the_command_line_lists_every_command() -> None:
    listed: set[tuple[str, ...]] = set()
    rows = table((ROOT / "docs" / "cli.md").read_text(encoding="utf-8"), "command")
    everything = leaves(typer.main.get_command(root))
    for code in (code for row in rows for code in words_in_code(row[0])):
        first, *rest = code.split()
        paths = {(first, name) for name in rest[0].split("|")} if rest else set()
        listed |= {(first,)} if (first,) in everything else paths
    assert listed == everything


def test_settings_of_a_connection_that_a_page_shows_exist() -> None:
    keys = [row.key.split(".{")[0] for row in describe(ConnectionSettings())]
    for page in pages():
        for call in shown_commands(page):
            for word in call.split():
                if call.startswith(f"{PROGRAM} connection set") and "=" in word:
                    assert any(word.startswith((f"{key}=", f"{key}.")) for key in keys), f"{page.name}: {word}"


def test_every_make_target_that_a_page_shows_exists() -> None:
    targets = set(re.findall(r"^([a-z ]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    known = {target for line in targets for target in line.split()}
    for page in pages():
        shown = re.findall(r"(?:^ {4}|`)make ([a-z]+)", page.read_text(encoding="utf-8"), re.M)
        assert set(shown) <= known, page.name


# ------------------------------------------------------------------------------------------------- the change log


def test_the_change_log_keeps_a_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (.+)$", text, re.M)
    assert versions[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", version) for version in versions[1:])
    known = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", text, re.M)) <= known


def test_the_change_log_names_commands_that_exist() -> None:
    line = re.search(r"^- Commands: (.+?)\.$", section(ROOT / "CHANGELOG.md", "[Unreleased]"), re.M | re.S)
    assert line
    for code in words_in_code(" ".join(line[1].split())):
        resolve(code.split())


# ------------------------------------------------------------------------------------------------- delivery.md


def test_the_retry_policy_in_the_page_is_the_one_in_the_code() -> None:
    rows = table(section(DELIVERY, "Retries"), "class")
    assert {words_in_code(row[0])[0] for row in rows} == set(ErrorClass)
    opening = {Then.DEAD_LETTER: "ends: ", Then.LOOK_UP: "looked up", Then.PAUSE: "ready again, but the connection "}
    for code, happens, waits, tries in rows:
        retry = RETRIES[ErrorClass(words_in_code(code)[0])]
        assert happens.startswith("tried again" if retry.limit else opening[retry.then]), code
        assert waits == (", ".join(f"{delay:g}" for delay in retry.delays_s) + " s" if retry.limit else ""), code
        assert tries == (str(retry.limit) if retry.limit else ""), code
    assert f"After {BISECT_BUDGET} the rest waits for a person" in section(DELIVERY, "Retries")


def test_the_look_ups_in_the_page_are_those_in_the_code() -> None:
    rows = table(section(DELIVERY, "Look-ups"), "operation")
    asked = {tuple(row[0].replace("`", "").split()): words_in_code(row[1]) for row in rows}
    assert asked == {
        operation: [name for read in look_up.reads for name in (read.object, read.key_field)]
        for operation, look_up in LOOK_UPS.items()
    }


def test_the_steps_at_which_a_process_may_die_are_all_in_the_page() -> None:
    rows = table(section(DELIVERY, "What a death leaves"), "step")
    assert tuple(words_in_code(row[0])[0] for row in rows) == STEPS
    assert all(len(row) == 3 and all(row) for row in rows)


# ------------------------------------------------------------------------------------------------- every file

PRIVATE = re.compile(
    r"(?<![\w.~-])/(?:home/(?!ann/)|Users/|root/|work/)[\w.-]+"  # somebody's folders; ann is a made-up user of tests
    r"|--(?:extra-)?index-url|--find-links|--trusted-host"
    r"|(?:pypi|pythonhosted|npmjs)\.(?:org|com)|artifactory|nexus|jfrog",
    re.I,
)


def test_no_tracked_file_names_a_developers_folder_or_a_registry() -> None:
    found = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if path != Path(__file__):  # which holds what it looks for
            found += [f"{path.relative_to(ROOT)}: {hit[0]}" for hit in PRIVATE.finditer(text)]
    assert found == []


def test_pinned_requirements_come_from_whatever_registry_the_machine_uses() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        assert re.findall(r"https?://\S+", (ROOT / name).read_text(encoding="utf-8")) == []
