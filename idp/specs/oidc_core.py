"""OpenID Connect Core 1.0: the authentication request (§3.1.2), the ID Token (§2, §3.1.3.6) and its prompts.

UserInfo, the `claims` parameter and request objects are specifications of their own. Self-registration (§7) is left
out: `registration` is refused as §7.2.1 says.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from idp.accounts.grants import needed_consent
from idp.accounts.subjects import account_id_of
from idp.authentication.policy import acr_values_supported, is_enough
from idp.jose.hash_claims import left_half_hash
from idp.languages import LANGUAGES
from idp.languages import translatable as _
from idp.protocol.assurance import needed_by_request
from idp.protocol.authorization import AuthorizationRequest
from idp.protocol.claims_request import CLAIMS_LOCALES
from idp.protocol.client_metadata import check_flag, check_list, check_seconds
from idp.protocol.client_responses import id_token_alg
from idp.protocol.context import Context
from idp.protocol.errors import (
    AccountSelectionRequired,
    ConsentRequired,
    InteractionRequired,
    InvalidRequest,
    LoginRequired,
    ProtocolError,
    RegistrationNotSupported,
)
from idp.protocol.id_token_hints import verify_id_token_hint
from idp.protocol.interaction import PromptState
from idp.protocol.issuance import Issuance
from idp.protocol.parameters import (
    ID_TOKEN_HINT,
    LOGIN_HINT,
    NONCE,
    PROMPT,
    UI_LOCALES,
    Parameter,
    Params,
    parse_text,
    parse_words,
)
from idp.protocol.registry import Registry
from idp.protocol.spec import AcrWish, ClientMember, Phase, Prompt, Scope, Spec
from idp.settings import Settings
from idp.stores.records import Client, Session

# Python's int() would take "1_0" and full-width digits; ten digits are 300 years.
MAX_AGE = re.compile(r"[0-9]{1,10}")


def parse_max_age(text: str) -> int:
    """Parse max_age: whole seconds, ASCII digits."""
    if not MAX_AGE.fullmatch(text):
        raise InvalidRequest("max_age must be a whole number of seconds (OIDC Core section 3.1.2.1).")
    return int(text)


MAX_AGE_PARAMETER = Parameter(name="max_age", parse=parse_max_age)
REGISTRATION = Parameter(name="registration", parse=parse_text, json=True)
# Requests for a preference, never an error when they cannot be met (OIDC Core §3.1.2.1).
DISPLAY = Parameter(name="display", parse=parse_text)
ACR_VALUES = Parameter(name="acr_values", parse=parse_words)


def refuse_registration(request: AuthorizationRequest, _context: Context) -> None:
    """Refuse self-registration by the error of OIDC Core §7.2.1."""
    if request.params.get(REGISTRATION) is not None:
        raise RegistrationNotSupported("The registration parameter is not supported (OIDC Core section 7.2).")


def check_parameters(request: AuthorizationRequest, context: Context) -> None:
    """Refuse what cannot be meant: a bad max_age, an unknown prompt, `none` beside another."""
    request.params.get(MAX_AGE_PARAMETER)
    prompts = request.params.get(PROMPT) or ()
    if not set(prompts) <= set(prompt_values(context.registry, context.settings)):
        raise InvalidRequest("A prompt value is unknown; prompt_values_supported in discovery lists them.")
    if "none" in prompts and len(prompts) > 1:
        raise InvalidRequest("prompt=none cannot stand beside another value (OIDC Core section 3.1.2.1).")


def check_id_token_hint(request: AuthorizationRequest, context: Context) -> AuthorizationRequest | None:
    """Note whom a valid hint names. An expired ID Token is still a hint (OIDC Core §3.1.2.1); one that we did not
    issue to this client is refused."""
    hint = request.params.get(ID_TOKEN_HINT)
    if hint is None:
        return None
    claims = verify_id_token_hint(hint, context)
    if claims["aud"] != request.client.client_id:
        raise InvalidRequest("id_token_hint was issued to another client.")
    return replace(request, hinted_account_id=account_id_of(context.uow, request.client, str(claims["sub"])))


def select_account_reason(state: PromptState) -> str | None:
    """Account selection is due when asked for, not made yet, and there is an account to select."""
    asked = "select_account" in (state.params.get(PROMPT) or ()) and "select_account" not in state.done
    return "prompt" if asked and state.context.browser_sessions else None


def login_reason(state: PromptState) -> str | None:
    """Say why the End-User must sign in (OIDC Core §3.1.2.3), or None.

    Raises `LoginRequired` when someone else signed in than the one whom id_token_hint names. A sign-in within this
    interaction satisfies `prompt=login` and `max_age`, however long the pages after it take. What the client registered
    as `default_max_age` is meant when the request has no `max_age` (OIDC Registration §2)."""
    if state.session is None:
        return "session"
    if state.hinted_account_id not in (None, state.session.account_id):
        if "login" in state.done:
            raise LoginRequired("The End-User who signed in is not the one named by id_token_hint.")
        return "hint"
    return _freshness_reason(state, state.session) or ("acr" if not _is_strong_enough(state) else None)


def _freshness_reason(state: PromptState, session: Session) -> str | None:
    if "login" in state.done:
        return None
    if "login" in (state.params.get(PROMPT) or ()):
        return "prompt"
    max_age = state.params.get(MAX_AGE_PARAMETER)
    if max_age is None:
        max_age = state.client.metadata.get("default_max_age")
    too_old = max_age is not None and state.context.now - session.authenticated_at >= max_age
    return "max_age" if too_old else None


def _is_strong_enough(state: PromptState) -> bool:
    """Tell whether the session reaches the class that is needed (RFC 9470 §4)."""
    if state.session is None or state.account is None:
        return False
    needed = needed_by_request(state.params, state.client, state.account, state.context)
    return is_enough(state.session.acr, needed.acr)


def wished_acr(params: Params, client: Client) -> AcrWish | None:
    """Return what `acr_values` wishes for, or else what the client registered as its default: never essential (OIDC
    Core §3.1.2.1, OIDC Registration §2)."""
    values = params.get(ACR_VALUES) or client.values("default_acr_values")
    return AcrWish(values=values) if values else None


def consent_reason(state: PromptState) -> str | None:
    """Say why consent is needed: it was asked for, or a scope was never agreed to. First-party clients need none."""
    if "consent" in state.done:
        return None
    if "consent" in (state.params.get(PROMPT) or ()):
        return "prompt"
    if state.client.first_party or state.session is None:
        return None
    remembered = state.context.uow.consents.find(state.session.account_id, state.client.client_id)
    return "scope" if needed_consent(remembered, state.scopes) else None


def id_token_claims(issuance: Issuance) -> Mapping[str, Any]:
    """Return the claims of an ID Token; none unless `openid` was granted."""
    grant = issuance.grant
    if issuance.account is None or "openid" not in grant.scopes:
        return {}
    claims: dict[str, Any] = {
        "auth_time": grant.authenticated_at,
        "acr": grant.acr,
        "amr": list(grant.amr),
        "sid": grant.session_id,
    }
    alg = id_token_alg(issuance.client)
    hashed = {"at_hash": issuance.access_token, "c_hash": issuance.code} if alg != "none" else {}
    claims |= {name: left_half_hash(value, alg) for name, value in hashed.items() if value}
    nonce = issuance.carried.get(NONCE)
    return claims | {"nonce": nonce} if nonce is not None else claims


def prompt_values(registry: Registry, settings: Settings) -> tuple[str, ...]:
    """Return the prompt values that are understood (Initiating User Registration 1.0 §4.1)."""
    return ("none", *(prompt.name for prompt in registry.prompts if prompt.is_offered(settings)))


def server_metadata(registry: Registry, settings: Settings) -> Mapping[str, Any]:
    """Return the members of OIDC Discovery §3 that this module answers for."""
    return {
        "acr_values_supported": list(acr_values_supported()),
        "prompt_values_supported": list(prompt_values(registry, settings)),
        "display_values_supported": ["page"],
        "claim_types_supported": ["normal"],
        "ui_locales_supported": list(LANGUAGES),
    }


def _refuse_login(reason: str) -> ProtocolError:
    if reason == "acr":
        return InteractionRequired("The End-User has to sign in more strongly (RFC 9470 section 4).")
    return LoginRequired("The End-User has to sign in.")


SPEC = Spec(
    name="oidc_core",
    document="OIDC Core 1.0",
    requires=("authorization_code",),
    parameters=(
        NONCE,
        PROMPT,
        MAX_AGE_PARAMETER,
        ID_TOKEN_HINT,
        LOGIN_HINT,
        REGISTRATION,
        UI_LOCALES,
        CLAIMS_LOCALES,
        DISPLAY,
        ACR_VALUES,
    ),
    authorization_checks=(
        (Phase.REQUEST, refuse_registration),
        (Phase.REQUEST, check_parameters),
        (Phase.REQUEST, check_id_token_hint),
    ),
    scopes={"openid": Scope(title=_("Know who you are"), detail=_("A stable identifier, and when you signed in."))},
    prompts=(
        Prompt(
            name="select_account",
            path="/accounts",
            reason=select_account_reason,
            refuse=lambda _: AccountSelectionRequired("The End-User has to select an account."),
        ),
        Prompt(
            name="login",
            path="/login",
            reason=login_reason,
            refuse=_refuse_login,
        ),
        Prompt(
            name="consent",
            path="/consent",
            reason=consent_reason,
            refuse=lambda _: ConsentRequired("The End-User has to consent."),
        ),
    ),
    acr_wishes=(wished_acr,),
    id_token_claims=(id_token_claims,),
    # Every ID Token has `auth_time`: to require it asks for what is done anyway.
    client_metadata={
        "default_max_age": ClientMember(check=check_seconds("default_max_age")),
        "require_auth_time": ClientMember(check=check_flag("require_auth_time")),
        "default_acr_values": ClientMember(check=check_list("default_acr_values")),
        # Not of a standard: the operator demands it of everybody who signs in to this client.
        "require_second_factor": ClientMember(check=check_flag("require_second_factor")),
    },
    server_metadata=server_metadata,
)
