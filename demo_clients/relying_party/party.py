"""One relying party with everything it holds: the composition root of both web applications' common part."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx2

from demo_clients.relying_party.code_flow import CodeFlow
from demo_clients.relying_party.discovery import Discovery
from demo_clients.relying_party.ended_sessions import EndedSessions
from demo_clients.relying_party.events import EventBroker
from demo_clients.relying_party.jwks import KeyCache
from demo_clients.relying_party.outbound import LoopbackTransport, open_client
from demo_clients.relying_party.replay import ReplayMemory
from demo_clients.relying_party.sessions import SessionStore
from demo_clients.relying_party.settings import Settings
from demo_clients.relying_party.tls import trust


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """What the handlers work with. `now` gives whole Unix seconds and is the only clock."""

    settings: Settings
    now: Callable[[], int]
    transport: httpx2.AsyncBaseTransport
    client: httpx2.AsyncClient
    discovery: Discovery
    keys: KeyCache
    code_flow: CodeFlow
    sessions: SessionStore
    events: EventBroker
    seen_logout_tokens: ReplayMemory
    ended_sessions: EndedSessions

    async def close(self) -> None:
        """End the event streams and the connections."""
        self.events.close()
        await self.client.aclose()
        await self.transport.aclose()


def build_party(
    settings: Settings,
    *,
    transport: httpx2.AsyncBaseTransport | None = None,
    now: Callable[[], int] = lambda: int(time.time()),
) -> RelyingParty:
    """Put the parts together; connects nowhere yet. `transport` and `now` are for tests.

    Raises UnusableCertificate if the authorities of the settings cannot be read."""
    wire = transport or LoopbackTransport(httpx2.AsyncHTTPTransport(verify=trust(settings.ca_file), trust_env=False))
    client = open_client(wire)
    discovery = Discovery(settings.issuer, client, now, allow_older=settings.allow_older_provider)
    return RelyingParty(
        settings=settings,
        now=now,
        transport=wire,
        client=client,
        discovery=discovery,
        keys=KeyCache(discovery.key_document, now),
        code_flow=CodeFlow(settings.registration, discovery, wire, now),
        sessions=SessionStore(now),
        events=EventBroker(),
        seen_logout_tokens=ReplayMemory(),
        ended_sessions=EndedSessions(),
    )
