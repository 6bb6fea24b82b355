"""`/transfers`: the form of a transfer, its page, and the way to the provider when the API asks for more (RFC 9470)."""

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from demo_clients.bank.counter import Counter
from demo_clients.bank.ledger import TransferRefused
from demo_clients.bank.transfers import Order, Orders, Stage, note_request, note_return, send
from demo_clients.relying_party.csrf import check_own_form, read_form
from demo_clients.relying_party.sessions import Identity, Session
from demo_clients.relying_party.sign_in_routes import see_other
from demo_clients.relying_party.token_routes import signed_in


@dataclass(frozen=True, slots=True)
class TransferDesk:
    """Handlers; `counter` has the pages around them."""

    counter: Counter
    orders: Orders

    async def order(self, request: Request) -> Response:
        """Take the form and send the order to the API; a wrong one shows the form again with the reason."""
        session, identity, fields = await self._form(request)
        source, amount = fields.get("source", ""), fields.get("amount", "")
        try:
            self.counter.ledger.check(identity.subject, source, amount)
        except TransferRefused as refusal:
            return self.counter.render(request, status=400, fault=str(refusal), amount=amount)
        order = self.orders.open(identity.subject, source, amount)
        await send(self.counter.party, session, identity, order)
        if order.stage is Stage.REFUSED:
            return self.counter.render(request, status=400, fault=order.reason, amount=amount)
        return see_other(_path(order))

    async def show(self, request: Request) -> Response:
        """The order's page. Who comes back from the provider has the order sent once more.

        That a GET moves money is bounded: only the order that this person gave and sent on its way just now, named by
        an id that nobody else knows, and only once."""
        session, identity = signed_in(request)
        order = self._find(request, identity)
        if order.stage is Stage.PROVING:
            order.stage = Stage.CHALLENGED
            if session.id != order.sent_in:  # else they came back by the browser's own button
                note_return(self.counter.party, session, identity, order)
                await send(self.counter.party, session, identity, order)
        pages, ledger = self.counter.pages, self.counter.ledger
        return pages.render(request, "transfer.html", order=order, customer=ledger.customer(identity.subject))

    async def prove(self, request: Request) -> Response:
        """Send the browser to the provider for what the API asked for."""
        session, identity, _ = await self._form(request)
        order = self._find(request, identity)
        if order.stage not in (Stage.CHALLENGED, Stage.PROVING) or order.step_up is None:
            return see_other(_path(order))
        party, asked = self.counter.party, order.step_up
        # Before the first wait: an order that is carried out meanwhile must not become one that is sent again.
        order.stage = Stage.PROVING
        pending = await party.code_flow.begin(_path(order), step_up=asked)
        session.remember(pending)
        note_request(party, session, order, asked, pending.url)
        return see_other(pending.url)

    async def _form(self, request: Request) -> tuple[Session, Identity, dict[str, str]]:
        session, identity = signed_in(request)
        fields = dict(await read_form(request))
        check_own_form(request, session, fields, self.counter.party.settings.base_url)
        return session, identity, fields

    def _find(self, request: Request, identity: Identity) -> Order:
        order = self.orders.find(request.path_params["order_id"], identity.subject)
        if order is None:
            raise HTTPException(404)
        return order


def _path(order: Order) -> str:
    return f"/transfers/{order.id}"
