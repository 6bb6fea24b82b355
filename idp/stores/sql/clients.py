"""Clients, resources, remembered consents and pairwise subjects."""

from sqlalchemy import bindparam, delete, func, select

from idp.stores.interfaces import Duplicate
from idp.stores.records import Client, Consent, PairwiseSubject, Resource
from idp.stores.sql.running import Runner
from idp.stores.sql.statements import Codec, Statement
from idp.stores.sql.tables import clients, consents, resources, subjects
from idp.stores.sql.writing import insert, key_of, update_all, upsert

CLIENT = Codec.of(Client, clients)
RESOURCE = Codec.of(Resource, resources)
CONSENT = Codec.of(Consent, consents)
ADD = insert(clients)
REPLACE = update_all(clients, ("client_id",))
BY_ID = select(*CLIENT.columns).where(clients.c.client_id == bindparam("client_id"))
FIND = Statement(BY_ID)
HOLD = Statement(BY_ID.with_for_update())
LIST = Statement(
    select(*CLIENT.columns)
    .where(clients.c.client_id > bindparam("after"))
    .order_by(clients.c.client_id)
    .limit(bindparam("limit"))
)
REMOVE = Statement(delete(clients).where(clients.c.client_id == bindparam("client_id")))
COUNT_REGISTERED = Statement(
    select(func.count(clients.c.client_id)).where(clients.c.registration_token_hash.is_not(None))
)
PUT_RESOURCE = upsert(resources, ("identifier",))
FIND_RESOURCE = Statement(select(*RESOURCE.columns).where(resources.c.identifier == bindparam("identifier")))
LIST_RESOURCES = Statement(select(*RESOURCE.columns).order_by(resources.c.identifier))
PUT_CONSENT = upsert(consents, ("account_id", "client_id"))
OF_CONSENT = (consents.c.account_id == bindparam("account_id"), consents.c.client_id == bindparam("client_id"))
FIND_CONSENT = Statement(select(*CONSENT.columns).where(*OF_CONSENT))
LIST_CONSENTS = Statement(
    select(*CONSENT.columns).where(consents.c.account_id == bindparam("account_id")).order_by(consents.c.client_id)
)
REMOVE_CONSENT = Statement(delete(consents).where(*OF_CONSENT))
REMOVE_CONSENTS = Statement(delete(consents).where(consents.c.client_id == bindparam("client_id")))
SUBJECT = Codec.of(PairwiseSubject, subjects)
ADD_SUBJECT = insert(subjects)
IN_SECTOR = subjects.c.sector == bindparam("sector")
FIND_SUBJECT = Statement(select(*SUBJECT.columns).where(IN_SECTOR, subjects.c.account_id == bindparam("account_id")))
FIND_BY_SUBJECT = Statement(select(*SUBJECT.columns).where(IN_SECTOR, subjects.c.subject == bindparam("subject")))


class SqlClients:
    """`ClientStore` over SQL."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def add(self, client: Client) -> None:
        """Keep a new client."""
        self._run.add(ADD, CLIENT.encode(client), "client_id")

    def find(self, client_id: str) -> Client | None:
        """Return the client."""
        return CLIENT.decode_or_none(self._run.one(FIND, client_id=client_id))

    def hold(self, client_id: str) -> Client | None:
        """Return the client, held."""
        return CLIENT.decode_or_none(self._run.one(HOLD, client_id=client_id))

    def replace(self, client: Client) -> bool:
        """Overwrite the client."""
        return self._run.write(REPLACE, key_of(("client_id",), CLIENT.encode(client)))

    def remove(self, client_id: str) -> bool:
        """Forget the client."""
        return bool(self._run.changed(REMOVE, client_id=client_id))

    def list(self, *, after: str = "", limit: int = 100) -> tuple[Client, ...]:
        """Return a page of clients."""
        return CLIENT.decode_all(self._run.all(LIST, after=after, limit=limit))

    def count_registered(self) -> int:
        """Return how many clients registered themselves."""
        row = self._run.one(COUNT_REGISTERED)
        return int(row[0]) if row else 0


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

    def list_of_account(self, account_id: str) -> tuple[Consent, ...]:
        """Return all of an account."""
        return CONSENT.decode_all(self._run.all(LIST_CONSENTS, account_id=account_id))

    def remove_of_client(self, client_id: str) -> int:
        """Forget all consents given to a client."""
        return self._run.changed(REMOVE_CONSENTS, client_id=client_id)


class SqlSubjects:
    """`SubjectStore` over SQL."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def add(self, subject: PairwiseSubject) -> bool:
        """Keep a new one, unless its sector knows the account."""
        if self._run.write(ADD_SUBJECT, SUBJECT.encode(subject)):
            return True
        if self.find(subject.sector, subject.account_id) is None:
            raise Duplicate("subject")
        return False

    def find(self, sector: str, account_id: str) -> PairwiseSubject | None:
        """Return what the sector calls an account."""
        return SUBJECT.decode_or_none(self._run.one(FIND_SUBJECT, sector=sector, account_id=account_id))

    def find_by_subject(self, sector: str, subject: str) -> PairwiseSubject | None:
        """Return whom the sector calls so."""
        return SUBJECT.decode_or_none(self._run.one(FIND_BY_SUBJECT, sector=sector, subject=subject))
