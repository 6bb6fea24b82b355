"""Looking through a backup before anything is written: whether it is whole, and whether its secrets can be opened."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from idp.accounts.clients import opens_secret
from idp.backup.format import Header, Reader, Section
from idp.jose.sealing import KeyEncryptionKey
from idp.jose.vault import opens_key


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A private key of the provider's own."""

    kid: str
    alg: str
    sealed: bytes

    def opens(self, vault: KeyEncryptionKey) -> bool:
        """Tell whether it was sealed under this key."""
        return opens_key(self.kid, self.alg, self.sealed, vault)


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A client secret that serves as a key."""

    client_id: str
    sealed: bytes

    def opens(self, vault: KeyEncryptionKey) -> bool:
        """Tell whether it was sealed under this key."""
        return opens_secret(self.client_id, self.sealed, vault)


@dataclass(frozen=True, slots=True)
class Checked:
    """A backup that is whole."""

    header: Header
    rows: Mapping[str, int]
    keys: tuple[SealedKey, ...]
    secrets: tuple[SealedSecret, ...]

    @property
    def has_sealed(self) -> bool:
        """Whether anything in it needs the key-encryption key."""
        return bool(self.keys or self.secrets)

    def opens(self, vault: KeyEncryptionKey) -> bool:
        """Tell whether everything sealed in it opens under this key."""
        return all(key.opens(vault) for key in self.keys) and all(secret.opens(vault) for secret in self.secrets)


def check_backup(stream: IO[bytes]) -> Checked:
    """Read a backup to its end. Raises `UnusableBackup`."""
    reader = Reader(stream)
    rows: dict[str, int] = {}
    keys: list[SealedKey] = []
    secrets: list[SealedSecret] = []
    for section in reader.sections():
        rows[section.table] = 0
        for row in _counted(section, rows):
            if section.table == "signing_keys":
                keys.append(SealedKey(row["kid"], row["alg"], row["sealed"]))
            elif section.table == "clients":
                sealed = (row.get("sealed_secret"), row.get("previous_sealed_secret"))
                secrets += [SealedSecret(row["client_id"], one) for one in sealed if one is not None]
    return Checked(reader.header, rows, tuple(keys), tuple(secrets))


def _counted(section: Section, rows: dict[str, int]) -> Iterator[dict[str, Any]]:
    is_wanted = section.table in {"signing_keys", "clients"}
    for row in section.rows:
        rows[section.table] += 1
        if is_wanted:
            yield dict(zip(section.columns, row, strict=True))
