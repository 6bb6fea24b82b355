"""What was spent or revoked after the backup stays so (R4, R7, R22): one of every kind, on each kind of database and
from one to the other."""

import anyio
import httpx2
import pytest

from demo_clients.relying_party.access_token import verify_access_token
from demo_clients.relying_party.id_token import ExpectedIdToken, verify_id_token
from demo_clients.relying_party.jwks import KeyCache
from idp.accounts.accounts import disable_account, set_password
from idp.accounts.clients import remove_client, rotate_secret
from idp.accounts.deletion import close_account, remove_account, remove_due
from idp.cli.user import get_account
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import OutboxMessage
from idp.stores.sql.storage import SqlStorage
from tests.backup.world import Disaster, same_browser, tables_of
from tests.provider import API, PASSWORD, SECRET, Browser, House, claims_of
from tests.registering import invite, registering, send
from tests.specs.test_rfc7523_client_assertions import TYPE, assertion, register

LATER_SECONDS = 40
NEW_PASSWORD = "another good battery staple"


def by_assertion(house: House, token: str) -> httpx2.Response:
    """Ask for a token by a client assertion."""
    form = {"grant_type": "client_credentials", "resource": API, "scope": "api.read"}
    return house.browser().post("/oauth2/token", data=form | {"client_assertion_type": TYPE, "client_assertion": token})


class Life:
    """What an account and its clients hold at the moment of the backup."""

    def __init__(self, house: House) -> None:
        register(house)
        self.browser = house.browser()
        tokens = self.browser.tokens(scope="openid offline_access")
        self.refresh_token, self.access_token = tokens["refresh_token"], tokens["access_token"]
        self.id_token = tokens["id_token"]
        self.code, self.spent_code = self.browser.code_flow()["code"], self.browser.code_flow()["code"]
        assert self.browser.exchange(self.spent_code).status_code == 200
        self.leaving = house.browser()
        self.leaving.code_flow()
        self.sign_out_page = self.leaving.get("/oauth2/logout")
        self.starting = house.browser()
        self.sign_in_page = self.starting.follow(self.starting.authorize())
        self.invitation = invite(house)
        self.seen = assertion(house, jti="before")
        assert by_assertion(house, self.seen).status_code == 200
        self.unseen = assertion(house, jti="between")
        self.unseen_without_iat = assertion(house, jti="without iat", iat=None, exp=house.clock.now() + 3_600)
        self.revoked = self.browser.tokens()["access_token"]
        house.browser().tokens("third")

    def goes_on(self, house: House) -> None:
        """Spend and revoke all of it, after the backup."""
        assert self.browser.exchange(self.code).status_code == 200
        assert self.browser.refresh(self.refresh_token).status_code == 200
        assert self.leaving.submit(self.sign_out_page, action="sign_out").status_code == 200
        assert self.starting.sign_in(self.sign_in_page).is_redirect
        assert send(registering(house, registration="token").browser(), self.invitation).status_code == 201
        assert by_assertion(house, self.unseen).status_code == 200
        assert by_assertion(house, self.unseen_without_iat).status_code == 200
        revocation = self.browser.post("/oauth2/revoke", data={"token": self.revoked}, auth=("web", SECRET))
        assert revocation.status_code == 200
        with house.storage.begin() as uow:
            uow.consents.remove(get_account(uow, "alice").account_id, "third")


@pytest.mark.case("OP-28")
def test_all_that_was_spent_or_revoked_after_the_backup_is_refused(across: Disaster) -> None:
    """Codes, refresh tokens, access tokens, sessions, pages under way, invitations, assertions, keys, consents."""
    house = across.house
    life = Life(house)
    old_kids = {key["kid"] for key in life.browser.get("/.well-known/jwks.json").json()["keys"]}
    across.back_up()
    across.clock.move(LATER_SECONDS)
    life.goes_on(house)
    across.restore()
    after = across.restored_house()

    browser = same_browser(life.browser, after)
    assert 'id="login-submit"' in browser.follow(browser.authorize()).text
    for code in (life.code, life.spent_code):
        assert browser.exchange(code).json()["error"] == "invalid_grant"
    assert browser.refresh(life.refresh_token).json()["error"] == "invalid_grant"
    for token in (life.access_token, life.revoked):
        assert browser.userinfo(token).status_code == 401
        assert browser.introspect(token) == {"active": False}
    assert 'id="logout-confirm"' not in browser.get("/oauth2/logout", params={"id_token_hint": life.id_token}).text
    leaving = same_browser(life.leaving, after)
    assert leaving.submit(life.sign_out_page, action="sign_out").status_code == 400
    starting = same_browser(life.starting, after)
    assert starting.sign_in(life.sign_in_page).status_code == 400
    assert send(registering(after, registration="token").browser(), life.invitation).status_code == 401
    for used in (life.seen, life.unseen, life.unseen_without_iat):
        assert by_assertion(after, used).status_code == 401
    assert old_kids.isdisjoint({key["kid"] for key in browser.get("/.well-known/jwks.json").json()["keys"]})
    third = after.browser()
    page = third.follow(third.authorize("third"))
    assert 'id="consent-allow"' in third.sign_in(page).text

    across.clock.move(LATER_SECONDS)
    after.clock.at = across.clock.at
    assert by_assertion(after, assertion(after, jti="new")).status_code == 200


