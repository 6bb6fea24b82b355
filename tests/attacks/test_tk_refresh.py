"""TK: refresh tokens rotate, remember, and end when what they rest on ends (R4, R6, R7)."""

import pytest

from idp.accounts.accounts import disable_account, enable_account, set_password, set_roles
from idp.accounts.clients import disable_client, enable_client
from tests.accounts.world import at_once
from tests.attacks.oracle import ISSUED, assert_challenged, assert_refused, audited, unchanged
from tests.provider import House, claims_of

DAY = 86_400
OFFLINE = "openid offline_access"


@pytest.mark.case("TK-15")
def test_reuse_of_a_spent_token_ends_the_family(house: House) -> None:
    """A spent token that comes back after the grace: its successor and all access tokens are dead; it is audited."""
    browser = house.browser()
    first = browser.tokens(scope=OFFLINE)
    second = browser.refresh(first["refresh_token"]).json()
    house.clock.move(11)
    assert_refused(browser.refresh(first["refresh_token"]), "invalid_grant")
    assert_refused(browser.refresh(second["refresh_token"]), "invalid_grant")
    for tokens in (first, second):
        assert_challenged(browser.userinfo(tokens["access_token"]), "invalid_token")
        assert browser.introspect(tokens["access_token"]) == {"active": False}
    assert "refresh_token.replayed" in audited(house)


@pytest.mark.case("TK-15")
def test_reuse_of_a_distant_ancestor_ends_the_family(house: House) -> None:
    """A token spent long ago counts as one spent just now."""
    browser = house.browser()
    first = token = browser.tokens(scope=OFFLINE)["refresh_token"]
    for _ in range(4):
        house.clock.move(2 * DAY)
        token = browser.refresh(token).json()["refresh_token"]
    assert_refused(browser.refresh(first), "invalid_grant")
    assert_refused(browser.refresh(token), "invalid_grant")


@pytest.mark.case("TK-15", "TK-20")
def test_refresh_by_many_at_once_works_once(house: House) -> None:
    """Of 32 uses at the same moment one succeeds; the race is honest, so the family lives on with one head."""
    browser = house.browser()
    token = browser.tokens(scope=OFFLINE)["refresh_token"]
    clients = [house.browser() for _ in range(32)]
    answers = at_once(32, lambda number: clients[number].refresh(token))
    found = [answer for answer in answers if not isinstance(answer, Exception)]
    assert len(found) == 32
    (won,) = [answer for answer in found if answer.status_code == 200]
    for answer in found:
        if answer is not won:
            assert_refused(answer, "invalid_grant")
    assert browser.refresh(won.json()["refresh_token"]).status_code == 200


@pytest.mark.case("TK-20")
@pytest.mark.parametrize(("seconds", "alive"), [(1, True), (10, True), (11, False), (60, False)])
def test_retry_after_a_lost_answer(house: House, seconds: int, alive: bool) -> None:
    """A client whose answer was lost gets nothing for the old token. Within the grace the family lives on for whoever
    has the successor, after it the family ends; there are never two live heads."""
    browser = house.browser()
    first = browser.tokens(scope=OFFLINE)["refresh_token"]
    lost = browser.refresh(first).json()["refresh_token"]
    house.clock.move(seconds)
    with unchanged(house, "refresh_tokens"):
        assert_refused(browser.refresh(first), "invalid_grant")
    assert browser.refresh(lost).status_code == (200 if alive else 400)


@pytest.mark.case("TK-21")
@pytest.mark.parametrize(("client_id", "secret"), [("evil", "s" * 43), ("spa", None)])
def test_refresh_token_of_another_client(house: House, client_id: str, secret: str | None) -> None:
    """Another client, confidential or public, gets nothing for it, and its owner loses nothing."""
    browser = house.browser()
    token = browser.tokens()["refresh_token"]
    with unchanged(house):
        assert_refused(browser.refresh(token, client_id, secret=secret), "invalid_grant")
    assert browser.refresh(token).status_code == 200


@pytest.mark.case("TK-22")
def test_scope_of_a_refresh_stays_within_the_grant(house: House) -> None:
    """Wider is refused and costs nothing, narrower narrows this access token only, then full again is full."""
    browser = house.browser()
    token = browser.tokens(scope="openid email")["refresh_token"]
    for wider in ("openid email profile", "profile", "openid admin"):
        with unchanged(house):
            assert_refused(browser.refresh(token, scope=wider), "invalid_scope")
    narrowed = browser.refresh(token, scope="openid").json()
    assert narrowed["scope"] == claims_of(narrowed["access_token"])["scope"] == "openid"
    assert "email" not in browser.userinfo(narrowed["access_token"]).json()
    assert browser.refresh(narrowed["refresh_token"]).json()["scope"] == "openid email"


