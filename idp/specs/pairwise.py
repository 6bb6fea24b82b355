"""OIDC Core §8.1: pairwise subjects, by which clients of different sectors cannot tell that they know the same person.

A sector is the host of `sector_identifier_uri`, or else of the redirect URIs, which then have one host alone. What is
at that URI is fetched when a client registers over HTTP, and must list all its redirect URIs (OIDC Registration §5); an
operator is believed. The `sub` in access tokens is the pairwise one too, so resource servers cannot compare notes.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from idp.jose.compact import InvalidToken, parse_strings
from idp.outbound.documents import DocumentUnavailable
from idp.protocol.client_metadata import check_choice, check_web_uri
from idp.protocol.context import Context
from idp.protocol.errors import InvalidClientMetadata
from idp.protocol.registry import Registry
from idp.protocol.spec import ClientDraft, ClientMember, Spec
from idp.settings import Settings

SUBJECT_TYPES = ("public", "pairwise")
# Registrations are rare: each looks at the document as it is then.
FRESH_SECONDS = 0


def check_subject_type(value: Any, draft: ClientDraft) -> str:
    """Accept `pairwise` where it is plain which sector the client is of (OIDC Core §8.1)."""
    kind = check_choice("subject_type", SUBJECT_TYPES)(value, draft)
    if kind == "pairwise" and not draft.metadata.get("sector_identifier_uri") and len(_hosts(draft.metadata)) != 1:
        raise InvalidClientMetadata(
            "subject_type pairwise needs redirect_uris of one host, or a sector_identifier_uri.",
            hint="See OIDC Core section 8.1.",
        )
    return kind


def _hosts(metadata: Mapping[str, Any]) -> set[str]:
    uris = metadata.get("redirect_uris") or ()
    hosts: set[str] = set()
    for uri in uris:
        try:
            hosts.add(urlsplit(uri).hostname or "")
        except (ValueError, AttributeError, TypeError):
            continue
    return hosts - {""}


def check_sector(metadata: Mapping[str, Any], context: Context) -> None:
    """Refuse a client whose redirect URIs are not all listed at its sector_identifier_uri (OIDC Registration §5)."""
    uri = metadata.get("sector_identifier_uri")
    if uri is None:
        return
    try:
        listed = parse_strings(context.document(uri, fresh_seconds=FRESH_SECONDS), "document")
    except (DocumentUnavailable, InvalidToken) as fault:
        raise InvalidClientMetadata(
            "sector_identifier_uri does not lead to a JSON list of redirect URIs.", detail=fault.reason
        ) from fault
    if not set(metadata.get("redirect_uris", ())) <= set(listed):
        raise InvalidClientMetadata(
            "A redirect_uri is not listed at sector_identifier_uri (OIDC Registration section 5)."
        )


def server_metadata(_registry: Registry, _settings: Settings) -> Mapping[str, Any]:
    """Return the member of OIDC Discovery §3."""
    return {"subject_types_supported": list(SUBJECT_TYPES)}


SPEC = Spec(
    name="pairwise",
    document="OIDC Core 1.0 section 8.1",
    requires=("oidc_core",),
    client_metadata={
        "subject_type": ClientMember(check=check_subject_type),
        "sector_identifier_uri": ClientMember(check=check_web_uri("sector_identifier_uri")),
    },
    registration_checks=(check_sector,),
    server_metadata=server_metadata,
)
