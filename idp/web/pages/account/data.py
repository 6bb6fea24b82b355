"""All that is kept of an account, as one JSON document for its owner: no secret, and nothing of anybody else."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

from idp.protocol.messages import NO_STORE, Answer, Response
from idp.stores.records import AuditEvent
from idp.web.account_views import Data
from idp.web.pages.account.visit import ROOT, Fresh, Visit, visiting

PATH = f"{ROOT}/data"
# Of the newest; a year of them is kept, and one document must not hold the store for long (R18).
MOST_EVENTS = 10_000
BATCH = 500


def _show(visit: Visit) -> Answer:
    return visit.page(Data(frame=visit.frame))


def _answer(visit: Visit) -> Answer:
    visit.audit("account.exported")
    body = json.dumps(_document(visit), indent=2, ensure_ascii=False).encode()
    named = ("content-disposition", 'attachment; filename="account.json"')
    return Response(headers=(("content-type", "application/json"), named, *NO_STORE), body=body)


def _document(visit: Visit) -> dict[str, Any]:
    """Return the document; instants are Unix seconds. What is only of use to verify something is left out."""
    account, uow = visit.account, visit.context.uow
    account_id = account.account_id
    hidden = {"handle_hash", "browser_hash", "secret", "counter", "facts", "account_id", "authenticator_id"}

    def shown(record: Any) -> dict[str, Any]:
        return {name: value for name, value in asdict(record).items() if name not in hidden}

    return {
        "account": asdict(account),
        "authenticators": [shown(each) for each in uow.authenticators.list(account_id)],
        "sessions": [shown(each) for each in uow.sessions.list_live(account_id, visit.context.now)],
        "consents": [shown(each) for each in uow.consents.list_of_account(account_id)],
        "grants": [shown(each) for each in uow.grants.list_of_account(account_id)],
        "activity": [shown(each) for each in islice(_events(visit), MOST_EVENTS)],
    }


def _events(visit: Visit) -> Iterator[AuditEvent]:
    before = None
    while found := visit.context.uow.audit.list_of_account(visit.account.account_id, before=before, limit=BATCH):
        yield from found
        before = (found[-1].at, found[-1].event_id)


handle = visiting(PATH, _show, _answer, fresh=Fresh.FORMS)
