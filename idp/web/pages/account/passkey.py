"""Adding a passkey, after a sign-in that was fresh and as strong as the account can: whoever knows a password alone
must not get past what protects it (R16)."""

from idp.authentication.ceremonies import NotAccepted
from idp.authentication.methods import passkey
from idp.authentication.methods.passkey import Ceremony
from idp.protocol.assurance import may_add_passkey
from idp.protocol.messages import Answer
from idp.web.account_views import PasskeyAdd
from idp.web.pages.account import methods
from idp.web.pages.account.visit import Fresh, Visit, visiting
from idp.web.pages.passkeys import ceremony_of

PATH = f"{methods.PATH}/passkey"


def _show(visit: Visit) -> Answer:
    ceremony = _ceremony(visit)
    return _page(visit, ceremony) if ceremony else visit.go(methods.PATH)


def _answer(visit: Visit) -> Answer:
    context, account_id, ceremony = visit.context, visit.account.account_id, _ceremony(visit)
    if ceremony is None:
        return visit.go(methods.PATH)
    # Held, so that two forms at once cannot make one more than an account may have.
    context.uow.accounts.hold(account_id)
    try:
        passkey.finish_registration(
            context.uow,
            ceremony,
            account_id=account_id,
            response=visit.form["passkey"],
            user_agent=context.request.headers.get("user-agent", ""),
            origin=context.origin,
            name=methods.name_in(visit.form),
        )
    except NotAccepted:
        return _page(visit, ceremony, error="rejected", status=400)
    context.notify(visit.account, "passkey_added")
    return visit.go(methods.PATH, "passkey_added")


def _ceremony(visit: Visit) -> Ceremony | None:
    """Return what the ceremony depends on; None where there cannot be one, or not one more."""
    if methods.may_have_another_passkey(visit) and may_add_passkey(visit.session, visit.context):
        return ceremony_of(visit.form_handle, visit.context)
    return None


def _page(visit: Visit, ceremony: Ceremony, *, error: str | None = None, status: int = 200) -> Answer:
    options = passkey.begin_registration(
        ceremony,
        account_id=visit.account.account_id,
        username=visit.account.username,
        display_name=visit.frame.account.name,
        mine=passkey.of_account(visit.context.uow, visit.account.account_id),
    )
    return visit.page(PasskeyAdd(frame=visit.frame, options=options, name=visit.form["name"], error=error), status)


handle = visiting(PATH, _show, _answer, fresh=Fresh.STRONGEST)
