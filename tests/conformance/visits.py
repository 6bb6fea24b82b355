"""One URL of a module in the browser: signing in, consenting, signing out, until the suite has its answer."""

import html
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from playwright.sync_api import BrowserContext, Page
from playwright.sync_api import Error as BrowserFault

from tests.conformance import accounts
from tests.conformance.pictures import (
    ACCOUNTS,
    CONFIRM,
    CONSENT,
    DELIVERED,
    ERROR,
    LOGGED_OUT,
    LOGIN,
    NOTHING,
    WantedPicture,
)
from tests.conformance.suite import Errand

_MOST_PAGES = 12
_SETTLE_MILLISECONDS = 15_000
_RETURN_MILLISECONDS = 12_000
# Which element tells which page it is: ours by their contract, then the suite's two that say it has the answer.
_MARKS = {
    DELIVERED: "#submission_complete, #complete:not(.collapse)",
    ERROR: "#op-error",
    LOGGED_OUT: "#logged-out",
    CONFIRM: "#logout-confirm",
    CONSENT: "#consent-allow",
    LOGIN: "#login-submit",
    ACCOUNTS: "button.account",
}
_BUTTONS = {CONSENT: "#consent-allow", CONFIRM: "#logout-confirm", ACCOUNTS: "button.account"}


@dataclass(frozen=True, slots=True)
class Visit:
    """How one visit ended: on which page, what stood there, and whether the wanted picture was taken."""

    page: str
    heading: str
    url: str
    pictured: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """The person at the browser."""

    context: BrowserContext
    suite: str
    password: str
    keep: Callable[[WantedPicture, bytes], None]

    def visit(self, errand: Errand, wanted: WantedPicture | None) -> Visit:
        """Follow a URL to its end; a wanted picture is taken and kept on the way."""
        page = self.context.new_page()
        try:
            self._open(page, errand)
            return self._follow(page, wanted)
        finally:
            page.close()

    def _open(self, page: Page, errand: Errand) -> None:
        if errand.method != "POST":
            page.goto(errand.url, wait_until="commit")
            return
        # From a page of the suite's own origin, as a relying party would do it.
        origin_page = f"{self.suite}/post-authorization-request"
        page.route(origin_page, lambda route: route.fulfill(body=_posting_form(errand.url), content_type="text/html"))
        page.goto(origin_page, wait_until="commit")

    def _follow(self, page: Page, wanted: WantedPicture | None) -> Visit:
        pictured = ""
        for _ in range(_MOST_PAGES):
            kind = _settle(page)
            if wanted and not pictured and kind in wanted.pages and _shows(page, wanted.element):
                pictured = self._picture(page, wanted)
                if wanted.is_the_end:
                    return _ended(page, kind, pictured)
            if kind == LOGGED_OUT:
                return _ended(page, _await_return(page), pictured)
            if kind in {DELIVERED, ERROR, NOTHING}:
                return _ended(page, kind, pictured)
            self._go_on(page, kind)
        return _ended(page, NOTHING, pictured)

    def _go_on(self, page: Page, kind: str) -> None:
        with page.expect_navigation(wait_until="commit"):
            if kind == LOGIN:
                username = page.locator("[name=username]")
                if username.is_editable():
                    username.fill(accounts.USERNAME)
                page.fill("[name=password]", self.password)
                page.click("#login-submit")
            else:
                page.locator(_BUTTONS[kind]).first.click()

    def _picture(self, page: Page, wanted: WantedPicture) -> str:
        page.wait_for_load_state("load")
        self.keep(wanted, page.screenshot(full_page=True))
        return _heading(page)


def _settle(page: Page) -> str:
    """Return which page it is, once it is one that can be told."""
    try:
        page.locator(", ".join(_MARKS.values())).first.wait_for(state="attached", timeout=_SETTLE_MILLISECONDS)
        return next((kind for kind, mark in _MARKS.items() if page.locator(mark).count()), NOTHING)
    except BrowserFault:
        return NOTHING


def _await_return(page: Page) -> str:
    """Return whether the signed-out page led back to the suite, which it does only for a client's own sign-out."""
    try:
        page.locator(_MARKS[DELIVERED]).first.wait_for(state="attached", timeout=_RETURN_MILLISECONDS)
    except BrowserFault:
        return LOGGED_OUT
    return DELIVERED


def _shows(page: Page, element: str) -> bool:
    """Return whether the page has the element; an image counts once there is something to see."""
    page.wait_for_load_state("load")
    found = page.locator(element)
    return any(found.nth(at).evaluate("each => each.naturalWidth !== 0") for at in range(found.count()))


def _ended(page: Page, kind: str, pictured: str) -> Visit:
    return Visit(kind, _heading(page), page.url, pictured)


def _heading(page: Page) -> str:
    try:
        return page.locator("h1").first.inner_text(timeout=500).strip()
    except BrowserFault:
        return ""


def _posting_form(url: str) -> str:
    parts = urlsplit(url)
    action = html.escape(urlunsplit(parts._replace(query="")))
    fields = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    form = f'<form method="post" action="{action}">{fields}</form>'
    return f"<!doctype html>{form}<script>document.forms[0].submit()</script>"
