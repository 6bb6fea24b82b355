"""The static files, held in memory and served by exact name: no path is ever taken from a request."""

from importlib.resources import files

from idp.protocol.context import Server
from idp.protocol.messages import Fields, Request, Response
from idp.web.routing import Action
from idp.web.theming import Theme

# By suffix. Not as the system's own table has them, which differs from one to the next and takes time to read.
MEDIA_TYPES = {
    "css": "text/css",
    "js": "text/javascript",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webp": "image/webp",
}
# Their URLs carry a digest of their content, so a year is safe (RFC 8246).
CACHE = (("cache-control", "public, max-age=31536000, immutable"), ("cross-origin-resource-policy", "same-origin"))


def static_actions(theme: Theme) -> tuple[Action, ...]:
    """Return one action for each file of `idp/web/static`, and of the theme."""
    folder = files("idp.web").joinpath("static")
    own = tuple(_action(file.name, file.read_bytes()) for file in folder.iterdir() if file.is_file())
    return (*own, *(_action(file.name, file.content, file.headers) for file in theme.files))


def _action(name: str, content: bytes, headers: Fields = ()) -> Action:
    media_type = MEDIA_TYPES[name.rpartition(".")[2]]
    response = Response(headers=(("content-type", media_type), *CACHE, *headers), body=content)

    def handle(_request: Request, _server: Server) -> Response:
        return response

    return Action(
        path=f"/static/{name}", methods=("GET",), handle=handle, head=True, public=True, at_once=lambda _server: handle
    )
