"""What the edge serves at one path, whoever brings it: a specification's endpoint, a page, a file."""

from collections.abc import Callable
from dataclasses import dataclass

from idp.protocol.context import Server, within_unit_of_work, without_unit_of_work
from idp.protocol.messages import Answer, Request
from idp.protocol.spec import Cors, Endpoint, ErrorStyle

Handler = Callable[[Request, Server], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """The handler of one path. Where `at_once` says so it answers on the event loop, for it needs memory alone; else in
    a thread. `hashes` ones run in a pool of their own, so that password hashing never keeps the token endpoint waiting
    (R18)."""

    path: str
    methods: tuple[str, ...]
    handle: Handler
    errors: ErrorStyle = ErrorStyle.PAGE
    cors: Cors = Cors.NONE
    hashes: bool = False
    head: bool = False
    at_once: Callable[[Server], bool] | None = None

    @property
    def allow(self) -> str:
        """The Allow header (RFC 9110 §10.2.1)."""
        preflight = ("OPTIONS",) if self.cors is not Cors.NONE else ()
        return ", ".join((*self.methods, *(("HEAD",) if self.head else ()), *preflight))


def endpoint_action(endpoint: Endpoint) -> Action:
    """Return the action of a specification's endpoint: one unit of work around its handler."""

    def handle(request: Request, server: Server) -> Answer:
        if endpoint.at_once is not None:
            return endpoint.handle(request, without_unit_of_work(server, request))
        return within_unit_of_work(
            server, request, lambda context: endpoint.handle(request, context), writes=endpoint.writes
        )

    return Action(
        path=endpoint.path,
        methods=endpoint.methods,
        handle=handle,
        errors=endpoint.errors,
        cors=endpoint.cors,
        at_once=endpoint.at_once,
        head=endpoint.cors is Cors.ANY,
    )
