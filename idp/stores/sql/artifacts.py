"""Artifacts: what is short-lived and single-use."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select, update

from idp.stores.records import Artifact
from idp.stores.sql.running import Runner
from idp.stores.sql.statements import Codec, Statement, encode_json
from idp.stores.sql.tables import artifacts
from idp.stores.sql.writing import insert

ARTIFACT = Codec.of(Artifact, artifacts)
WANTED = (artifacts.c.kind == bindparam("wanted_kind"), artifacts.c.handle_hash == bindparam("wanted"))
LIVE = (artifacts.c.consumed_at.is_(None), artifacts.c.expires_at > bindparam("now"))
ADD = insert(artifacts)
FIND = Statement(select(*ARTIFACT.columns).where(*WANTED))
CONSUME = Statement(
    update(artifacts).where(*WANTED, *LIVE).values(consumed_at=bindparam("at")).returning(*ARTIFACT.columns)
)
UPDATE = Statement(update(artifacts).where(*WANTED, *LIVE).values(payload=bindparam("changed")))


class SqlArtifacts:
    """`ArtifactStore` over SQL."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def add(self, artifact: Artifact) -> bool:
        """Keep a new artifact, unless it exists."""
        return self._run.write(ADD, ARTIFACT.encode(artifact))

    def find(self, kind: str, handle_hash: str) -> Artifact | None:
        """Return the artifact in whatever state."""
        return ARTIFACT.decode_or_none(self._run.one(FIND, wanted_kind=kind, wanted=handle_hash))

    def consume(self, kind: str, handle_hash: str, now: int) -> Artifact | None:
        """Consume a live artifact, once."""
        row = self._run.one(CONSUME, wanted_kind=kind, wanted=handle_hash, now=now, at=now)
        return ARTIFACT.decode_or_none(row)

    def update(self, kind: str, handle_hash: str, payload: Mapping[str, Any], now: int) -> bool:
        """Replace the payload of a live artifact."""
        changed = encode_json(dict(payload))
        return bool(self._run.changed(UPDATE, wanted_kind=kind, wanted=handle_hash, now=now, changed=changed))
