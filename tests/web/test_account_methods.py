"""The account page of sign-in methods: an app, recovery codes, passkeys; after a fresh sign-in, and for one's own."""

import re

import httpx2
import pyotp
import pytest

from idp.accounts import browsers
from idp.stores.records import Authenticator
from tests.account_pages import at, send, visitor
from tests.provider import PASSWORD, Browser, House
from tests.second_factors import account_id, give_app, give_codes, next_code, send_code

FRESH = 300


def methods_of(house: House, name: str = "alice") -> list[str]:
    """Return the methods of an account's authenticators, without the browsers that it knows."""
    with house.storage.snapshot() as uow:
        found = uow.authenticators.list(account_id(house, name))
    return [each.method for each in found if each.method != browsers.KNOWN]


def give_passkey(house: House, key: str, name: str = "alice") -> None:
    """Let an account have a passkey."""
    owner = account_id(house, name)
    with house.storage.begin() as uow:
        uow.authenticators.add(
            Authenticator(
                authenticator_id=key, account_id=owner, method="passkey", name=f"<{key}>", secret="", created_at=1
            )
        )


def secret_of(page: httpx2.Response) -> pyotp.TOTP:
    """Return the app that this page sets up."""
    found = re.search(r'<code class="secret">([^<]+)', page.text)
    assert found, page.text
    return pyotp.TOTP(found.group(1).replace(" ", ""))


def set_up(house: House, browser: Browser, page: httpx2.Response) -> httpx2.Response:
    """Send the form of the page that sets up an app."""
    return browser.submit(page, code=secret_of(page).at(house.clock.now()))


def test_app_is_set_up_replaced_and_removed(house: House) -> None:
    """With the first come recovery codes, which stay when it is replaced and go with the last."""
    alice = visitor(house)
    shown = set_up(house, alice, alice.get("/account/methods/app"))
    assert len(re.findall(r"<li><code>", shown.text)) == 10
    assert sorted(set(methods_of(house))) == ["recovery_code", "totp"]
    house.clock.move(60)
    page = alice.get("/account/methods/app")
    assert "Replace your authenticator app" in page.text
    assert "The authenticator app is set up." in set_up(house, alice, page).text
    assert "10 are left" in alice.get("/account/methods").text
    removed = send(alice, alice.get("/account/methods"), "/methods", action="remove_app")
    assert "The authenticator app is removed." in removed.text
    assert methods_of(house) == []
    with house.storage.snapshot() as uow:
        names = [event.name for event in uow.audit.list()]
    assert names.count("second_factor.set_up") == 2
    assert names.count("second_factor.removed") == 1


@pytest.mark.case("MF-05")
@pytest.mark.parametrize("path", ["/methods/app", "/methods/codes"])
def test_fresh_sign_in_comes_first(house: House, path: str) -> None:
    """Five minutes after signing in one confirms to be there, and is back at the form; its answer needs it as well."""
    app, alice = give_app(house), house.browser()
    send_code(alice, at(alice), next_code(house, app))
    form = alice.get(f"/account{path}")
    assert form.status_code == 200
    house.clock.move(FRESH)
    late = send(alice, form, path, code="1")
    for page in (late, alice.follow(alice.get(f"/account{path}"))):
        assert "Confirm it’s you" in page.text
        assert "What comes next is sensitive" in page.text
    back = send_code(alice, alice.submit(page, username="alice", password=PASSWORD, action="sign_in"), app.now())
    assert back.status_code == 400
    back = send_code(alice, back, next_code(house, app))
    assert str(back.url) == f"https://idp.example/account{path}"


@pytest.mark.case("MF-05")
def test_removing_needs_a_fresh_sign_in(house: House) -> None:
    """The list can be looked at for longer; what it does cannot be done."""
    app, alice = give_app(house), house.browser()
    send_code(alice, at(alice), next_code(house, app))
    house.clock.move(FRESH)
    page = alice.get("/account/methods")
    assert page.status_code == 200
    assert "Confirm it’s you" in send(alice, page, "/methods", action="remove_app").text
    assert methods_of(house) == ["totp"]


