"""From facts to HTML: a `Page` becomes a response with its own Content-Security-Policy."""

from idp.protocol.interaction import form_token
from idp.protocol.messages import NO_STORE, Browser, Fields, Page, Request, Response, with_query
from idp.protocol.pages import FormPost, SessionFrame, SignedOutNotice, SignOutQuestion
from idp.protocol.reader import language_of
from idp.settings import Settings
from idp.specs import rp_initiated_logout
from idp.web.headers import FRAMED, page_policy
from idp.web.pages.language import switch_url
from idp.web.rendering import Renderer
from idp.web.views import (
    AccountChooser,
    Consent,
    FormPostView,
    SessionFrameView,
    SignedOut,
    SignIn,
    SignOutConfirm,
    View,
)

# The same for everybody; a day, after which a browser has what a new release made of it.
FRAME_CACHE: Fields = (("cache-control", "public, max-age=86400"),)


class Presenter:
    """Renders pages. What specifications show has its views here; the pages' own views pass as they are.
    `state_cookie` is the name of the cookie that scripts may read."""

    def __init__(self, renderer: Renderer, settings: Settings, *, state_cookie: str) -> None:
        self._renderer = renderer
        self._issuer = settings.issuer
        self._default_locale = settings.default_locale
        self._state_cookie = state_cookie

    def present(self, page: Page, request: Request) -> Response:
        """Return the page as a response: never cached, so nothing shows after a sign-out, and in nobody's frame (R17);
        both but for the page that is made for frames and speaks of nobody."""
        view, targets = self._view(page, request)
        language = self._language(view, page, request)
        again = self._shown_again_at(view, request)
        html = self._renderer.render(
            view,
            request_id=request.request_id,
            locale=language,
            switch_url=switch_url(self._issuer, again) if again else None,
        )
        wait = view.retry_after_seconds
        retry: Fields = () if wait is None else (("retry-after", str(wait)),)
        return Response(
            status=page.status,
            headers=(
                ("content-type", "text/html; charset=utf-8"),
                ("content-language", language),
                *retry,
                *_rules(view, targets),
            ),
            body=html.encode(),
            browser=page.browser,
        )

    def _language(self, view: View, page: Page, request: Request) -> str:
        # Caches keep that page for everybody.
        if isinstance(view, SessionFrameView):
            return self._default_locale
        return language_of(request, self._default_locale, page.reader)

    def _shown_again_at(self, view: View, request: Request) -> str | None:
        """Return the path and query at which a browser gets this page once more, in another language. What answers a
        form cannot be had again, but for a step of a flow, which its handle leads back to."""
        if isinstance(view, FormPostView | SessionFrameView) or not request.path:
            return None
        if request.method == "GET":
            return with_query(request.path, request.query)
        flow = None if isinstance(view, SignOutConfirm) else getattr(view, "flow", None)
        return with_query(request.path, [("flow", flow)]) if flow else None

    def _view(self, page: Page, request: Request) -> tuple[View, tuple[str, ...]]:
        facts = page.facts
        if isinstance(facts, SignOutQuestion):
            targets = (facts.return_uri,) if facts.return_uri else ()
            return self._sign_out(facts, page.browser or request.browser), targets
        if isinstance(facts, SignedOutNotice):
            return _signed_out(facts), ()
        if isinstance(facts, FormPost):
            return FormPostView(action=facts.uri, members=facts.members), (facts.uri,)
        if isinstance(facts, SessionFrame):
            return SessionFrameView(state_cookie=self._state_cookie), ()
        if not isinstance(facts, View):
            raise TypeError(f"no view for {type(facts).__name__}")
        return facts, page.form_targets

    def _sign_out(self, question: SignOutQuestion, browser: Browser) -> SignOutConfirm:
        return SignOutConfirm(
            action=self._issuer + rp_initiated_logout.CONFIRM_PATH,
            home=self._issuer + "/",
            flow=question.flow,
            csrf_token=form_token(question.flow, browser),
            account_name=question.account_name,
            client_name=question.client_name,
        )


def _signed_out(notice: SignedOutNotice) -> SignedOut:
    return SignedOut(
        applications=notice.client_names,
        return_name=notice.return_name,
        return_uri=notice.return_uri,
        frame_uris=notice.frame_uris,
        continue_uri=notice.continue_uri,
    )


def _rules(view: View, targets: tuple[str, ...]) -> Fields:
    """Return who may keep a page and who may frame it."""
    if isinstance(view, SessionFrameView):
        return (*FRAME_CACHE, *FRAMED)
    frames = view.frame_uris if isinstance(view, SignedOut) else ()
    return (*NO_STORE, *page_policy(targets, frames=frames, images=_images(view)))


def _images(view: View) -> tuple[str, ...]:
    client = view.client if isinstance(view, SignIn | AccountChooser | Consent) else None
    return (client.logo_url,) if client and client.logo_url else ()
