"""The back-channel logout receiver (OIDC Back-Channel Logout §2.5-2.8).

A valid logout token ends the named sessions here, tells their open pages, and is remembered: the API refuses access
tokens of a session that ended after they were made, although their signature still holds.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from demo_clients.relying_party.checks import Verdict
from demo_clients.relying_party.csrf import read_form
from demo_clients.relying_party.errors import FormRefused, RelyingPartyError
from demo_clients.relying_party.events import SIGNED_OUT
from demo_clients.relying_party.logout_token import MAX_AGE_SECONDS, verify_logout_token
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.timeline import step

SIGNED_OUT_ELSEWHERE = "You were signed out, because you signed out at the sign-in service or in another application."

_NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class BackchannelLogout:
    """The endpoint that the provider posts logout tokens to."""

    party: RelyingParty

    async def receive(self, request: Request) -> Response:
        """200 when the sessions are over, whether or not there were any; 400 with the reason otherwise (§2.8)."""
        try:
            fields = await read_form(request)
            verdict = await self._verify(fields.get("logout_token", ""))
        except FormRefused as refusal:
            return _refused(refusal.reason)
        except RelyingPartyError:
            # The provider's keys are out of reach: a later delivery may succeed.
            return _refused("The keys to verify the token with cannot be fetched.", status=503)
        if verdict.refusal is not None:
            return _refused(verdict.refusal.reason)
        self._end_sessions(verdict)
        return Response(status_code=200, headers=_NO_STORE)

    async def _verify(self, logout_token: str) -> Verdict:
        party = self.party
        return await verify_logout_token(
            logout_token,
            issuer=party.settings.issuer,
            client_id=party.settings.client_id,
            keys=party.keys,
            seen=party.seen_logout_tokens,
            now=party.now(),
            is_typed=not party.settings.allow_older_provider,
        )

    def _end_sessions(self, verdict: Verdict) -> None:
        party, claims, now = self.party, verdict.claims, self.party.now()
        party.seen_logout_tokens.add(claims["jti"], until=now + 2 * MAX_AGE_SECONDS, now=now)
        party.ended_sessions.add(claims)
        for session in party.sessions.signed_in(session_id=claims.get("sid"), subject=claims.get("sub")):
            session.forget_person(SIGNED_OUT_ELSEWHERE)
            told = [("sid", str(claims.get("sid"))), ("logout_token", verdict.token.raw if verdict.token else "")]
            session.timeline.append(
                step(now, "Provider", party.settings.defaults.name, "Back-channel logout: all checks passed", told)
            )
            party.events.publish(session.id, SIGNED_OUT)


def _refused(reason: str, status: int = 400) -> Response:
    body = {"error": "invalid_request", "error_description": reason}
    return JSONResponse(body, status_code=status, headers=_NO_STORE)
