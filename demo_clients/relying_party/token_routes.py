"""`/token`: why this application believes who signed in; `/timeline`: what passed on the wire; `/renew`."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from demo_clients.relying_party.access_token import verify_access_token
from demo_clients.relying_party.cookies import browser_of
from demo_clients.relying_party.csrf import check_own_form, read_form
from demo_clients.relying_party.errors import RelyingPartyError, SignInEnded, SignInNeeded
from demo_clients.relying_party.jwks import KeySet
from demo_clients.relying_party.jws import has_valid_signature
from demo_clients.relying_party.pages import Pages
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.sessions import Identity, IssuedToken, Session
from demo_clients.relying_party.sign_in_routes import see_other
from demo_clients.relying_party.token_view import TokenView, duration, view_of
from demo_clients.relying_party.tokens import access_token_for

NAMELESS = "a key without a name"


@dataclass(frozen=True, slots=True)
class KeyStory:
    """Which key signed the ID Token, which ones the provider publishes now, and whether the token still verifies."""

    signed_by: str
    published: tuple[str, ...]
    fetched_at: int
    still_verifies: bool


@dataclass(frozen=True, slots=True)
class TokenRoutes:
    """Handlers of the pages about tokens."""

    party: RelyingParty
    pages: Pages

    async def show(self, request: Request) -> Response:
        """The verification page."""
        session, identity = signed_in(request)
        await self._peer_token_or_reason(session)
        keys = await self.party.keys.refetch()
        return self.pages.render(
            request,
            "token.html",
            id_token=self._id_token_view(identity),
            access_tokens=[view for token in _current(session) if (view := await self._access_token_view(token))],
            keys=_key_story(identity, keys),
            tokens=session.tokens,
            userinfo=identity.userinfo,
        )

    async def renew(self, request: Request) -> Response:
        """Use the refresh token now, although the access token is still good."""
        session, _ = signed_in(request)
        check_own_form(request, session, await read_form(request), self.party.settings.base_url)
        await access_token_for(self.party, session, self.party.settings.peer_resource, renew=True)
        return see_other("/token#access-tokens")

    async def timeline(self, request: Request) -> Response:
        """What passed between the browser, us and the provider."""
        session = browser_of(request).session
        return self.pages.render(request, "timeline.html", steps=list(session.timeline) if session else [])

    async def _peer_token_or_reason(self, session: Session) -> None:
        """Get the token for the peer's API if it can be had: the page is there without it too."""
        try:
            await access_token_for(self.party, session, self.party.settings.peer_resource)
        except SignInEnded:
            raise
        except RelyingPartyError:
            return

    def _id_token_view(self, identity: Identity) -> TokenView | None:
        purpose = "It tells this application who signed in. It is for no other eyes, and it opens nothing."
        return view_of("id-token", "ID Token", purpose, identity.id_token, self.party.now())

    async def _access_token_view(self, token: IssuedToken) -> TokenView | None:
        party, now = self.party, self.party.now()
        verdict = await verify_access_token(
            token.value, issuer=party.settings.issuer, resource=token.resource, keys=party.keys, now=now
        )
        left = f"it expires in {duration(token.expires_at - now)}" if token.expires_at > now else "it has expired"
        purpose = f"It opens {self._name_of(token.resource)} and nothing else; {left}."
        anchor = f"access-token-{list(_names(party)).index(token.resource)}"
        return view_of(anchor, f"Access token for {self._name_of(token.resource)}", purpose, verdict, now)

    def _name_of(self, resource: str) -> str:
        return _names(self.party)[resource]


def signed_in(request: Request) -> tuple[Session, Identity]:
    """The session and who is signed in with it. Raises SignInNeeded."""
    session = browser_of(request).session
    if session is None or session.identity is None:
        raise SignInNeeded("This page is about you, and nobody is signed in.", remedy="Please sign in first.")
    return session, session.identity


def _names(party: RelyingParty) -> dict[str, str]:
    settings = party.settings
    return {
        settings.issuer: "UserInfo",
        settings.peer_resource: f"the {settings.defaults.peer_name}'s API",
        settings.resource: "our own API",
    }


def _current(session: Session) -> list[IssuedToken]:
    return list(session.tokens.current.values()) if session.tokens else []


def _key_story(identity: Identity, keys: KeySet) -> KeyStory:
    token = identity.id_token.token
    kid = token.header.get("kid") if token else None
    key = keys.named(kid) if isinstance(kid, str) else keys.only
    return KeyStory(
        signed_by=kid or (key and key.kid) or NAMELESS,
        published=tuple(key.kid or NAMELESS for key in keys.keys),
        fetched_at=keys.fetched_at,
        still_verifies=token is not None and key is not None and has_valid_signature(token, key),
    )