@pytest.mark.case("MF-05")
def test_secret_is_ours_and_confirmed(house: House) -> None:
    """A secret of the client's choice, or one that was made for somebody else, is refused; one without a right code of
    it counts for nothing."""
    alice, bob = visitor(house), visitor(house, "bob")
    page, other = alice.get("/account/methods/app"), bob.get("/account/methods/app")
    sealed = re.search(r'name="sealed" value="([^"]+)"', other.text)
    assert sealed
    code = secret_of(other).at(house.clock.now())
    for chosen in (sealed.group(1), "JBSWY3DPEHPK3PXP", ""):
        assert send(alice, page, "/methods/app", sealed=chosen, code=code).status_code == 403
    wrong = alice.submit(page, code="000000")
    assert (wrong.status_code, secret_of(wrong).secret) == (400, secret_of(page).secret)
    token = alice.post("/account/methods/app", data={"code": secret_of(page).at(house.clock.now())})
    assert token.status_code == 403
    assert methods_of(house) == []
    assert "Signed in as" in at(house.browser()).text


def test_new_codes_replace_the_old(house: House) -> None:
    """The old ones are of no use from then on; without anything that could be lost there are none."""
    alice = visitor(house)
    assert str(alice.follow(alice.get("/account/methods/codes")).url).endswith("/account/methods")
    assert "Set up" in send(alice, alice.get("/account/password"), "/methods/codes").text
    assert methods_of(house) == []
    app = give_app(house)
    (old, *_) = give_codes(house)
    asked = alice.follow(alice.get("/account/methods/codes"))
    shown = alice.submit(send_code(alice, asked, next_code(house, app)))
    new = re.findall(r"<li><code>([^<]+)", shown.text)
    assert len(new) == 10
    assert old not in new
    browser = house.browser()
    refused = send_code(browser, at(browser), old, method="recovery_code")
    assert refused.status_code == 400
    assert "Signed in as" in send_code(browser, refused, new[0], method="recovery_code").text


def test_demanded_app_stays(house: House) -> None:
    """Where the operator demands a second factor there is no button to remove it, and no form does."""
    settings = house.server.settings.second_factor.model_copy(update={"required": True})
    object.__setattr__(house.server.settings, "second_factor", settings)
    app, alice = give_app(house), house.browser()
    send_code(alice, at(alice), next_code(house, app))
    page = alice.get("/account/methods")
    assert "it can be replaced only" in page.text
    assert 'value="remove_app"' not in page.text
    assert send(alice, alice.get("/account/password"), "/methods", action="remove_app").status_code == 403
    assert methods_of(house) == ["totp"]
    give_passkey(house, "p1")
    send(alice, alice.get("/account/password"), "/methods", action="remove_app")
    assert methods_of(house) == ["passkey"]
    last = send(alice, alice.get("/account/password"), "/methods", action="remove_passkey", passkey="p1")
    assert (last.status_code, methods_of(house)) == (403, ["passkey"])


@pytest.mark.case("MF-22")
def test_passkeys_are_their_owners(house: House) -> None:
    """They are renamed and removed by their owner alone."""
    give_passkey(house, "p1")
    give_passkey(house, "p2", "bob")
    alice = visitor(house)
    page = alice.get("/account/methods")
    assert "&lt;p1&gt;" in page.text
    for action in ("rename_passkey", "remove_passkey"):
        assert send(alice, page, "/methods", action=action, passkey="p2", name="mine").status_code == 403
    assert "has its new name" in send(alice, page, "/methods", action="rename_passkey", passkey="p1", name="Key").text
    for name in ("", "x" * 61, "a\u202eb"):
        send(alice, page, "/methods", action="rename_passkey", passkey="p1", name=name)
    assert "<bdi>Key</bdi>" in alice.get("/account/methods").text
    assert "is removed" in send(alice, page, "/methods", action="remove_passkey", passkey="p1").text
    assert (methods_of(house), methods_of(house, "bob")) == ([], ["passkey"])
