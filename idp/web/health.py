"""Health for those who watch: terse, unauthenticated, without internals."""

from idp.observe.health import is_ready
from idp.protocol.context import Server
from idp.protocol.messages import Answer, Request, json_response
from idp.protocol.spec import ErrorStyle
from idp.web.routing import Action


def _live(_request: Request, _server: Server) -> Answer:
    return json_response({"status": "live"})


def _ready(_request: Request, server: Server) -> Answer:
    """Ready when the database answers and can be written, its schema is current and a key can sign. Degraded: keys are
    published and tokens verified, but nobody can sign in; whoever spreads requests should prefer another instance."""
    storage = server.storage
    if not is_ready(storage.check, server.keys.signer):
        return json_response({"status": "unavailable"}, status=503)
    if not is_ready(storage.check_writing):
        return json_response({"status": "degraded"}, status=503)
    return json_response({"status": "ready"})


HEALTH_ACTIONS = (
    # Alive is who answers at all, also while every thread waits for the database: else it would be restarted in vain.
    Action(
        path="/health/live",
        methods=("GET",),
        handle=_live,
        errors=ErrorStyle.JSON,
        head=True,
        public=True,
        at_once=lambda _server: _live,
    ),
    *(
        Action(path=path, methods=("GET",), handle=_ready, errors=ErrorStyle.JSON, head=True, public=True)
        for path in ("/health/ready", "/healthz")
    ),
)
