import re
from collections.abc import Callable, Iterator

import pytest
import requests

from console.actions import people as actions
from console.actions.people import NotLetInError, PeopleError
from console.middleware import CSP
from db.people import Role
from tests.worlds.browsing import PASSWORD, Somebody, person
from tests.worlds.world import World

PUBLIC = ("/healthz", "/readyz", "/scoro.txt", "/login", "/welcome/none", "/metrics")


@pytest.fixture
def site(embedded_world: World) -> Iterator[str]:
    with embedded_world.running(queues=(), scheduler=False) as hook:
        yield hook.split("/hooks/")[0]


@pytest.fixture
def somebody(embedded_world: World, site: str) -> Callable[[Role], Somebody]:
    def make(role: Role) -> Somebody:
        person(embedded_world.ledger.db, role, role)
        one = Somebody(site)
        assert one.sign_in(role).url == f"{site}/"
        return one

    return make


def test_the_first_person_gets_in_by_a_link_that_works_once_and_is_admin(embedded_world: World, site: str) -> None:
    db = embedded_world.ledger.db
    token, second = actions.first_invitation(db), actions.first_invitation(db)
    anna = Somebody(site)
    page = f"/welcome/{token}"
    answer = anna.post(page, {"name": "anna", "password": PASSWORD, "again": PASSWORD}, page=page)
    assert (answer.status_code, answer.url) == (200, f"{site}/")
    assert "admin" in anna.get("/account").text
    for used in (token, second):
        assert Somebody(site).get(f"/welcome/{used}").status_code == 404
    assert actions.first_invitation(db) is None


def test_a_form_that_is_refused_keeps_the_name_that_was_typed(embedded_world: World, site: str) -> None:
    token = actions.first_invitation(embedded_world.ledger.db)
    page = f"/welcome/{token}"
    answer = Somebody(site).post(page, {"name": "anna", "password": "short", "again": "short"}, page=page)
    assert answer.status_code == 422
    assert 'value="anna"' in answer.text
    assert "at least 12 characters" in answer.text


def test_everything_but_the_public_endpoints_is_behind_a_sign_in(site: str) -> None:
    shown = (
        "/",
        "/live/overview",
        "/checks",
        "/documents",
        "/documents/differing",
        "/failures",
        "/replays",
        "/requests",
    )
    for path in (
        *shown,
        "/live/replays",
        "/journal",
        "/connections",
        "/connections/1/quick-actions",
        "/people",
        "/account",
    ):
        answer = requests.get(site + path, timeout=30, allow_redirects=False)
        assert (answer.status_code, answer.headers["location"].split("?")[0]) in {(303, "/login")}, path
    for path in PUBLIC:
        assert requests.get(site + path, timeout=30, allow_redirects=False).status_code in {200, 404}, path


def test_pages_send_a_strict_policy_and_load_nothing_from_elsewhere(somebody: Callable[[Role], Somebody]) -> None:
    answer = somebody(Role.VIEWER).get("/")
    assert answer.headers["content-security-policy"] == CSP
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert re.findall(r'(?:src|href|action)="(?!/|#)', answer.text) == []
    assert " style=" not in answer.text


