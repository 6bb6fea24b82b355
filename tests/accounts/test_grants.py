"""Whether a grant still counts, and what is still to be consented to."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from idp.accounts.accounts import disable_account
from idp.accounts.clients import disable_client, enable_client
from idp.accounts.grants import grant_is_live, needed_consent, remember_consent
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Account, Client, Grant, Session, Standing
from tests.accounts.world import LIFETIMES, NOW, World

END = NOW + LIFETIMES.session_seconds


@pytest.fixture
def alice(world: World) -> Account:
    """An account."""
    return world.account()


@pytest.fixture
def client(world: World) -> Client:
    """The client of the grants."""
    return world.client()[0]


@pytest.fixture
def session(world: World, alice: Account) -> Session:
    """A session of the account."""
    return world.start(alice).session


def _is_live(world: World, grant: Grant, now: int = NOW) -> bool:
    def ask(uow: UnitOfWork) -> bool:
        account, session = uow.accounts.find(grant.account_id or ""), uow.sessions.find(grant.session_id or "")
        client = uow.clients.find(grant.client_id)
        return grant_is_live(Standing(grant=grant, client=client, account=account, session=session), now)

    return world.read(ask)


@pytest.mark.case("TK-25", "TK-26")
def test_a_grant_bound_to_its_session(world: World, alice: Account, client: Client, session: Session) -> None:
    """It outlives idleness, ends at the session's absolute end, and at once when the session is ended."""
    grant = world.grant("g", alice, session)
    assert _is_live(world, grant, END - 1)
    assert not _is_live(world, grant, END)
    world.sessions = type(world.sessions)(LIFETIMES, ())
    world.end(session)
    assert not _is_live(world, grant)


@pytest.mark.case("TK-25", "SS-14")
@pytest.mark.requirement("OIDC Core", "11")
def test_an_offline_grant(world: World, alice: Account, client: Client, session: Session) -> None:
    """It survives the session and ends at its own absolute end, to the second."""
    grant = world.grant("g", alice, session, offline=True, expires_at=END + 100)
    world.end(session)
    assert _is_live(world, grant, END + 99)
    assert not _is_live(world, grant, END + 100)


def test_a_session_that_is_gone_takes_its_grants_along(
    world: World, alice: Account, client: Client, session: Session
) -> None:
    """A grant whose session record has been swept away is dead."""
    assert not _is_live(world, world.grant("g", alice, replace(session, session_id="swept")))


@pytest.mark.case("TK-10", "TK-23")
@pytest.mark.parametrize("offline", [True, False])
@pytest.mark.parametrize("loss", ["revoked", "account disabled", "account gone", "client disabled", "client gone"])
def test_a_grant_dies_with_what_it_rests_on(
    world: World, alice: Account, client: Client, session: Session, loss: str, offline: bool
) -> None:
    """Without its client, its account, or itself, a grant no longer counts, offline or not."""
    more: dict[str, Any] = {"account gone": {"account_id": "x"}, "client gone": {"client_id": "x"}}.get(loss, {})
    grant = world.grant("g", alice, session, offline=offline)
    assert _is_live(world, grant)
    losses: dict[str, Callable[..., object]] = {
        "revoked": lambda uow: uow.grants.revoke("g", NOW),
        "account disabled": lambda uow: disable_account(uow, world.sessions, alice, NOW),
        "client disabled": lambda uow: disable_client(uow, client, NOW),
    }
    world.write(losses.get(loss, lambda uow: None))
    now_kept = world.read(lambda uow: uow.grants.find("g"))
    assert now_kept is not None
    assert not _is_live(world, replace(now_kept, **more))


def test_a_disabled_client_does_not_get_its_grants_back(
    world: World, alice: Account, client: Client, session: Session
) -> None:
    """Enabling a client again leaves its former grants revoked."""
    world.grant("g", alice, session)
    disabled = world.write(lambda uow: disable_client(uow, client, NOW + 1))
    world.write(lambda uow: enable_client(uow, disabled, NOW + 2))
    assert world.revoked_at("g") == NOW + 1


def test_a_client_for_itself(world: World, alice: Account, client: Client) -> None:
    """A grant of client_credentials has neither account nor session and rests on the client alone."""
    grant = world.grant("g", alice, None, account_id=None)
    assert _is_live(world, grant)
    world.write(lambda uow: disable_client(uow, client, NOW))
    assert not _is_live(world, grant)


def test_consent_grows_by_union(world: World, alice: Account) -> None:
    """Each new consent is remembered beside the former ones, per client, and only what is new is asked for."""
    account_id = alice.account_id

    def needed(client_id: str, *scopes: str) -> tuple[str, ...]:
        return world.read(lambda uow: needed_consent(uow.consents.find(account_id, client_id), scopes))

    assert needed("web", "openid", "email") == ("openid", "email")
    world.write(lambda uow: remember_consent(uow, account_id, "web", ("openid", "email"), NOW))
    world.write(lambda uow: remember_consent(uow, account_id, "web", ("email", "phone"), NOW + 1))
    assert needed("web", "phone", "address", "openid", "profile") == ("address", "profile")
    assert needed("other", "openid") == ("openid",)
    kept = world.read(lambda uow: uow.consents.find(account_id, "web"))
    assert kept is not None
    assert (kept.scopes, kept.updated_at) == (("openid", "email", "phone"), NOW + 1)
