"""The choice of another language: it is kept in a cookie, and the page that it was made on is shown again."""

import re
from dataclasses import replace

from idp.languages import LANGUAGES
from idp.protocol.context import Server
from idp.protocol.errors import InvalidRequest
from idp.protocol.messages import Answer, LanguageChoice, Request, redirect, with_query
from idp.web.pages.flow import Form
from idp.web.routing import Action

PATH = "/language"
# A path of this origin and its query: "//" would name a host. Written behind the issuer's origin it stays there.
_PLACE = re.compile(r"/(?![/\\])[!-~]{0,8000}")


def switch_url(issuer: str, place: str) -> str | None:
    """Return where the form of the choice is sent on the page at `place`, a path and query; None where that is no place
    to come back to."""
    return with_query(issuer + PATH, [("to", place)]) if _PLACE.fullmatch(place) else None


def handle_language(request: Request, server: Server) -> Answer:
    """Keep the choice and go back. Raises `InvalidRequest` for a language that is none of ours.

    It changes how pages look in this browser and nothing else, so the form has no anti-forgery token."""
    tag, place = Form(request.form)["language"], Form(request.query)["to"]
    if tag not in LANGUAGES:
        raise InvalidRequest("The language is none of those that the pages offer.")
    back = _origin(server) + place if _PLACE.fullmatch(place) else server.url("/")
    return replace(redirect(back), language=LanguageChoice(tag, server.clock.now()))


def _origin(server: Server) -> str:
    scheme, _, rest = server.settings.issuer.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


LANGUAGE_ACTION = Action(path=PATH, methods=("POST",), handle=handle_language)
