"""The Bank's API for whoever brings an access token: `/api/accounts` to read, `/api/transfers` to move money."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from demo_clients.bank.ledger import Ledger, TransferRefused
from demo_clients.relying_party.bearer import ApiPolicy, BearerRefused, check_bearer, render_refusal
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.strict_json import NotStrictJson, parse_object

TRANSFERS_PATH = "/api/transfers"
_NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class BankApi:
    """The handlers; they look at the bearer token alone, never at a session cookie. To move money takes a stronger
    sign-in than to look at it."""

    party: RelyingParty
    ledger: Ledger
    reading: ApiPolicy
    moving: ApiPolicy

    async def list_accounts(self, request: Request) -> Response:
        """The accounts of the token's subject; otherwise a refusal of RFC 6750 §3."""
        try:
            claims = await check_bearer(self.party, request, self.reading)
        except BearerRefused as refusal:
            return render_refusal(refusal, self.reading)
        accounts = [
            {"id": account, "name": name, "balance_cents": balance}
            for account, name, balance in self.ledger.customer(claims["sub"]).accounts()
        ]
        return JSONResponse({"sub": claims["sub"], "accounts": accounts}, headers=_NO_STORE)

    async def transfer(self, request: Request) -> Response:
        """Move `amount` from `source` to the other account of the token's subject: 201, 400 with the reason, or a
        refusal of RFC 6750 §3, which is a step-up challenge (RFC 9470 §3) when the sign-in was not strong enough."""
        try:
            claims = await check_bearer(self.party, request, self.moving)
        except BearerRefused as refusal:
            return render_refusal(refusal, self.moving)
        try:
            asked = parse_object(await request.body())
            self.ledger.transfer(
                claims["sub"], _text(asked.get("source")), _text(asked.get("amount")), self.party.now()
            )
        except NotStrictJson as fault:
            return _bad_request(f"The body {fault}.")
        except TransferRefused as fault:
            return _bad_request(str(fault))
        return JSONResponse({"sub": claims["sub"]}, status_code=201, headers=_NO_STORE)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _bad_request(description: str) -> Response:
    return JSONResponse(
        {"error": "invalid_request", "error_description": description}, status_code=400, headers=_NO_STORE
    )