@pytest.mark.case("OP-28")
def test_everything_works_after_a_restore(over: Disaster) -> None:
    """Sign-in by the password, a client by its secret; the tokens pass a relying party's own rules, which has the old
    keys in its cache; pairwise subjects are the same."""
    house = over.house
    house.add_client("pair", subject_type="pairwise")
    before = house.browser().tokens(scope="openid profile", resource=None)
    pairwise = claims_of(house.browser().tokens("pair")["id_token"])["sub"]
    asked: list[House] = [house]

    async def fetch() -> tuple[dict[str, object], str]:
        response = asked[-1].browser().get("/.well-known/jwks.json")
        return response.json(), response.headers["cache-control"]

    keys = KeyCache(fetch, lambda: over.clock.now())
    assert verified(before, keys, over)
    over.back_up()
    over.clock.move(LATER_SECONDS)
    over.restore()
    after = over.restored_house()
    asked.append(after)
    browser = after.browser()
    tokens = browser.tokens(scope="openid profile offline_access api.read", resource=API)
    assert verified(tokens, keys, over)
    assert claims_of(tokens["id_token"])["sub"] == claims_of(before["id_token"])["sub"]
    assert browser.refresh(tokens["refresh_token"]).status_code == 200
    verdict = anyio.run(
        lambda: verify_access_token(
            tokens["access_token"], issuer="https://idp.example", resource=API, keys=keys, now=over.clock.now()
        )
    )
    assert verdict.accepted
    assert claims_of(after.browser().tokens("pair")["id_token"])["sub"] == pairwise


def verified(tokens: dict[str, str], keys: KeyCache, disaster: Disaster) -> bool:
    """Tell what the demo relying parties think of an ID Token."""
    expected = ExpectedIdToken("https://idp.example", "web", "n-0", tokens["access_token"])
    now = disaster.clock.now()
    return anyio.run(lambda: verify_id_token(tokens["id_token"], expected=expected, keys=keys, now=now)).accepted


def test_messages_under_way_are_not_sent_again(disaster: Disaster) -> None:
    """What was to be delivered is given up; what had been is in the log still."""

    def message(name: str) -> OutboxMessage:
        return OutboxMessage(
            message_id=name,
            kind="k",
            client_id="web",
            destination="https://rp.example/",
            payload={},
            created_at=1,
            next_attempt_at=1,
        )

    with disaster.house.storage.begin() as uow:
        for name in ("waiting", "done"):
            uow.outbox.add(message(name))
        uow.outbox.mark_delivered("done", 2, "204")
    disaster.back_up()
    disaster.restore()
    with disaster.storage.begin() as uow:
        assert uow.outbox.claim(disaster.clock.now() + 10**6, 10, 60) == ()
        found = {m.message_id: m.last_result for m in uow.outbox.list()}
    assert found == {"waiting": "given up by a restore", "done": "204"}


def change_everything(house: House, uow: UnitOfWork) -> str:
    """Take access away in every way that an operator has; return the new secret of `post`."""
    now, sessions = house.clock.now(), house.server.sessions
    alice, bob = get_account(uow, "alice"), get_account(uow, "bob")
    post, evil = uow.clients.find("post"), uow.clients.find("evil")
    assert post is not None
    assert evil is not None
    set_password(uow, sessions, alice, house.passwords.hash(NEW_PASSWORD), now)
    disable_account(uow, sessions, bob, now)
    remove_client(uow, evil, now)
    return rotate_secret(uow, post, now, grace_seconds=0)


