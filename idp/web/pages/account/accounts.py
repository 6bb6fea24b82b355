"""The accounts that are signed in in this browser, on every account page: go on with another one of them, sign in to
one more, sign one out.

Its forms belong to the browser and not to the session that the page speaks for: a page that another tab has outrun, or
whose session has ended, still leads to the account that was chosen on it.
"""

from idp.protocol import interaction as interactions
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.interaction import check_form_token
from idp.protocol.messages import Answer, Request, redirect, with_query
from idp.protocol.parameters import Params
from idp.specs.rp_initiated_logout import LogoutRequest, sign_out
from idp.stores.records import Client
from idp.web.pages.account.visit import BROWSER_FORM, ROOT
from idp.web.pages.flow import Form, go_on

PATH = f"{ROOT}/accounts"


def handle(request: Request, server: Server) -> Answer:
    """Take a form. Raises `Forbidden` for one that is not ours (R16)."""
    return within_unit_of_work(server, request, _answer)


def _answer(context: Context) -> Answer:
    form = Form(context.request.form)
    check_form_token(BROWSER_FORM, context.request.browser, form["browser_token"])
    if form["sign_out"]:
        return _sign_out(form["sign_out"], context)
    chosen = [handle for handle, session in context.browser_sessions if session.session_id == form["account"]]
    # One that has ended in the meantime is signed in to again: another account is not what was chosen.
    return _go_on_with(chosen[0], context) if chosen else _sign_in(context)


def _go_on_with(handle: str, context: Context) -> Answer:
    """Put a session first: the next request goes on with it, one of an application too."""
    rest = (other for other, _ in context.browser_sessions if other != handle)
    return redirect(context.server.url(ROOT), browser=context.browser_with(handle, *rest))


def _sign_in(context: Context) -> Answer:
    interaction = interactions.begin(Params.stored({}), context.request.browser.browser_hash, context, own_path=ROOT)
    # No session has an empty id, so the sign-in page is what comes next.
    return go_on(interaction.with_done("select_account", ""), context)


def _sign_out(session_id: str, context: Context) -> Answer:
    """End a session of this browser, and nobody else's, as a sign-out does, and come back to the account pages."""
    back = with_query(context.server.url(ROOT), {"done": "signed_out"})
    us = Client(client_id="", metadata={"client_name": context.settings.product_name}, first_party=True)
    logout = LogoutRequest(client=us, session_id=None, account_id=None, return_uri=back)
    sessions = tuple(session for _, session in context.browser_sessions if session.session_id == session_id)
    return sign_out(sessions, logout, context)