@pytest.mark.case("TK-23")
@pytest.mark.parametrize("scope", ["openid", OFFLINE])
@pytest.mark.parametrize("act", ["disable", "disable and enable", "password", "client", "client again"])
def test_access_taken_ends_refreshing(house: House, act: str, scope: str) -> None:
    """A disabled account, a new password or a disabled client ends the refresh token, and enabling revives nothing."""
    browser = house.browser()
    token = browser.tokens(scope=scope)["refresh_token"]
    with house.storage.begin() as uow:
        account, client = uow.accounts.find_by_name("alice"), uow.clients.find("web")
        assert account is not None
        assert client is not None
        now, sessions = house.clock.now(), house.server.sessions
        if act.startswith("disable"):
            disabled = disable_account(uow, sessions, account, now)
            if act.endswith("enable"):
                enable_account(uow, disabled, now)
        elif act == "password":
            set_password(uow, sessions, account, house.passwords.hash("another password"), now)
        else:
            off = disable_client(uow, client, now)
            if act.endswith("again"):
                enable_client(uow, off, now)
    with unchanged(house):
        refused = browser.refresh(token)
        if act == "client":
            assert_refused(refused, "invalid_client", status=401)
        else:
            assert_refused(refused, "invalid_grant")


@pytest.mark.case("TK-24")
def test_role_taken_away_is_gone_from_the_next_token(house: House) -> None:
    """Roles are read anew at each refresh."""
    browser = house.browser()
    tokens = browser.tokens(scope="openid roles offline_access")
    assert claims_of(tokens["access_token"])["roles"] == ["customer"]
    with house.storage.begin() as uow:
        account = uow.accounts.find_by_name("alice")
        assert account is not None
        set_roles(uow, account, (), house.clock.now())
    newer = browser.refresh(tokens["refresh_token"]).json()["access_token"]
    assert claims_of(newer)["roles"] == []
    assert browser.userinfo(newer).json()["roles"] == []


@pytest.mark.case("TK-25")
@pytest.mark.parametrize(
    ("scope", "step", "limit"), [("openid", 3_600, 12 * 3_600), (OFFLINE, 13 * DAY, 90 * DAY), (OFFLINE, DAY, 90 * DAY)]
)
def test_refreshing_ends_at_the_absolute_limit(house: House, scope: str, step: int, limit: int) -> None:
    """However often it is refreshed: a session-bound family ends with the session, an offline one with its grant."""
    browser, began = house.browser(), house.clock.now()
    token = browser.tokens(scope=scope)["refresh_token"]
    while house.clock.now() + step < began + limit:
        house.clock.move(step)
        token = browser.refresh(token).json()["refresh_token"]
    assert scope == "openid" or browser.introspect(token)["exp"] == began + limit
    house.clock.at = began + limit
    with unchanged(house):
        assert_refused(browser.refresh(token), "invalid_grant")


@pytest.mark.case("TK-25")
def test_unused_refresh_token_expires(house: House) -> None:
    """A token that nobody uses for a fortnight is over."""
    browser = house.browser()
    token = browser.tokens(scope=OFFLINE)["refresh_token"]
    house.clock.move(14 * DAY)
    assert_refused(browser.refresh(token), "invalid_grant")


@pytest.mark.case("TK-26", "SS-14")
def test_sign_out_and_refresh_tokens(house: House) -> None:
    """Sign-out ends a session-bound refresh token and its access token; with offline_access both live on."""
    browser = house.browser()
    bound, offline = browser.tokens(), browser.tokens("evil", scope=OFFLINE)
    out = browser.get("/oauth2/logout", params={"id_token_hint": bound["id_token"]})
    assert out.status_code == 200
    with unchanged(house, *ISSUED):
        assert_refused(browser.refresh(bound["refresh_token"]), "invalid_grant")
        assert_challenged(browser.userinfo(bound["access_token"]), "invalid_token")
    assert browser.refresh(offline["refresh_token"], "evil").status_code == 200
    assert browser.userinfo(offline["access_token"]).status_code == 200


@pytest.mark.case("TK-27")
@pytest.mark.parametrize("kind", ["access_token", "id_token", "code"])
def test_other_tokens_are_no_refresh_tokens(house: House, kind: str) -> None:
    """Only a refresh token refreshes."""
    browser = house.browser()
    other = browser.code_flow()["code"] if kind == "code" else browser.tokens()[kind]
    with unchanged(house):
        assert_refused(browser.refresh(other), "invalid_grant")


@pytest.mark.case("TK-27")
def test_refresh_token_is_no_code(house: House) -> None:
    """Nor does a refresh token redeem."""
    browser = house.browser()
    token = browser.tokens()["refresh_token"]
    with unchanged(house):
        assert_refused(browser.exchange(token), "invalid_grant")
    assert_challenged(browser.userinfo(token), "invalid_token")