@pytest.mark.case("OP-28")
def test_what_the_old_database_still_knows_counts(over: Disaster) -> None:
    """Changed passwords, disabled and new accounts, rotated secrets, removed clients, if it can be read."""
    house = over.house
    over.clock.move(7_200)
    over.back_up()
    over.clock.move(7_200)
    house.add_account("carol")
    house.add_client("new")
    with house.storage.begin() as uow:
        secret = change_everything(house, uow)
    restored = over.restore(after=house.storage)
    assert restored.carried is not None
    assert (restored.carried.accounts, restored.carried.clients, restored.carried.removed_clients) == (3, 2, 1)
    after = over.restored_house()
    browser = after.browser()
    page = browser.follow(browser.authorize())
    assert not browser.sign_in(page).is_redirect
    assert browser.sign_in(page, password=NEW_PASSWORD).is_redirect
    assert not sign_in(after.browser(), "bob").is_redirect
    assert sign_in(after.browser(), "carol").is_redirect
    assert after.browser().authorize("evil").status_code == 400
    assert after.browser().tokens("new", username="carol")["access_token"]
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "post"}
    for tried, status in ((SECRET, 401), (secret, 400)):
        response = after.browser().post("/oauth2/token", data=form | {"client_secret": tried})
        assert response.status_code == status


@pytest.mark.case("OP-28")
def test_deleted_accounts_stay_deleted(over: Disaster) -> None:
    """One that was closed before the backup stays so, with its date; one that was removed since is not there, nor one
    that was closed since open, if the old database can be read. A name may be somebody else's by then."""
    house = over.house
    house.add_account("carol")
    sessions = house.server.sessions
    with house.storage.begin() as uow:
        close_account(uow, sessions, get_account(uow, "carol"), over.clock.now(), delay_days=7)
    over.back_up()
    over.clock.move(60)
    with house.storage.begin() as uow:
        assert remove_account(uow, sessions, get_account(uow, "alice"), over.clock.now())
        close_account(uow, sessions, get_account(uow, "bob"), over.clock.now(), delay_days=7)
    new = house.add_account("alice")
    restored = over.restore(after=house.storage)
    assert restored.carried is not None
    assert restored.carried.removed_accounts == 1
    after = over.restored_house()
    with after.storage.snapshot() as uow:
        assert get_account(uow, "alice").account_id == new.account_id
    for name in ("bob", "carol"):
        assert "account-keep" in after.browser().follow(sign_in(after.browser(), name)).text
    over.clock.move(8 * 86_400)
    after.clock.at = over.clock.now()
    assert remove_due(after.storage, after.server.sessions, after.clock.now(), 50) == 2


def sign_in(browser: Browser, username: str) -> httpx2.Response:
    """Sign in by the usual password."""
    return browser.sign_in(browser.follow(browser.authorize()), username, PASSWORD)


def test_move_ends_nothing(over: Disaster) -> None:
    """Told that nothing happened since, a restore is the same database in another place: all rows, and all that is
    alive works on, once."""
    house = over.house
    life = Life(house)
    over.back_up()
    source = house.storage
    assert isinstance(source, SqlStorage)
    before = tables_of(source)
    over.restore(moves=True)
    after_rows = tables_of(over.storage)
    events = {row[0]: row[1] for row in after_rows.pop("audit")}
    assert after_rows == {name: rows for name, rows in before.items() if name != "audit"}
    assert {events[key] for key in events.keys() - {row[0] for row in before["audit"]}} == {"backup.restored"}
    after = over.restored_house()
    browser = same_browser(life.browser, after)
    assert browser.userinfo(life.access_token).status_code == 200
    assert browser.authorize().is_redirect
    assert browser.exchange(life.code).status_code == 200
    assert browser.exchange(life.spent_code).status_code == 400
    assert browser.refresh(life.refresh_token).status_code == 200
    assert by_assertion(after, life.unseen).status_code == 200
    assert by_assertion(after, life.seen).status_code == 401
    assert send(registering(after, registration="token").browser(), life.invitation).status_code == 201


@pytest.mark.usefixtures("ready_keys")
def test_second_restore_counts_from_its_own_moment(disaster: Disaster) -> None:
    """A backup taken after a restore, restored again: assertions of the time between are refused too."""
    register(disaster.house)
    disaster.back_up()
    disaster.restore()
    second = Disaster(disaster.restored_house(), f"{disaster.url}-again")
    second.house.clock.move(LATER_SECONDS)
    second.back_up()
    used = assertion(second.house)
    assert by_assertion(second.house, used).status_code == 200
    second.restore()
    assert by_assertion(second.restored_house(), used).status_code == 401
    second.close()
