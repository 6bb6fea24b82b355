"""Which language a page or a mail is in, and how another one is chosen."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from idp.languages import LANGUAGES, accepted_languages, best_language
from idp.stores.sql.storage import SqlStorage
from idp.web.translations import catalogue
from tests.conftest import furnished
from tests.provider import FULL_CLAIMS, House
from tests.web.test_rendering import EVERY_STATE, Outline, render

WORDS = {tag: catalogue(tag).gettext("Sign in") for tag in LANGUAGES}


def language_of(html: str) -> str:
    """Return the language that a page says to be in; its words have to be in that one."""
    lang = str(Outline(html).one("html")["lang"])
    assert WORDS[lang] in html
    return lang


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[House]:
    """A provider for all of them: no page here changes what it keeps."""
    folder = tmp_path_factory.mktemp("languages")
    (folder / "signet.sqlite3").write_bytes(migrated_file.read_bytes())
    (folder / "signet.sqlite3").chmod(0o600)
    storage = SqlStorage(f"sqlite:///{folder}/signet.sqlite3")
    made = furnished(storage, folder / "key-encryption.key")
    made.add_account("anna", claims=FULL_CLAIMS | {"locale": "de-AT"})
    yield made
    storage.close()


@pytest.mark.parametrize("tag", LANGUAGES)
@pytest.mark.parametrize("view", EVERY_STATE[::7])
def test_pages_are_whole_in_every_language(tag: str, view: object) -> None:
    """They have their words, their direction, and nothing that was not filled in."""
    html = render(view, locale=tag)  # type: ignore[arg-type]
    page = Outline(html)
    assert page.one("html") == {"lang": tag, "dir": "rtl" if tag == "ar" else "ltr"}
    assert len(page.all("h1")) == 1
    assert "%(" not in page.text.replace("%(name)s", "")


@pytest.mark.requirement("OIDC Core", "3.1.2.1")
@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("de", "de"),
        ("fr-CA fr en", "fr"),
        ("xx pt-BR de", "pt"),
        ("zh-TW ja", "ja"),
        ("zh-CN", "zh-Hans"),
        ("se", "es"),
    ],
)
def test_the_client_asks_for_a_language(ready: House, asked: str, shown: str) -> None:
    """The first of `ui_locales` that there is, on every page of the flow, whatever the browser accepts."""
    browser = ready.browser(headers={"accept-language": "es;q=0.1, xx"})
    page = browser.follow(browser.authorize(ui_locales=asked))
    assert language_of(page.text) == shown
    assert page.headers["content-language"] == shown
    again = browser.sign_in(page, password="wrong")
    assert language_of(again.text) == shown


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("de-CH, en;q=0.5", "de"),
        ("en;q=0.2, fr;q=0.9", "fr"),
        ("*, ar;q=0.5", "ar"),
        ("de;q=0, en;q=0", "en"),
        ("", "en"),
        (";;;,,,=q", "en"),
        ("ja;q=2, es;q=1.000", "es"),
        ("xx-" * 5_000, "en"),
        (", ".join(["xx"] * 3_000) + ", de", "en"),
        ("de" + "\xff" * 40 + ", fr", "fr"),
    ],
)
def test_the_browser_accepts_languages(ready: House, header: str, shown: str) -> None:
    """The most wanted that there is; what is malformed or endless is passed over."""
    browser = ready.browser(headers={"accept-language": header.encode("latin-1")})
    page = browser.follow(browser.authorize())
    assert language_of(page.text) == shown


def choose(browser: object, html: str, tag: str, **more: str) -> object:
    """Choose a language on a page."""
    action = next(form["action"] for form in Outline(html).all("form") if "/language?" in str(form["action"]))
    return browser.post(action, data={"language": tag} | more)  # type: ignore[attr-defined]


def test_a_choice_leads_back_and_stays(ready: House) -> None:
    """The page is shown again in the chosen language, and so are others afterwards."""
    browser = ready.browser()
    page = browser.follow(browser.authorize())
    answer = choose(browser, page.text, "ar")
    assert answer.status_code == 303  # type: ignore[attr-defined]
    assert answer.headers["location"] == str(page.url)  # type: ignore[attr-defined]
    shown = browser.get(answer.headers["location"])  # type: ignore[attr-defined]
    assert Outline(shown.text).one("html") == {"lang": "ar", "dir": "rtl"}
    signed_in = browser.sign_in(shown)
    assert signed_in.is_redirect
    assert Outline(browser.get("/").text).one("html")["lang"] == "ar"
    cookie = answer.headers["set-cookie"]  # type: ignore[attr-defined]
    assert cookie.startswith("__Host-signet_language=ar.")
    assert {"HttpOnly", "SameSite=Lax", "Secure", "Path=/"} <= set(cookie.split("; "))


def test_a_choice_on_a_page_counts_before_what_the_client_asked(ready: House) -> None:
    """The later word counts: a choice for the request under way, and `ui_locales` of the next request."""
    browser = ready.browser()
    page = browser.follow(browser.authorize(ui_locales="de"))
    ready.clock.move(5)
    answer = choose(browser, page.text, "fr")
    assert language_of(browser.get(answer.headers["location"]).text) == "fr"  # type: ignore[attr-defined]
    ready.clock.move(5)
    assert language_of(browser.follow(browser.authorize(ui_locales="de")).text) == "de"
    assert language_of(browser.follow(browser.authorize()).text) == "fr"


@pytest.mark.case("LG-22")
@pytest.mark.parametrize(
    "place",
    ["//evil.example", "/\\evil.example", "https://evil.example", "@evil.example", "/\r\nx: y", "", "/" + "a" * 9_000],
)
def test_a_choice_leads_nowhere_else(ready: House, place: str) -> None:
    """Where it leads back to is a path of this origin, or the first page."""
    answer = ready.browser().post("/language", params={"to": place}, data={"language": "de"})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{ready.server.settings.issuer}/"


@pytest.mark.parametrize("form", [{}, {"language": "xx"}, {"language": "../de"}, {"language": "de" * 4_000}])
def test_only_a_language_of_ours_can_be_chosen(ready: House, form: dict[str, str]) -> None:
    """Anything else is refused, and no cookie is set."""
    answer = ready.browser().post("/language", data=form)
    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("value", ["xx.1", "de", "de.", "de.x", "de." + "9" * 40, ".", "de.1.1", "../de.1"])
def test_a_malformed_cookie_says_nothing(ready: House, value: str) -> None:
    """It counts as absent."""
    browser = ready.browser(headers={"cookie": f"__Host-signet_language={value}", "accept-language": "fr"})
    assert Outline(browser.get("/").text).one("html")["lang"] == "fr"


def test_the_account_has_a_language(ready: House) -> None:
    """Who is signed in is spoken to in the language of the account, unless one was chosen."""
    browser = ready.browser(headers={"accept-language": "fr"})
    page = browser.follow(browser.get("/account"))
    assert language_of(page.text) == "fr"
    account = browser.sign_in(page, "anna")
    assert Outline(account.text).one("html")["lang"] == "de"
    choose(browser, account.text, "es")
    assert Outline(browser.get("/account").text).one("html")["lang"] == "es"


def test_refusals_are_in_the_language_too(ready: House) -> None:
    """Those that no handler has seen as well."""
    browser = ready.browser(headers={"accept-language": "de"})
    for answer in (
        browser.get("/nowhere"),
        browser.get("/login"),
        browser.put("/login"),
        browser.get("/" + "x" * 40_000),
    ):
        assert answer.status_code >= 400
        assert Outline(answer.text).one("html")["lang"] == "de"
    assert "Seite nicht gefunden" in browser.get("/nowhere").text
    asked = ready.browser().authorize(client_id="nobody", ui_locales="ja")
    assert Outline(asked.text).one("html")["lang"] == "ja"


def test_switcher_names_languages_in_their_own_words(ready: House) -> None:
    """Each with its `lang`; the one that is shown is marked; a form that works without JavaScript."""
    page = Outline(ready.browser().get("/").text)
    buttons = page.all("button", name="language")
    assert [button["lang"] for button in buttons] == [button["value"] for button in buttons] == list(LANGUAGES)
    assert [button["value"] for button in buttons if "aria-current" in button] == ["en"]
    assert all(name in page.text for name in LANGUAGES.values())


def test_a_page_that_cannot_be_had_again_has_no_switcher(ready: House) -> None:
    """What answers a form would be lost, but for a step of a flow, which is shown again."""
    browser = ready.browser()
    page = browser.follow(browser.authorize())
    wrong = browser.sign_in(page, password="wrong")
    back = parse_qs(urlsplit(str(Outline(wrong.text).all("form")[-1]["action"])).query)["to"]
    assert back == [f"/login?flow={parse_qs(urlsplit(str(page.url)).query)['flow'][0]}"]
    question = browser.post("/oauth2/logout", data={})
    assert 'name="language"' not in question.text


def test_discovery_tells_the_languages(ready: House) -> None:
    """`ui_locales_supported` are those that there is a catalogue of (OIDC Discovery §3)."""
    told = ready.browser().get("/.well-known/openid-configuration").json()["ui_locales_supported"]
    assert told == list(LANGUAGES)


def test_tags_are_matched_by_what_they_are_a_kind_of() -> None:
    """A region is of its language; traditional Chinese is not simplified Chinese; what is too long is none."""
    found = [
        best_language([tag]) for tag in ("DE-at", "pt_PT", "zh", "zh-Hant-HK", "zh-SG", "x" * 99, "", "-", "de-" * 9)
    ]
    assert found == ["de", "pt", "zh-Hans", None, "zh-Hans", None, None, None, "de"]
    assert accepted_languages("a, b;q=0.5, c;q=0.7, d;q=0") == ("a", "c", "b")
