"""What the edge serves at one path, whoever brings it: a specification's endpoint, a page, a file."""

from collections.abc import Callable
from dataclasses import dataclass

from idp.protocol.context import Server, within_snapshot, within_unit_of_work, without_unit_of_work, without_waiting
from idp.protocol.messages import Answer, Request
from idp.protocol.spec import Cors, Endpoint, ErrorStyle

Handler = Callable[[Request, Server], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """The handler of one path, which runs in a thread. What `at_once` returns runs on the event loop instead, for
    nothing in it waits; None where that cannot be now. `in_turn` says that it writes, so that only one at a time can
    run. `hashes` ones run in a pool of their own, so that password
    hashing never keeps the token endpoint waiting (R18). `public` ones say the same to everybody, so a success is
    no news for the log."""

    path: str
    methods: tuple[str, ...]
    handle: Handler
    errors: ErrorStyle = ErrorStyle.PAGE
    cors: Cors = Cors.NONE
    hashes: bool = False
    head: bool = False
    public: bool = False
    at_once: Callable[[Server], Handler | None] | None = None
    in_turn: bool = False

    @property
    def allow(self) -> str:
        """The Allow header (RFC 9110 §10.2.1)."""
        preflight = ("OPTIONS",) if self.cors is not Cors.NONE else ()
        return ", ".join((*self.methods, *(("HEAD",) if self.head else ()), *preflight))


def endpoint_action(endpoint: Endpoint) -> Action:
    """Return the action of a specification's endpoint: one unit of work around its handler, or none where it needs
    memory alone. Where the database is embedded none of them is worth a thread."""

    def within(request: Request, server: Server) -> Answer:
        return within_unit_of_work(
            server, request, lambda context: endpoint.handle(request, context), writes=endpoint.writes
        )

    def without(request: Request, server: Server) -> Answer:
        return endpoint.handle(request, without_unit_of_work(server, request))

    def reading(request: Request, server: Server) -> Answer:
        return within_snapshot(server, request, lambda context: endpoint.handle(request, context))

    def writing(request: Request, server: Server) -> Answer:
        return without_waiting(server, request, lambda context: endpoint.handle(request, context))

    in_turn = endpoint.at_once is None and endpoint.writes and not endpoint.reads_first
    if endpoint.at_once is not None:
        is_ready, handle, at_once = endpoint.at_once, without, without
    else:
        is_ready, handle, at_once = _is_embedded, within, writing if in_turn else reading
    return Action(
        path=endpoint.path,
        methods=endpoint.methods,
        handle=handle,
        errors=endpoint.errors,
        cors=endpoint.cors,
        at_once=lambda server: at_once if is_ready(server) else None,
        in_turn=in_turn,
        head=endpoint.cors is Cors.ANY,
        public=endpoint.cors is Cors.ANY,
    )


def _is_embedded(server: Server) -> bool:
    return server.storage.is_embedded
