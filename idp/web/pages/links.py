"""Links in mails: the token leaves the address bar at once.

An address stays in histories and in proxies' logs, and a mail scanner calls it before its reader does. So a token in
one is only exchanged, as often as it is called, for a handle, which is of use in this browser alone and shows the page;
nothing is used up before that page's form is sent (experience, point 28). The handle says sealed what it stands for:
nothing is stored, however often a link is called (R18).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from idp.jose.compact import InvalidToken, decode_base64url, encode_base64url
from idp.jose.sealing import CannotOpen
from idp.protocol.context import Context
from idp.protocol.errors import Forbidden, LinkExpired
from idp.protocol.messages import Answer, Page, redirect, with_query
from idp.randomness import digest, is_same, new_handle
from idp.web.pages.flow import Form

DIGEST_BYTES = 32

T = TypeVar("T")


def show_link(
    purpose: str, path: str, find: Callable[[str], T], page: Callable[[T, Form], Page], context: Context
) -> Answer:
    """Answer a GET of a link or of its page, at `path`. `find` returns what a token's digest stands for, and raises
    `LinkExpired` for one that does not count."""
    query = Form(context.request.query)
    if not query["token"]:
        return page(find(token_hash_of(purpose, query, context)), query)
    token_hash = digest(query["token"])
    find(token_hash)
    browser = context.request.browser
    browser = replace(browser, browser_id=browser.browser_id or new_handle())
    stands_for = bytes.fromhex(token_hash + (browser.browser_hash or ""))
    handle = encode_base64url(context.server.vault.seal(stands_for, _purpose(purpose))).decode()
    return redirect(with_query(context.server.url(path), [("flow", handle)]), browser=browser)


def token_hash_of(purpose: str, fields: Form, context: Context) -> str:
    """Return the digest of the token that this browser came with, by the handle in `flow`. Raises `LinkExpired` for
    what is none, and `Forbidden` for one of another browser."""
    try:
        opened = context.server.vault.open(decode_base64url(fields["flow"]), _purpose(purpose))
    except (CannotOpen, InvalidToken) as fault:
        raise LinkExpired("This link does not count any more.") from fault
    if not is_same(opened[DIGEST_BYTES:].hex(), context.request.browser.browser_hash or ""):
        raise Forbidden("This page was opened in another browser.", detail="link of another browser")
    return opened[:DIGEST_BYTES].hex()


def _purpose(of: str) -> str:
    return f"link {of}"
