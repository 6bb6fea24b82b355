"""Clients, resources and remembered consents."""

from sqlalchemy import bindparam, delete, select

from idp.stores.records import Client, Consent, Resource
from idp.stores.sql.running import Runner
from idp.stores.sql.statements import Codec, Statement
from idp.stores.sql.tables import clients, consents, resources
from idp.stores.sql.writing import insert, key_of, update_all, upsert

CLIENT = Codec.of(Client, clients)
RESOURCE = Codec.of(Resource, resources)
CONSENT = Codec.of(Consent, consents)
ADD = insert(clients)
REPLACE = update_all(clients, ("client_id",))
FIND = Statement(select(*CLIENT.columns).where(clients.c.client_id == bindparam("client_id")))
LIST = Statement(
    select(*CLIENT.columns)
    .where(clients.c.client_id > bindparam("after"))
    .order_by(clients.c.client_id)
    .limit(bindparam("limit"))
)
PUT_RESOURCE = upsert(resources, ("identifier",))
FIND_RESOURCE = Statement(select(*RESOURCE.columns).where(resources.c.identifier == bindparam("identifier")))
LIST_RESOURCES = Statement(select(*RESOURCE.columns).order_by(resources.c.identifier))
PUT_CONSENT = upsert(consents, ("account_id", "client_id"))
OF_CONSENT = (consents.c.account_id == bindparam("account_id"), consents.c.client_id == bindparam("client_id"))
FIND_CONSENT = Statement(select(*CONSENT.columns).where(*OF_CONSENT))
REMOVE_CONSENT = Statement(delete(consents).where(*OF_CONSENT))


class SqlClients:
    """`ClientStore` over SQL."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def add(self, client: Client) -> None:
        """Keep a new client."""
        self._run.write(ADD, CLIENT.encode(client))

    def find(self, client_id: str) -> Client | None:
        """Return the client."""
        return CLIENT.decode_or_none(self._run.one(FIND, client_id=client_id))

    def replace(self, client: Client) -> bool:
        """Overwrite the client."""
        return self._run.write(REPLACE, key_of(("client_id",), CLIENT.encode(client)))

    def list(self, *, after: str = "", limit: int = 100) -> tuple[Client, ...]:
        """Return a page of clients."""
        return CLIENT.decode_all(self._run.all(LIST, after=after, limit=limit))


class SqlResources:
    """`ResourceStore` over SQL."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def put(self, resource: Resource) -> None:
        """Set the resource."""
        self._run.write(PUT_RESOURCE, RESOURCE.encode(resource))

    def find(self, identifier: str) -> Resource | None:
        """Return the resource."""
        return RESOURCE.decode_or_none(self._run.one(FIND_RESOURCE, identifier=identifier))

    def list(self) -> tuple[Resource, ...]:
        """Return all resources."""
        return RESOURCE.decode_all(self._run.all(LIST_RESOURCES))


class SqlConsents:
    """`ConsentStore` over SQL."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def find(self, account_id: str, client_id: str) -> Consent | None:
        """Return the consent."""
        return CONSENT.decode_or_none(self._run.one(FIND_CONSENT, account_id=account_id, client_id=client_id))

    def put(self, consent: Consent) -> None:
        """Set the consent."""
        self._run.write(PUT_CONSENT, CONSENT.encode(consent))

    def remove(self, account_id: str, client_id: str) -> bool:
        """Forget the consent."""
        return bool(self._run.changed(REMOVE_CONSENT, account_id=account_id, client_id=client_id))
