"""`/api/accounts`: a customer's accounts for whoever brings an access token that allows to read them."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from demo_clients.bank.ledger import Ledger
from demo_clients.relying_party.bearer import ApiPolicy, BearerRefused, check_bearer, render_refusal
from demo_clients.relying_party.party import RelyingParty


@dataclass(frozen=True, slots=True)
class AccountsApi:
    """The handler; it looks at the bearer token alone, never at a session cookie."""

    party: RelyingParty
    ledger: Ledger
    policy: ApiPolicy

    async def list_accounts(self, request: Request) -> Response:
        """The accounts of the token's subject; otherwise a refusal of RFC 6750 §3."""
        try:
            claims = await check_bearer(self.party, request, self.policy)
        except BearerRefused as refusal:
            return render_refusal(refusal, self.policy)
        accounts = [
            {"id": account, "name": name, "balance_cents": balance}
            for account, name, balance in self.ledger.customer(claims["sub"]).accounts()
        ]
        return JSONResponse({"sub": claims["sub"], "accounts": accounts}, headers={"Cache-Control": "no-store"})
