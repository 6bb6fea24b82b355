"""What the templates make of their views: escaped, labelled, and free of anything inline."""

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest
from jinja2 import UndefinedError

from idp.web import account_views, deletion_views, recovery_views, sign_up_views, views
from idp.web.moments import Moment
from idp.web.rendering import Renderer
from idp.web.views import AccountView, ClientView, ErrorPage, ScopeView, SignIn, View

HOSTILE = "\"><img src=x onerror=alert(1)>'{{7*7}}{% include 'x' %}%(name)s\u202e"
CLIENT = ClientView(name=HOSTILE, host=HOSTILE, policy_uri="https://rp.example/p", tos_uri="https://rp.example/t")
ACCOUNT = AccountView(value=HOSTILE, name=HOSTILE, login=HOSTILE)
TEMPLATES = sorted(file.name for file in files("idp.web").joinpath("templates").iterdir())
RENDERER = Renderer("Signet", development=False)
DEVELOPMENT = Renderer("Signet", development=True)
# What each page keeps for those who drive it by script.
CONTRACT = {
    views.SignIn: ('name="username"', 'name="password"', 'id="login-submit"', 'id="login-cancel"'),
    views.Consent: ('id="consent-allow"', 'id="consent-deny"'),
    views.SignOutConfirm: ('id="logout-confirm"',),
    views.SignedOut: ('id="logged-out">You are logged out',),
    views.SecondFactor: ('name="code"', 'id="second-factor-submit"', 'id="second-factor-cancel"'),
    views.TotpSetUp: ('name="code"', 'id="set-up-submit"', 'id="set-up-cancel"'),
    views.RecoveryCodes: ('id="codes-continue"',),
    recovery_views.ForgottenPassword: ('name="username"', 'id="forgotten-submit"'),
    recovery_views.ForgottenSent: ('id="forgotten-sent"',),
    recovery_views.NewPassword: ('name="password"', 'id="password-submit"', 'autocomplete="new-password"'),
    recovery_views.EmailConfirm: ('id="email-confirm"',),
    recovery_views.EmailConfirmed: ('id="email-confirmed"',),
    deletion_views.KeepAccount: ('id="account-keep"', 'id="account-leave"'),
    deletion_views.AccountClosed: ('id="account-closed"',),
    deletion_views.Deletion: ('id="delete-account"', 'id="delete-cancel"'),
    recovery_views.PasswordSet: ('id="password-set"',),
    sign_up_views.SignUpStart: ('name="email"', 'id="sign-up-submit"', 'id="sign-up-sign-in"', 'id="sign-up-cancel"'),
    sign_up_views.SignUpSent: ('id="sign-up-sent"', 'id="sign-up-resend"'),
    views.ErrorPage: ('<h1 id="op-error">',),
}
METHODS = ("totp", "recovery_code", "mailed_code")
KINDS = [
    kind
    for module in (views, recovery_views, sign_up_views, account_views, deletion_views)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, View) and kind.__module__ == module.__name__
    if kind not in (View, account_views.AccountPage)
]
MOMENT = Moment.of(1_800_000_000, UTC)
PROFILE = ("name", "given_name", "family_name", "nickname", "birthdate", "website", "locale", "zoneinfo")
FRAME = account_views.AccountFrame(
    root=HOSTILE, path="/account", account=ACCOUNT, csrf_token=HOSTILE, sign_out_url=HOSTILE, done=HOSTILE
)
METHOD = account_views.MethodView(authenticator_id=HOSTILE, name=HOSTILE, added=MOMENT, used=MOMENT)
# Where a name means other things on the account pages.
SPECIAL: dict[type[View], dict[str, Any]] = {
    account_views.Overview: {"has_app": True, "sessions": 2},
    account_views.SessionList: {
        "sessions": tuple(
            account_views.SessionView(
                session_id=HOSTILE,
                browser=HOSTILE,
                system=HOSTILE,
                address=HOSTILE,
                started=MOMENT,
                seen=MOMENT,
                is_this=is_this,
            )
            for is_this in (True, False)
        ),
        "remembered": (account_views.RememberedView(device_id=HOSTILE, name=HOSTILE, since=MOMENT, until=MOMENT),),
    },
    account_views.Profile: {
        "values": dict.fromkeys(PROFILE, HOSTILE),
        "faults": {"website": HOSTILE},
    },
    account_views.PasswordChange: {"shortest": 15},
    account_views.Methods: {"app": METHOD, "passkeys": (METHOD, METHOD), "password_set": MOMENT},
    account_views.NewCodes: {"left": 3},
    account_views.Applications: {
        "applications": (
            account_views.ApplicationView(
                client_id=HOSTILE,
                client=CLIENT,
                scopes=(ScopeView(title=HOSTILE, detail=HOSTILE),),
                first=MOMENT,
                last=MOMENT,
            ),
        )
    },
    account_views.Activity: {
        "events": (account_views.EventView(name=HOSTILE, result="ok", client=HOSTILE, address=HOSTILE, at=MOMENT),)
    },
    deletion_views.Deletion: {"days": 7},
}


