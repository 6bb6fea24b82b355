"""New recovery codes, which replace those before and are shown once; for who has something that can be lost."""

from idp.authentication.methods import recovery_code
from idp.protocol.messages import Answer
from idp.web.account_views import NewCodes
from idp.web.pages.account import methods
from idp.web.pages.account.visit import Fresh, Visit, visiting

PATH = f"{methods.PATH}/codes"


def show_new(visit: Visit) -> Answer:
    """Make new codes and show them."""
    made = recovery_code.make_codes(visit.context.uow, visit.account.account_id, visit.context.now)
    visit.audit("recovery_codes.made")
    return visit.page(NewCodes(frame=visit.frame, left=len(made), codes=made))


def _show(visit: Visit) -> Answer:
    if not methods.has_something_to_lose(visit):
        return visit.go(methods.PATH)
    return visit.page(NewCodes(frame=visit.frame, left=len(methods.of_method(visit, recovery_code.NAME))))


def _answer(visit: Visit) -> Answer:
    return show_new(visit) if methods.has_something_to_lose(visit) else visit.go(methods.PATH)


handle = visiting(PATH, _show, _answer, fresh=Fresh.ALWAYS)
