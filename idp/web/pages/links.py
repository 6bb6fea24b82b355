"""Links in mails: the token leaves the address bar at once.

An address stays in histories and in proxies' logs, and a mail scanner calls it before its reader does. So a token in
one is only exchanged, as often as it is called, for the handle of a visit, which is of use in this browser alone and
shows the page; nothing is used up before that page's form is sent (experience, point 28).
"""

from dataclasses import replace

from idp.protocol.context import Context
from idp.protocol.errors import Forbidden, LinkExpired
from idp.protocol.messages import Answer, redirect, with_query
from idp.randomness import digest, is_same, new_handle
from idp.stores.records import Artifact

KIND = "link_visit"


def open_visit(purpose: str, token: str, path: str, expires_at: int, context: Context) -> Answer:
    """Redirect to the page at `path`, which finds the token's digest by `load_visit` until the link's own end."""
    browser = context.request.browser
    browser = replace(browser, browser_id=browser.browser_id or new_handle())
    handle = new_handle()
    payload = {"purpose": purpose, "token_hash": digest(token), "browser_hash": browser.browser_hash}
    context.uow.artifacts.add(
        Artifact(kind=KIND, handle_hash=digest(handle), payload=payload, created_at=context.now, expires_at=expires_at)
    )
    return redirect(with_query(context.server.url(path), [("flow", handle)]), browser=browser)


def load_visit(purpose: str, handle: str, context: Context) -> str:
    """Return the digest of the token that this browser came with. Raises `LinkExpired`, and `Forbidden` for the visit
    of another browser."""
    found = context.uow.artifacts.find(KIND, digest(handle))
    if found is None or found.expires_at <= context.now or found.payload["purpose"] != purpose:
        raise LinkExpired("This link does not count any more.")
    browser_hash = context.request.browser.browser_hash
    if browser_hash is None or not is_same(found.payload["browser_hash"], browser_hash):
        raise Forbidden("This page was opened in another browser.", detail="visit of another browser")
    return str(found.payload["token_hash"])