def test_files_are_named_by_their_content_and_not_sent_twice(site: str) -> None:
    page = requests.get(f"{site}/login", timeout=30).text
    found = re.findall(r"/static/[0-9a-f]{16}/[\w.]+", page)
    assert {path.rsplit("/", 1)[1] for path in found} == {"tabler.css", "console.css", "console.js", "icon.svg"}
    for path in found:
        first = requests.get(site + path, timeout=30)
        assert first.status_code == 200
        assert "immutable" in first.headers["cache-control"]
        again = requests.get(site + path, headers={"If-None-Match": first.headers["etag"]}, timeout=30)
        assert (again.status_code, again.content) == (304, b"")
    assert requests.get(f"{site}/static/0000000000000000/tabler.css", timeout=30).status_code == 404


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(
    site: str, somebody: Callable[[Role], Somebody]
) -> None:
    somebody(Role.VIEWER)
    given = Somebody(site)
    given.get("/login")
    mark = given.session.cookies["scoro_intacct_form"]
    form = {"name": "viewer", "password": PASSWORD, "mark": mark}
    answer = given.session.post(f"{site}/login", data=form, timeout=30, allow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie


@pytest.mark.parametrize("spoil", ["csrf", "origin", "sec-fetch-site"])
def test_a_change_from_elsewhere_is_refused(spoil: str, site: str, somebody: Callable[[Role], Somebody]) -> None:
    anna = somebody(Role.ADMIN)
    form = {"csrf": "wrong"} if spoil == "csrf" else {}
    headers = {"origin": {"Origin": "https://evil.example"}, "sec-fetch-site": {"Sec-Fetch-Site": "cross-site"}}
    answer = anna.post("/logout", form, headers=headers.get(spoil, {}))
    assert answer.status_code == 403
    assert anna.get("/account").url == f"{site}/account"


@pytest.mark.parametrize("body", [b"x" * 2_000_000, [b"x" * 700_000] * 2], ids=["told", "in pieces"])
def test_a_form_that_is_larger_than_any_of_ours_is_not_read(body: bytes | list[bytes], site: str) -> None:
    answer = requests.post(f"{site}/login", data=body if isinstance(body, bytes) else iter(body), timeout=30)
    assert answer.status_code == 413


def test_unknown_names_and_wrong_passwords_get_the_same_answer(site: str, somebody: Callable[[Role], Somebody]) -> None:
    somebody(Role.VIEWER)
    answers = [Somebody(site).sign_in(name, "wrong password, anyway") for name in ("viewer", "nobody")]
    texts = {re.sub(r'value="[^"]*"', "", answer.text) for answer in answers}
    assert [answer.status_code for answer in answers] == [401, 401]
    assert len(texts) == 1


def test_guessing_is_slowed_down_for_the_guesser_and_not_for_others(embedded_world: World) -> None:
    db = embedded_world.ledger.db
    person(db, "anna", Role.VIEWER)
    for _ in range(8):
        with pytest.raises(NotLetInError):
            actions.sign_in(db, "anna", "wrong password", address="192.0.2.1")
    with pytest.raises(NotLetInError):
        actions.sign_in(db, "Anna", PASSWORD, address="192.0.2.1")
    assert actions.sign_in(db, "anna", PASSWORD, address="192.0.2.2").name == "anna"
    embedded_world.execute("UPDATE login_tries SET blocked_until = clock_timestamp()")
    assert actions.sign_in(db, "anna", PASSWORD, address="192.0.2.1").name == "anna"


def test_another_password_ends_every_session_but_the_one_that_chose_it(
    embedded_world: World, site: str, somebody: Callable[[Role], Somebody]
) -> None:
    anna, elsewhere = somebody(Role.VIEWER), Somebody(site)
    elsewhere.sign_in("viewer")
    new = "another horse battery"
    answer = anna.post("/account/password", {"old": PASSWORD, "password": new, "again": new})
    assert "Your password is changed" in answer.text
    assert "Your password is changed" not in anna.get("/account").text
    assert elsewhere.get("/account").url.startswith(f"{site}/login")
    assert Somebody(site).sign_in("viewer", new).url == f"{site}/"


def test_sessions_end_when_they_are_idle_old_signed_out_or_locked_out(
    embedded_world: World, site: str, somebody: Callable[[Role], Somebody]
) -> None:
    anna = somebody(Role.VIEWER)

    def is_in() -> bool:
        return anna.get("/account").url == f"{site}/account"

    assert is_in()
    for column, age in (("seen_at", "13 hours"), ("started_at", "8 days")):
        anna.sign_in("viewer")
        assert is_in()
        embedded_world.execute(f"UPDATE login_session SET {column} = clock_timestamp() - interval '{age}'")
        assert not is_in()
    anna.sign_in("viewer")
    anna.post("/logout")
    assert not is_in()
    anna.sign_in("viewer")
    actions.disable(embedded_world.ledger.db, "viewer", True, actor="cli:test")
    assert not is_in()
    assert anna.sign_in("viewer").status_code == 401


def test_the_last_admin_cannot_be_taken_away(embedded_world: World) -> None:
    db = embedded_world.ledger.db
    person(db, "anna", Role.ADMIN)
    with pytest.raises(PeopleError, match="only admin"):
        actions.change_role(db, "anna", Role.VIEWER, actor="cli:test")
    with pytest.raises(PeopleError, match="only admin"):
        actions.disable(db, "anna", True, actor="cli:test")
    person(db, "ben", Role.ADMIN)
    actions.change_role(db, "anna", Role.VIEWER, actor="cli:test")


def test_secrets_of_access_are_kept_as_hashes_only(embedded_world: World) -> None:
    db = embedded_world.ledger.db
    person(db, "anna", Role.ADMIN)
    given = actions.sign_in(db, "anna", PASSWORD, address="192.0.2.1")
    token = actions.add_token(db, "reports", Role.VIEWER, 30, actor="cli:test")
    invited = actions.invite(db, "ben", Role.VIEWER, actor="cli:test")
    dump = str(
        [embedded_world.rows(f"SELECT * FROM {t}") for t in ("person", "login_session", "api_token", "invitation")]
    )
    dump += str(embedded_world.rows("SELECT * FROM journal"))
    for secret in (given.token, token, invited, PASSWORD):
        assert secret not in dump


def test_a_next_address_leads_nowhere_but_here(site: str, somebody: Callable[[Role], Somebody]) -> None:
    anna = somebody(Role.VIEWER)
    for elsewhere in ("https://evil.example", "//evil.example", "/\\evil.example"):
        assert anna.get("/login", params={"next": elsewhere}).url == f"{site}/"
    assert anna.get("/login", params={"next": "/account"}).url == f"{site}/account"
