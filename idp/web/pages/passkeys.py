"""Passkeys on the hosted pages: their ceremonies belong to one page in one browser; who may add one, and who is asked
to."""

from idp.authentication.ceremonies import NotAccepted, RelyingParty
from idp.authentication.methods import passkey
from idp.authentication.methods.passkey import Ceremony
from idp.authentication.sign_in import note_failure
from idp.protocol.assurance import may_add_passkey
from idp.protocol.context import Context
from idp.protocol.interaction import Proved, form_token
from idp.randomness import digest
from idp.stores.records import Artifact, Session
from idp.web.pages.flow import Form, Step

ADD_PASSKEY_PATH = "/login/passkey"
OFFER_KIND = "passkey_offer"
OFFER_SECONDS = 90 * 24 * 3600


def ceremony_of(handle: str, context: Context) -> Ceremony | None:
    """Return what ceremonies on the page of this flow depend on; None where browsers allow no passkeys."""
    relying_party = RelyingParty.of(context.settings.issuer, context.settings.product_name)
    if relying_party is None:
        return None
    bound_to = form_token(handle, context.request.browser)
    return Ceremony(relying_party=relying_party, bound_to=bound_to, vault=context.server.vault, now=context.now)


def count_try(context: Context) -> int | None:
    """Count a sign-in by passkey for its address, before it is judged and in a unit of work of its own: which account
    is to be held is not known yet. Return the seconds to wait after too many, None when it may go on."""
    wait = context.server.throttle.count_address(context.uow, context.request.address, context.now)
    if wait is not None:
        context.audit("sign_in.paused", result="throttled", method=passkey.NAME)
    return wait


def prove(step: Step, form: Form, context: Context) -> Proved | None:
    """Return what the passkey in a sent form proves; None, with an audit event, when it is nothing. The try was
    counted. The account is held."""
    ceremony = ceremony_of(step.interaction.handle, context)
    if ceremony is None:
        return None
    try:
        found = passkey.sign_in(context.uow, ceremony, form["passkey"], context.origin)
    except NotAccepted as fault:
        _fail(context, why=str(fault))
        return None
    account = context.uow.accounts.hold(found.account_id)
    if account is None or not account.may_sign_in(context.now):
        _fail(context, account_id=found.account_id)
        return None
    context.server.throttle.sign_in_succeeded(context.uow, None, context.request.address, context.now)
    context.audit("sign_in.ok", account_id=found.account_id, method=passkey.NAME)
    return Proved(
        account_id=found.account_id,
        amr=passkey.AMR,
        authenticated_at=context.now,
        password_set_at=None,
        passkey_id=found.authenticator_id,
        remembered=form["remember"] == "yes",
    )


def _fail(context: Context, **about: str) -> None:
    context.audit("sign_in.failed", result="rejected", method=passkey.NAME, **about)
    note_failure(context.uow, context.server.throttle, context.origin, context.now)


def is_offered(proved: Proved, session: Session, context: Context) -> bool:
    """Tell whether to ask this account's owner for a passkey now: after a password, in a browser that says that it can,
    who has none yet. Notes that it was asked: once for an account in a browser in ninety days."""
    if not proved.can_add_passkey or "pwd" not in proved.amr or not may_add_passkey(session, context):
        return False
    here = RelyingParty.of(context.settings.issuer, context.settings.product_name)
    if here is None or passkey.of_account(context.uow, session.account_id):
        return False
    asked = Artifact(
        kind=OFFER_KIND,
        handle_hash=digest(f"{session.account_id}\n{context.request.browser.browser_hash or ''}"),
        payload={},
        created_at=context.now,
        expires_at=context.now + OFFER_SECONDS,
    )
    return context.uow.artifacts.add(asked)
