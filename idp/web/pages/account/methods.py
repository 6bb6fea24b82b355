"""How one signs in: password, authenticator app, recovery codes, passkeys; renaming and removing them.

Nothing that is the last way in can be removed, nor an app that the operator demands.
"""

from idp.accounts import browsers
from idp.accounts.accounts import PASSWORD
from idp.authentication.ceremonies import RelyingParty
from idp.authentication.methods import SECOND_FACTORS, passkey, recovery_code, totp
from idp.protocol.assurance import is_demanded_of
from idp.protocol.errors import Forbidden
from idp.protocol.messages import Answer
from idp.stores.records import Authenticator
from idp.web.account_views import Methods, MethodView
from idp.web.pages.account.visit import ROOT, Fresh, Visit, visiting
from idp.web.pages.flow import Form

PATH = f"{ROOT}/methods"
PASSKEY = passkey.NAME
# What recovery codes stand in for, and what satisfies an operator who demands a second factor.
STRONG = frozenset({factor.name for factor in SECOND_FACTORS if factor.counts_as_set_up} | {PASSKEY})
LONGEST_NAME = 60


def of_method(visit: Visit, method: str) -> list[Authenticator]:
    """Return the account's authenticators of a method, the oldest first."""
    return [a for a in visit.context.uow.authenticators.list(visit.account.account_id) if a.method == method]


def has_something_to_lose(visit: Visit) -> bool:
    """Tell whether the account has something that recovery codes stand in for."""
    return bool(_strong(visit))


def may_have_another_passkey(visit: Visit) -> bool:
    """Tell whether one more passkey may be added: where browsers allow them, to an account that has few enough."""
    settings = visit.context.settings
    is_possible = RelyingParty.of(settings.issuer, settings.product_name) is not None
    return is_possible and len(of_method(visit, PASSKEY)) < passkey.MOST


def name_in(form: Form) -> str | None:
    """Return the name for a passkey that a form has; None for none, and for what is no name."""
    name = form["name"].strip()
    return name if 0 < len(name) <= LONGEST_NAME and name.isprintable() else None


def _strong(visit: Visit) -> list[Authenticator]:
    return [a for a in visit.context.uow.authenticators.list(visit.account.account_id) if a.method in STRONG]


def _is_last_demanded(visit: Visit) -> bool:
    """Tell whether the account has one second factor only, and the operator demands that it has one."""
    return len(_strong(visit)) == 1 and is_demanded_of(visit.account, visit.context)


def _show(visit: Visit) -> Answer:
    password = visit.context.uow.accounts.find_credential(visit.account.account_id, PASSWORD)
    passkeys = of_method(visit, PASSKEY)
    return visit.page(
        Methods(
            frame=visit.frame,
            password_set=visit.moment(password.updated_at) if password else None,
            app=next((_view(each, visit) for each in of_method(visit, totp.NAME)), None),
            codes_left=len(of_method(visit, recovery_code.NAME)),
            passkeys=tuple(_view(each, visit) for each in passkeys),
            can_add_passkey=may_have_another_passkey(visit),
            keeps_app=_is_last_demanded(visit),
            keeps_passkey=(password is None and len(passkeys) == 1) or _is_last_demanded(visit),
        )
    )


def _answer(visit: Visit) -> Answer:
    # Held, so that two forms at once cannot remove the last two ways in.
    visit.context.uow.accounts.hold(visit.account.account_id)
    steps = {"remove_app": _remove_app, "rename_passkey": _rename_passkey, "remove_passkey": _remove_passkey}
    step = steps.get(visit.form["action"])
    return step(visit) if step else visit.go(PATH)


def _remove_app(visit: Visit) -> Answer:
    uow, account_id = visit.context.uow, visit.account.account_id
    if _is_last_demanded(visit):
        raise Forbidden("A second factor is needed here; set up another app in its place.", detail="demanded")
    if uow.authenticators.remove_all(account_id, totp.NAME):
        _forget_codes_of_nothing(visit)
        browsers.forget_remembered(uow, account_id)
        visit.audit("second_factor.removed", method=totp.NAME)
        visit.context.notify(visit.account, "second_factor_removed")
    return visit.go(PATH, "app_removed")


def _rename_passkey(visit: Visit) -> Answer:
    found, name = _passkey(visit), name_in(visit.form)
    if name is None:
        return visit.go(PATH)
    visit.context.uow.authenticators.rename(visit.account.account_id, found.authenticator_id, name)
    visit.audit("authenticator.renamed", method=PASSKEY)
    return visit.go(PATH, "passkey_renamed")


def _remove_passkey(visit: Visit) -> Answer:
    uow, account_id, found = visit.context.uow, visit.account.account_id, _passkey(visit)
    is_only = len(of_method(visit, PASSKEY)) == 1
    if _is_last_demanded(visit) or (is_only and uow.accounts.find_credential(account_id, PASSWORD) is None):
        raise Forbidden("This is the only one that lets you sign in; add another one first.", detail="last way in")
    uow.authenticators.remove(account_id, found.authenticator_id)
    _forget_codes_of_nothing(visit)
    browsers.forget_remembered(uow, account_id)
    visit.audit("passkey.removed", device=found.name)
    visit.context.notify(visit.account, "second_factor_removed")
    return visit.go(PATH, "passkey_removed")


def _passkey(visit: Visit) -> Authenticator:
    """Return the passkey that the form names. Raises `Forbidden` unless it is one of this account (MF-22)."""
    wanted = visit.form["passkey"]
    found = next((each for each in of_method(visit, PASSKEY) if each.authenticator_id == wanted), None)
    if found is None:
        raise Forbidden("This is no passkey of this account.", detail="passkey of another account")
    return found


def _forget_codes_of_nothing(visit: Visit) -> None:
    """Recovery codes stand in for what was lost: they go with the last thing that can be."""
    if not has_something_to_lose(visit):
        visit.context.uow.authenticators.remove_all(visit.account.account_id, recovery_code.NAME)


def _view(each: Authenticator, visit: Visit) -> MethodView:
    return MethodView(
        authenticator_id=each.authenticator_id,
        name=each.name,
        added=visit.moment(each.created_at),
        used=visit.moment(each.last_used_at) if each.last_used_at else None,
    )


handle = visiting(PATH, _show, _answer, fresh=Fresh.FORMS)
