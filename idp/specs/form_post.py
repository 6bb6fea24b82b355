"""OAuth 2.0 Form Post Response Mode 1.0: the authorization response as a form that the browser posts at once.

Without JavaScript the page shows a button. The page's policy lets its form lead to the client's origin and nowhere
else.
"""

from collections.abc import Mapping

from idp.protocol.authorization import ResponseTarget
from idp.protocol.messages import Page
from idp.protocol.pages import FormPost
from idp.protocol.spec import Spec


def render_form_post(target: ResponseTarget, members: Mapping[str, str]) -> Page:
    """Return the page that posts the members to the redirect URI."""
    return Page(facts=FormPost(uri=target.redirect_uri, members=tuple(members.items())))


SPEC = Spec(
    name="form_post",
    document="OAuth 2.0 Form Post Response Mode 1.0",
    requires=("oauth2",),
    response_modes={"form_post": render_form_post},
)
