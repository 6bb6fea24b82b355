"""The profile: what the account says of its owner. A new address has a page of its own, for it has to be proved
first."""

from collections.abc import Mapping

from idp.accounts.profile import OWN_CLAIMS, change_profile, zones
from idp.protocol.messages import Answer
from idp.web.account_views import Profile
from idp.web.pages.account.email import PATH as EMAIL_PATH
from idp.web.pages.account.visit import ROOT, Visit, visiting

PATH = f"{ROOT}/profile"


def _show(visit: Visit) -> Answer:
    return visit.page(_view(visit, {}, {}))


def _answer(visit: Visit) -> Answer:
    context = visit.context
    faults = change_profile(context.uow, visit.account.account_id, visit.form, context.now)
    if faults:
        return visit.page(_view(visit, visit.form, faults), status=400)
    visit.audit("account.profile_changed")
    return visit.go(PATH, "profile")


def _view(visit: Visit, sent: Mapping[str, str], faults: Mapping[str, str]) -> Profile:
    claims = visit.account.claims
    return Profile(
        frame=visit.frame,
        values={name: sent[name] if name in sent else str(claims.get(name, "")) for name in OWN_CLAIMS},
        faults=faults,
        zones=zones(),
        username=visit.account.username,
        email=str(claims.get("email", "")),
        email_url=visit.context.server.url(EMAIL_PATH) if visit.context.settings.sends_mail else None,
    )


handle = visiting(PATH, _show, _answer)
