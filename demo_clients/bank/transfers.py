"""Transfers as orders: from the form, through the Bank's own API, and, where that asks for more, through the provider.

An order remembers what passed, so that its page can show it step by step. Whether the person has proved enough is for
the API alone to say: an order is simply sent again, once, when they come back.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import httpx2

from demo_clients.bank.api import TRANSFERS_PATH
from demo_clients.relying_party.errors import RelyingPartyError
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.sessions import Identity, Session
from demo_clients.relying_party.step_up import StepUp, parse_step_up
from demo_clients.relying_party.timeline import Step, query_of, step
from demo_clients.relying_party.tokens import access_token_for

MAX_ORDERS = 1000
ORDER_SECONDS = 600
"""How long somebody may take to prove who they are; then the order is forgotten."""


class Stage(StrEnum):
    """How far an order is."""

    NEW = "new"
    CHALLENGED = "challenged"
    PROVING = "proving"
    DONE = "done"
    REFUSED = "refused"


@dataclass(slots=True)
class Order:
    """One transfer that somebody ordered. `id` is unguessable, and only `subject` may see it; `sent_in` is the session
    of its latest request to the API."""

    id: str
    subject: str
    source: str
    amount: str
    ordered_at: int
    stage: Stage = Stage.NEW
    reason: str = ""
    step_up: StepUp | None = None
    sent_in: str = field(default="", repr=False)
    steps: list[Step] = field(default_factory=list)


class Orders:
    """Orders by id, in memory; the oldest make room."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._orders: dict[str, Order] = {}

    def open(self, subject: str, source: str, amount: str) -> Order:
        """A new order."""
        while len(self._orders) >= MAX_ORDERS:
            del self._orders[next(iter(self._orders))]
        order = Order(secrets.token_urlsafe(16), subject, source, amount, self._now())
        self._orders[order.id] = order
        return order

    def find(self, order_id: str, subject: str) -> Order | None:
        """The order, for the one who gave it, until it is too old."""
        order = self._orders.get(order_id)
        if order is None or order.subject != subject or self._now() - order.ordered_at > ORDER_SECONDS:
            return None
        return order


async def send(party: RelyingParty, session: Session, identity: Identity, order: Order) -> None:
    """Ask the API to carry the order out; what it answered is the order's next stage. Raises RelyingPartyError."""
    token = await access_token_for(party, session, party.settings.resource)
    _note(
        party, session, order, "Bank", "Bank's API", "Please move the money: with your access token", _proved(identity)
    )
    # Once and no more: before the request, so that a reload while it is on its way sends nothing.
    order.stage, order.sent_in = Stage.REFUSED, session.id
    order.reason = "The Bank's API did not answer. Please look at your accounts before you try again."
    try:
        response = await party.client.post(
            party.settings.base_url + TRANSFERS_PATH,
            json={"source": order.source, "amount": order.amount},
            headers={"Authorization": f"Bearer {token.value}"},
        )
    except httpx2.HTTPError as error:
        raise _ApiAway(order.reason) from error
    _take_answer(party, session, order, response)


def _take_answer(party: RelyingParty, session: Session, order: Order, response: httpx2.Response) -> None:
    order.step_up = parse_step_up(response.headers.get("www-authenticate", ""))
    said = [("status", str(response.status_code))]
    if order.step_up is not None:
        order.stage, order.reason = Stage.CHALLENGED, ""
        said += [("error", "insufficient_user_authentication"), ("acr_values", " ".join(order.step_up.acr_values))]
        said += [("max_age", str(order.step_up.max_age))] if order.step_up.max_age is not None else []
        what = "Refused: this takes a stronger sign-in"
    elif response.status_code == 201:
        order.stage, order.reason, what = Stage.DONE, "", "Done: the money is there"
    else:
        order.reason = what = _reason(response)
    _note(party, session, order, "Bank's API", "Bank", what, said)


def note_request(party: RelyingParty, session: Session, order: Order, asked: StepUp, url: str) -> None:
    """Remember the authorization request: what it asks for beside every other one, and on `/timeline` all of it."""
    what = "Authorization request: go there and prove what is missing"
    order.steps.append(step(party.now(), "Bank", "Browser", what, asked.request_parameters().items()))
    session.timeline.append(step(party.now(), "Bank", "Browser", what, query_of(url)))


def note_return(party: RelyingParty, session: Session, identity: Identity, order: Order) -> None:
    """Remember what the provider says of the sign-in from which the person came back."""
    _note(party, session, order, "Provider", "Bank", "Signed in again: what the new ID Token says", _proved(identity))


def _note(
    party: RelyingParty,
    session: Session,
    order: Order,
    sender: str,
    receiver: str,
    what: str,
    said: list[tuple[str, str]],
) -> None:
    passed = step(party.now(), sender, receiver, what, said)
    order.steps.append(passed)
    session.timeline.append(passed)


def _proved(identity: Identity) -> list[tuple[str, str]]:
    """How the person signed in; the access tokens of the same sign-in say the same (RFC 9068 §2.2.1)."""
    claims: Mapping[str, Any] = identity.id_token.claims
    amr = claims.get("amr")
    shown = {"acr": claims.get("acr"), "amr": " ".join(map(str, amr)) if isinstance(amr, list) else None}
    return [(name, str(value)) for name, value in shown.items() if value]


def _reason(response: httpx2.Response) -> str:
    try:
        return str(response.json()["error_description"])
    except (ValueError, KeyError, TypeError):
        return "The Bank's API gave no reason."


class _ApiAway(RelyingPartyError):
    """The Bank's own API could not be reached."""

    status = 503
    title = "The money was not moved, as far as we know"
