"""Forms that change something: only from our own pages, only with the token of this very session (RFC 9700 §4.7)."""

import hmac
from collections.abc import Mapping

from starlette.requests import Request

from demo_clients.relying_party.errors import FormRefused
from demo_clients.relying_party.sessions import Session

FIELD = "csrf_token"

_FORM_TYPE = "application/x-www-form-urlencoded"
_MAX_FIELDS = 20


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of an urlencoded form. Raises FormRefused for another media type or a field that comes twice."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _FORM_TYPE:
        raise FormRefused("The request is no form that a page of ours sends.")
    async with request.form(max_files=0, max_fields=_MAX_FIELDS) as form:
        items = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    fields = dict(items)
    if len(fields) != len(items):
        raise FormRefused("The form has the same field twice.")
    return fields


def check_own_form(request: Request, session: Session | None, fields: Mapping[str, str], origin: str) -> None:
    """Refuse a form that another site made the browser send, or that a page of an earlier session sends."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise FormRefused("The form was sent by a page of another site.")
    # Under `Referrer-Policy: no-referrer` browsers send "null" for our own forms (Fetch §3.2); the token decides.
    if request.headers.get("origin", origin) not in (origin, "null"):
        raise FormRefused("The form was sent by a page of another site.")
    expected = session.csrf_token if session is not None else ""
    given = fields.get(FIELD, "")
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise FormRefused(
            "The page that this form is on is out of date, perhaps because you signed in or out in another tab.",
            remedy="Please reload the page and try again.",
        )
