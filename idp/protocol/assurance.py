"""How well someone must have signed in: what the request asks for, what the operator demands of the client and of the
account's roles, and what the account's owner has set up (R23).

A request that only wishes for more than the account can do gets what there is (OIDC Core §3.1.2.1); one that insists
is refused (OIDC Core §5.5.1.1, RFC 9470 §4), and what the operator demands has to be set up first.
"""

from dataclasses import dataclass

from idp.accounts import browsers
from idp.authentication.methods import SECOND_FACTORS, mailed_code
from idp.authentication.methods.second_factor import SecondFactor
from idp.authentication.policy import (
    MULTI_FACTOR_CLASS,
    PASSWORD_CLASS,
    acr_of,
    acr_values_supported,
    is_enough,
    strongest,
    weakest,
)
from idp.protocol.context import Context
from idp.protocol.errors import UnmetAuthenticationRequirements
from idp.protocol.parameters import Params
from idp.stores.records import Account, Client, Session

# Long enough to read one page after the sign-in.
FRESH_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What is needed: the class that satisfies everybody, and whether it may have to be set up first."""

    acr: str | None
    may_set_up: bool = False


def needed_by_request(params: Params, client: Client, account: Account, context: Context) -> Needed:
    """Return what this request and the operator need of this account. Raises `UnmetAuthenticationRequirements` for what
    no account can reach here."""
    able = _strongest_of(ready_factors(account.account_id, context))
    demanded = _demanded(client, account, context)
    asked: list[str | None] = [demanded]
    for wish in (wish_of(params, client) for wish_of in context.registry.acr_wishes):
        least = weakest(wish.values) if wish else None
        if wish is None or (least is None and not wish.essential):
            continue
        if wish.essential and not is_enough(strongest((able, MULTI_FACTOR_CLASS)) or "", least):
            raise UnmetAuthenticationRequirements("This account cannot sign in as strongly as the request demands.")
        if wish.essential or is_enough(able, least):
            asked.append(least)
    return Needed(acr=strongest(asked), may_set_up=not is_enough(able, strongest(asked)))


def acr_to_tell(params: Params, client: Client, acr: str, context: Context) -> str:
    """Return the class that the client is told of a session: where it insists on certain ones, the strongest of those,
    for it compares texts (OIDC Core §5.5.1.1)."""
    wishes = (wish_of(params, client) for wish_of in context.registry.acr_wishes)
    essential = {value for wish in wishes if wish and wish.essential for value in wish.values}
    reached = [value for value in acr_values_supported() if value in essential and is_enough(acr, value)]
    return strongest(reached) or acr


def needed_at_sign_in(params: Params, client: Client, account: Account, context: Context) -> Needed:
    """Return what a new session of this account needs: also what its owner wants, but for where they had the browser
    remembered. That waives nothing that anybody else needs, and no class is claimed for it (R23)."""
    needed = needed_by_request(params, client, account, context)
    own = None if is_remembered_here(account.account_id, context) else wanted_by_owner(account.account_id, context)
    return Needed(acr=strongest((needed.acr, own)), may_set_up=needed.may_set_up)


def wanted_by_owner(account_id: str, context: Context) -> str | None:
    """Return the class that the account's owner wants by what they have set up."""
    wants = any(factor.counts_as_set_up for factor in ready_factors(account_id, context))
    return MULTI_FACTOR_CLASS if wants else None


def is_remembered_here(account_id: str, context: Context) -> bool:
    """Tell whether the account's owner had this browser remembered."""
    days, handles = context.settings.second_factor.remember_device_days, context.request.browser.device_handles
    return browsers.is_remembered(context.uow, account_id, handles, context.now, days=days)


def own_factors(account_id: str, context: Context) -> tuple[SecondFactor, ...]:
    """Return the second factors that the account has, in the order in which they are offered."""
    there = {authenticator.method for authenticator in context.uow.authenticators.list(account_id)}
    return tuple(factor for factor in SECOND_FACTORS if factor.name in there - {mailed_code.NAME})


def ready_factors(account_id: str, context: Context) -> tuple[SecondFactor, ...]:
    """Return the second factors that can be asked for: those that the account has, or else a code by mail, where the
    operator allows that."""
    found, settings = own_factors(account_id, context), context.settings
    if found or not (settings.allow_mailed_codes and settings.sends_mail):
        return found
    account = context.uow.accounts.find(account_id)
    return (mailed_code.METHOD,) if account is not None and mailed_code.can_be_mailed(account) else ()


def factors_for(account_id: str, amr: tuple[str, ...], least: str | None, context: Context) -> tuple[SecondFactor, ...]:
    """Return those that, beside what was proved already (`amr`), reach a class."""
    return tuple(
        each for each in ready_factors(account_id, context) if is_enough(acr_of(with_factor(amr, each)), least)
    )


def with_factor(amr: tuple[str, ...], factor: SecondFactor) -> tuple[str, ...]:
    """Return what was proved together with a second factor."""
    return tuple(dict.fromkeys((*amr, *factor.amr, "mfa")))


def reachable(account_id: str, context: Context) -> str:
    """Return the strongest class that the account can reach by what it has."""
    return _strongest_of(own_factors(account_id, context))


def may_add_passkey(session: Session, context: Context) -> bool:
    """Tell whether this session's owner may add a passkey: signed in just now, and as strongly as the account can, for
    a passkey passes every second factor: else a password alone would open what it protects (R16)."""
    is_fresh = session.authenticated_at + FRESH_SECONDS > context.now
    return is_fresh and is_enough(session.acr, reachable(session.account_id, context))


def _strongest_of(factors: tuple[SecondFactor, ...]) -> str:
    reached = (acr_of(with_factor((), factor)) for factor in factors)
    return strongest((PASSWORD_CLASS, *reached)) or PASSWORD_CLASS


def is_demanded_of(account: Account, context: Context) -> bool:
    """Tell whether the operator demands a second factor of this account, whatever it signs in to."""
    settings = context.settings.second_factor
    return settings.required or not set(settings.required_for_roles).isdisjoint(account.roles)


def _demanded(client: Client, account: Account, context: Context) -> str | None:
    """Return what the operator demands: of everybody, of the client's users, of accounts with certain roles."""
    is_demanded = client.metadata.get("require_second_factor", False) or is_demanded_of(account, context)
    return MULTI_FACTOR_CLASS if is_demanded else None