class Outline(HTMLParser):
    """The elements of a page as a browser reads them, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, Mapping[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data

    def all(self, tag: str, **attributes: str) -> list[Mapping[str, str | None]]:
        """Return the attributes of all elements of this tag that have these ones."""
        return [found for name, found in self.elements if name == tag and attributes.items() <= found.items()]

    def one(self, tag: str, **attributes: str) -> Mapping[str, str | None]:
        """Return the attributes of the only such element."""
        (found,) = self.all(tag, **attributes)
        return found

    def values(self, attribute: str) -> list[str]:
        """Return all values of an attribute."""
        return [value for _, found in self.elements if (value := found.get(attribute)) is not None]


def filled(kind: type[View], **more: Any) -> View:
    """Return a view with a hostile text wherever text goes."""
    special: dict[str, Any] = {
        "client": CLIENT,
        "scopes": (ScopeView(title=HOSTILE, detail=HOSTILE),),
        "accounts": (ACCOUNT,),
        "account": None if kind is SignIn else ACCOUNT,
        "others": (("recovery_code", "https://idp.example/other"), ("totp", "https://idp.example/other")),
        "codes": (HOSTILE,),
        "codes_left": 3,
        "remember_days": 30,
        "secret": views.TotpSecret(text=HOSTILE, address=HOSTILE, sealed=HOSTILE),
        "minutes": 60,
        "least_length": 15,
        "domains": (HOSTILE,),
        "name_error": None,
        "is_taken": False,
        "mails": (recovery_views.KeptMail(to=HOSTILE, subject=HOSTILE, words=HOSTILE, link="https://idp.example/"),),
        "account_names": (HOSTILE,),
        "applications": (HOSTILE,),
        "members": ((HOSTILE, HOSTILE),),
        "frame_uris": (HOSTILE,),
        "continue_uri": "https://rp.example/bye",
        "developer_facts": ((HOSTILE, HOSTILE),),
        "reason": None,
        "error": None if kind is SignIn else HOSTILE,
        "retry_after_seconds": 90,
        "remembered_seconds": 86_400 * 30,
        "remember": False,
        "frame": FRAME,
        "deleted": MOMENT,
    } | SPECIAL.get(kind, {})
    # Other languages than English ask of a number which of their forms it takes.
    texts = {field.name: 3 if field.type in (int, "int") else HOSTILE for field in fields(kind)}
    return kind(**({name: special.get(name, text) for name, text in texts.items()} | more))


def render(view: View, *, development: bool = False, locale: str = "en") -> str:
    """Render a view."""
    return (DEVELOPMENT if development else RENDERER).render(view, request_id="rid", locale=locale)


def outline(kind: type[View], *, development: bool = False, **more: Any) -> Outline:
    """Render a filled view and return what a browser makes of it."""
    return Outline(render(filled(kind, **more), development=development))


EVERY_STATE = [
    *[filled(kind) for kind in KINDS],
    *[filled(SignIn, error=error) for error in ("missing", "credentials", "throttled")],
    *[filled(SignIn, reason=reason, account=ACCOUNT) for reason in ("prompt", "max_age")],
    *[filled(views.SecondFactor, error=error, method=m) for error in (None, "missing", "throttled") for m in METHODS],
    *[
        filled(recovery_views.NewPassword, error=error)
        for error in (None, "short", "long", "common", "name", "repeated")
    ],
    filled(views.SecondFactor, error="mails", method="mailed_code"),
    filled(recovery_views.ForgottenPassword, error=None, back_url=None),
    *[filled(sign_up_views.SignUpStart, error=error) for error in (None, "email", "domain", "throttled")],
    *[filled(sign_up_views.SignUpFinish, name_error=n) for n in ("form", "reserved", "taken", "missing")],
    *[filled(sign_up_views.SignUpFinish, error=error) for error in (None, "person", "breached", "sequence")],
    filled(sign_up_views.SignUpFinish, error=None, is_taken=True),
    filled(SignIn, reason="hint", client=None, error="missing", username=""),
]


@pytest.mark.case("LG-33", "LG-34", "CR-10", "AZ-47")
@pytest.mark.parametrize("view", EVERY_STATE)
def test_hostile_text_stays_text(view: View) -> None:
    """No text of a view becomes markup, an attribute or a template."""
    html = render(view, development=True)
    assert HOSTILE not in html
    page = Outline(html)
    assert HOSTILE in page.text or HOSTILE in page.values("value") + page.values("data-state-cookie")
    assert all(image["src"] != "x" for image in page.all("img"))
    assert not [name for _, found in page.elements for name in found if name.startswith("on") or name == "style"]


@pytest.mark.case("CR-10")
@pytest.mark.parametrize("kind", [views.SignIn, views.Consent, views.AccountChooser, views.SignOutConfirm])
def test_names_cannot_turn_the_text_around_them(kind: type[View]) -> None:
    """A right-to-left override in a name ends with the element that isolates the name."""
    html = render(filled(kind))
    outside = re.sub(r"<bdi>[^<]*</bdi>|<input [^>]*>|<title>[^<]*</title>|\"[^\"]*\"", "", html)
    assert "\u202e" not in outside


@pytest.mark.parametrize("view", EVERY_STATE)
def test_page_is_whole(view: View) -> None:
    """Every page has one h1, one main, a title, a language, unique ids, and keeps its contract."""
    html = render(view)
    page = Outline(html)
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1
    assert page.one("html") == {"lang": "en", "dir": "ltr"}
    assert re.search(r"<title>[^<]+ · Signet</title>", html)
    assert len(set(page.values("id"))) == len(page.values("id"))
    if getattr(view, "client", CLIENT) is not None:
        assert [wanted for wanted in CONTRACT.get(type(view), ()) if wanted not in html] == []


@pytest.mark.parametrize("view", EVERY_STATE)
def test_every_field_has_a_label(view: View) -> None:
    """Whatever can be filled in is named by a label, and what it points at exists (experience, point 1)."""
    page = Outline(render(view))
    shown = {str(found["id"]) for found in page.all("input") if found.get("type") != "hidden"}
    assert shown <= {str(found["for"]) for found in page.all("label")}
    assert set(" ".join(page.values("aria-describedby")).split()) <= set(page.values("id"))
    assert {form["method"] for form in page.all("form")} <= {"post"}
    assert all(button["type"] in {"submit", "button"} for button in page.all("button"))


@pytest.mark.case("LG-36")
@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_hold_nothing_inline(name: str) -> None:
    """No inline script, style or handler, which the Content-Security-Policy would block anyway."""
    text = files("idp.web").joinpath("templates", name).read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|\|\s*safe\b|autoescape", text)
    assert re.findall(r"<script([^>]*)>(?!</script>)", text) == []
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


def test_view_without_what_its_template_needs_is_a_fault() -> None:
    """A name that a view does not have is an error, never an empty space."""
    with pytest.raises(UndefinedError):
        RENDERER.render(filled(SignIn, account=object()), request_id="rid")


@pytest.mark.parametrize(
    ("error", "words"),
    [("credentials", "don’t match"), ("missing", "Something is missing"), ("throttled", "Wait 2 minutes")],
)
def test_error_is_said_in_title_and_summary(error: str, words: str) -> None:
    """The title begins with Error, the summary is an alert that takes the focus, the password is empty."""
    html = render(filled(SignIn, error=error, username="alice"))
    page = Outline(html)
    assert "<title>Error: " in html
    assert "autofocus" in page.one("div", role="alert", tabindex="-1")
    assert words in html
    assert "value" not in page.one("input", id="password")
    assert page.one("input", id="username")["value"] == "alice"
    assert len(re.findall("autofocus", html)) == 1


def test_fields_point_at_what_is_wrong() -> None:
    """After a wrong password both fields point at the summary; when something is missing, each at its own line."""
    wrong = outline(SignIn, error="credentials")
    for field in ("username", "password"):
        marked = wrong.one("input", id=field)
        assert (marked["aria-invalid"], marked["aria-describedby"]) == ("true", "error-summary")
    empty = outline(SignIn, error="missing", username="")
    assert empty.one("input", id="username")["aria-describedby"] == "username-error"
    assert empty.one("input", id="password")["aria-describedby"] == "password-error"
    half = outline(SignIn, error="missing", username="alice")
    assert "aria-invalid" not in half.one("input", id="username")
    assert "aria-invalid" not in outline(SignIn, error="throttled").one("input", id="password")


def test_throttled_page_gives_hope() -> None:
    """Too many tries: how long to wait, and that the password may be right (experience, point 10)."""
    page = outline(SignIn, error="throttled", retry_after_seconds=61)
    assert "Wait 2 minutes." in page.text
    assert "your password may well be right" in page.text
    assert "Wait a minute." in outline(SignIn, error="throttled", retry_after_seconds=60).text


def test_password_managers_find_their_fields() -> None:
    """The fields say what they are for, and nothing keeps a manager or a paste out (experience, points 2 and 4)."""
    page = outline(SignIn)
    assert page.one("input", name="username")["autocomplete"] == "username webauthn"
    password = page.one("input", name="password")
    assert (password["type"], password["autocomplete"]) == ("password", "current-password")
    reveal = page.one("button", type="button")
    assert reveal["aria-label"] == reveal["data-show-name"] == "Show password"
    assert reveal["data-hide-name"] == "Hide password"
    assert "hidden" in reveal


def test_staying_signed_in_is_a_choice() -> None:
    """The box is empty unless the last try had ticked it, and says how long (experience, point 21)."""
    page = outline(SignIn, remembered_seconds=86_400 * 14)
    assert "checked" not in page.one("input", name="remember", type="checkbox")
    assert "for 14 days on this device" in page.text
    assert "for one day on this device" in outline(SignIn, remembered_seconds=3_600).text
    assert "checked" in outline(SignIn, error="credentials", remember=True).one("input", name="remember")


def test_only_a_known_client_can_be_gone_back_to() -> None:
    """Cancel needs no password, and is there only when it leads somewhere."""
    assert "formnovalidate" in outline(SignIn).one("button", id="login-cancel", value="cancel")
    assert outline(SignIn, client=None).all("button", id="login-cancel") == []


@pytest.mark.parametrize("reason", ["prompt", "max_age"])
def test_known_account_is_asked_for_its_password_only(reason: str) -> None:
    """Who has to sign in afresh is told why; the user name stays for the password manager (points 3 and 22)."""
    account = AccountView(name="Dana Demo", login="dana")
    page = outline(SignIn, reason=reason, account=account, other_url="https://idp.example/other")
    assert "Confirm it’s you" in page.text
    assert len(page.all("p", **{"class": "notice"})) == 1
    name = page.one("input", name="username", value="dana", autocomplete="username")
    assert "readonly" in name
    assert page.all("input", name="remember") == []
    assert len(page.all("a", href="https://idp.example/other")) == 1
    assert page.all("a", href=HOSTILE)


def test_someone_else_is_expected() -> None:
    """A hint at another account asks for that one, not to confirm the one signed in."""
    page = outline(SignIn, reason="hint")
    assert "expects another account" in page.text
    assert "Confirm it’s you" not in page.text


def test_page_tells_whom_it_signs_in_to_and_where_it_is() -> None:
    """The client by name, host and logo; the address that may have the password (experience, point 11)."""
    client = ClientView(name="Shop", host="shop.example", logo_url="https://shop.example/logo")
    page = outline(SignIn, client=client, action="https://idp.example/login")
    assert "to continue to Shop" in page.text
    assert "shop.example" in page.text
    assert "Enter this password only on idp.example" in page.text
    logo = page.one("img", src="https://shop.example/logo", referrerpolicy="no-referrer")
    assert (logo["alt"], logo["width"], logo["height"]) == ("Logo of Shop", "44", "44")


def test_consent_says_who_what_and_what_not() -> None:
    """Who asks, for whom, for what in words, and never the password; No is as large as Yes (point 23)."""
    scopes = (ScopeView(title="See your profile", detail="Name."), ScopeView(title="Stay connected", detail=""))
    client = ClientView(name="Shop", host="shop.example", tos_uri="https://shop.example/tos")
    page = outline(views.Consent, client=client, scopes=scopes, account_name="dana")
    for words in ("Allow Shop access?", "shop.example", "Not verified by Signet", "See your profile", "Stay connected"):
        assert words in page.text
    assert "For your account dana" in page.text
    assert "It never gets your password." in page.text
    assert [found["value"] for found in page.all("button", name="action")] == ["allow", "deny"]
    assert [found["href"] for found in page.all("a")] == ["https://shop.example/tos"]
    known = outline(views.Consent, client=ClientView(name="Shop", host="", verified=True))
    assert "Verified by Signet" in known.text
    assert "Not verified" not in known.text


def test_chooser_offers_each_account_and_another() -> None:
    """One button an account with its value and initial, and one for someone else (experience, point 22)."""
    accounts = (AccountView(value="1", name="Dana Demo", login="dana"), AccountView(value="2", name="ß", login="s"))
    page = outline(views.AccountChooser, accounts=accounts)
    assert [found["value"] for found in page.all("button", name="account")] == ["1", "2", "another"]
    assert [account.initial for account in (*accounts, AccountView(name="☂", login="x"))] == ["D", "S", "?"]


def test_way_back_only_when_registered() -> None:
    """After the sign-out a link leads back only when there is one, and the applications are listed (point 27)."""
    page = outline(
        views.SignedOut, applications=("Shop", "Bank"), return_name="Shop", return_uri="https://shop.example"
    )
    assert ["Shop" in page.text, "Bank" in page.text] == [True, True]
    assert [found["href"] for found in page.all("a")] == ["https://shop.example"]
    assert outline(views.SignedOut, applications=(), return_uri=None, return_name=None).all("a") == []


def test_error_page_says_what_helps() -> None:
    """The End-User's error page says what, what to do, the code and the request id, and nothing else."""
    html = render(ErrorPage(title="T", message="M.", advice="A.", error="invalid_request"))
    assert "<title>Error: T · Signet</title>" in html
    for words in ("M. A.", "invalid_request", "rid"):
        assert words in html
    assert 'id="continue"' not in html
    assert "Try again in" not in html


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "in a second."), (30, "in 30 seconds."), (60, "in 60 seconds."), (61, "in 2 minutes.")]
)
def test_error_page_says_when_to_try_again(seconds: int, words: str) -> None:
    """A wait is told in seconds, from two minutes on in minutes."""
    assert f"Try again {words}" in outline(ErrorPage, retry_after_seconds=seconds).text


def test_expired_page_continues_by_one_click() -> None:
    """One prominent link goes on (experience, point 25)."""
    assert outline(ErrorPage, continue_url="https://idp.example/go").one("a", id="continue")["href"].endswith("/go")  # type: ignore[union-attr]


def test_developer_facts_are_for_development() -> None:
    """The registered redirect URIs are shown to the developer, never to the public (experience, point 24)."""
    facts = (("Registered redirect_uri", "https://rp.example/cb"),)
    assert "https://rp.example/cb" in outline(ErrorPage, development=True, developer_facts=facts).text
    assert "https://rp.example/cb" not in outline(ErrorPage, developer_facts=facts).text


@pytest.mark.parametrize("kind", KINDS)
def test_development_is_stamped(kind: type[View]) -> None:
    """Development mode is on every page, production on none."""
    assert "Development mode" in outline(kind, development=True).text
    assert "Development mode" not in outline(kind).text


def test_right_to_left_is_said() -> None:
    """A language written from right to left turns the page."""
    assert '<html lang="ar-EG" dir="rtl">' in render(filled(views.Home), locale="ar-EG")
    assert '<html lang="de" dir="ltr">' in render(filled(views.Home), locale="de")
