"""What the edge serves at one path, whoever brings it: a specification's endpoint, a page, a file."""

from collections.abc import Callable
from dataclasses import dataclass

from idp.protocol.context import Server, within_group, within_snapshot, within_unit_of_work, without_unit_of_work
from idp.protocol.messages import Answer, Request
from idp.protocol.spec import Cors, Endpoint, ErrorStyle
from idp.stores.interfaces import Group

Handler = Callable[[Request, Server], Answer]
GroupHandler = Callable[[Request, Server, Group], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """The handler of one path, which runs in a thread. What `at_once` returns runs on the event loop instead, for
    nothing in it waits; None where that cannot be now. `in_turn` does so too for what writes, within a group of units
    of work, where the database is embedded. `hashes` ones run in a pool of their own, so that password hashing never
    keeps the token endpoint waiting (R18). `public` ones say the same to everybody, so a success is no news for the
    log."""

    path: str
    methods: tuple[str, ...]
    handle: Handler
    errors: ErrorStyle = ErrorStyle.PAGE
    cors: Cors = Cors.NONE
    hashes: bool = False
    head: bool = False
    public: bool = False
    at_once: Callable[[Server], Handler | None] | None = None
    in_turn: GroupHandler | None = None

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

    def writing(request: Request, server: Server, group: Group) -> Answer:
        return within_group(group, server, request, lambda context: endpoint.handle(request, context))

    at_once: Callable[[Server], Handler | None] | None = None
    in_turn: GroupHandler | None = None
    if (is_ready := endpoint.at_once) is not None:
        handle, at_once = without, lambda server: without if is_ready(server) else None
    elif endpoint.writes and not endpoint.reads_first:
        handle, in_turn = within, writing
    else:
        handle, at_once = within, lambda server: reading if server.storage.is_embedded else None
    return Action(
        path=endpoint.path,
        methods=endpoint.methods,
        handle=handle,
        errors=endpoint.errors,
        cors=endpoint.cors,
        at_once=at_once,
        in_turn=in_turn,
        head=endpoint.cors is Cors.ANY,
        public=endpoint.cors is Cors.ANY,
    )
