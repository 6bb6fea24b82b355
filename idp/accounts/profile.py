"""What the owner of an account may say about themselves: some standard claims (OIDC Core §5.1), and nothing else.

What an operator decides (roles, whether it is enabled) and what has to be proved first (`email`, `..._verified`) is not
among them, whatever is sent (R9, LG-39).
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from idp.accounts.claims import canonical_tag, checked_claims
from idp.stores.interfaces import UnitOfWork

OWN_CLAIMS = ("name", "given_name", "family_name", "nickname", "birthdate", "website", "locale", "zoneinfo")
# Zones that are named by a place: the others are names of old, and offsets that know no summer.
_REGIONS = (
    *("Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/"),
    *("Australia/", "Europe/", "Indian/", "Pacific/"),
)


def change_profile(uow: UnitOfWork, account_id: str, sent: Mapping[str, str], now: int) -> dict[str, str]:
    """Set those of `OWN_CLAIMS` that were sent, which are untrusted; an empty one is taken away, one that was not sent
    stays. Return what is wrong by claim, in words for developers; then nothing has changed. Raises LookupError."""
    account = uow.accounts.hold(account_id)
    if account is None:
        raise LookupError("whoever is signed in has an account")
    given = {name: sent[name].strip() for name in OWN_CLAIMS if name in sent}
    faults = {name: fault for name, value in given.items() if value and (fault := _fault(name, value))}
    if faults:
        return faults
    kept = {name: value for name, value in account.claims.items() if name not in given}
    claims = kept | {name: value for name, value in given.items() if value} | {"updated_at": now}
    uow.accounts.replace(replace(account, claims=claims, updated_at=now))
    return {}


@lru_cache
def zones() -> tuple[str, ...]:
    """Return the time zones to choose from, by name: those of places, and UTC. Others that the machine knows may be
    said too. Reads the zone database at the first call."""
    return (*sorted(name for name in available_timezones() if name.startswith(_REGIONS)), "UTC")


def _fault(name: str, value: str) -> str:
    if name == "locale" and canonical_tag(value) is None:
        return "locale must be a language tag"
    if name == "zoneinfo" and not _is_zone(value):
        return "zoneinfo must be a time zone"
    try:
        checked_claims({name: value})
        value.encode()
    except ValueError as fault:
        return str(fault)
    return ""


def _is_zone(value: str) -> bool:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        # ZoneInfo reads files, and says by several exceptions that there is none of this name.
        return False
    return True
