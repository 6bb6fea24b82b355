"""Health for those who watch: terse, unauthenticated, without internals."""

from idp.observe.health import is_ready
from idp.protocol.context import Server
from idp.protocol.messages import Answer, Request, json_response
from idp.protocol.spec import ErrorStyle
from idp.web.routing import Action


def _live(_request: Request, _server: Server) -> Answer:
    return json_response({"status": "live"})


def _ready(_request: Request, server: Server) -> Answer:
    """Ready when the database answers, its schema is current and a key can sign."""
    ready = is_ready(server.storage.check, server.keys.signer)
    return json_response({"status": "ready" if ready else "unavailable"}, status=200 if ready else 503)


HEALTH_ACTIONS = tuple(
    Action(path=path, methods=("GET",), handle=handle, errors=ErrorStyle.JSON, head=True)
    for path, handle in (("/health/live", _live), ("/health/ready", _ready), ("/healthz", _ready))
)
