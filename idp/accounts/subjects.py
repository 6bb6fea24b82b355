"""Subjects: by which `sub` a client knows an account (OIDC Core §8).

Public ones are the account's own id. Pairwise ones differ from sector to sector, so that clients of different sectors
cannot tell that they know the same person; they are random and kept, and so outlive every key.
"""

from urllib.parse import urlsplit

from idp.randomness import new_identifier
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Client, PairwiseSubject

# Stands for an account that does not exist: a `sub` that the client was never told names nobody.
NOBODY = "nobody"


def subject_of(uow: UnitOfWork, client: Client, account_id: str) -> str:
    """Return the `sub` that the client sees; the first time in a sector it is made, which writes."""
    if not is_pairwise(client):
        return account_id
    sector = sector_of(client)
    known = uow.subjects.find(sector, account_id)
    if known is not None:
        return known.subject
    fresh = PairwiseSubject(sector=sector, account_id=account_id, subject=new_identifier())
    if uow.subjects.add(fresh):
        return fresh.subject
    return subject_of(uow, client, account_id)


def account_id_of(uow: UnitOfWork, client: Client, subject: str) -> str:
    """Return which account a client means by a `sub`; `NOBODY` for one that it was never told."""
    if not is_pairwise(client):
        return subject
    known = uow.subjects.find_by_subject(sector_of(client), subject)
    return known.account_id if known else NOBODY


def is_pairwise(client: Client) -> bool:
    """Tell whether the client registered for pairwise subjects."""
    return client.value("subject_type") == "pairwise"


def sector_of(client: Client) -> str:
    """Return the sector identifier (OIDC Core §8.1): the host of sector_identifier_uri, or else of the redirect URIs,
    which by registration have one host alone."""
    uri = client.value("sector_identifier_uri") or next(iter(client.values("redirect_uris")), "")
    return urlsplit(uri).hostname or ""
