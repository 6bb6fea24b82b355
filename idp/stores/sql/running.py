"""Runs compiled statements through the driver's cursor, and says what its errors mean to the core.

Looking something up by a text that no database could hold finds nothing. Writing such a text is an error of the
caller's and raises `UnicodeEncodeError`: a row must never be dropped in silence. SQLite alone would keep a NUL, so it
is refused here, for all alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from sqlalchemy import Dialect

from idp.stores.interfaces import Duplicate, StorageUnavailable
from idp.stores.sql.statements import Statement


class Runner:
    """Runs statements on one connection of a dialect."""

    # Counts the tables that say which revision the schema has.
    has_revision: ClassVar[str]

    def __init__(self, cursor: Any, dialect: Dialect, errors: type[Exception]) -> None:
        self._cursor, self._dialect, self._errors = cursor, dialect, errors

    def run(self, statement: Statement, parameters: dict[str, Any]) -> Any:
        """Execute and return the cursor. Raises `Duplicate`, or `StorageUnavailable` for a database that cannot."""
        text, order, fixed = statement.compiled(self._dialect)
        values = fixed | parameters if len(fixed) != len(parameters) else parameters
        return self.execute(text, [values[name] for name in order] if order else values)

    def one(self, statement: Statement, **parameters: Any) -> Sequence[Any] | None:
        """Return the first row, or None."""
        try:
            row: Sequence[Any] | None = self.run(statement, parameters).fetchone()
        except UnicodeEncodeError:
            return None
        return row

    def all(self, statement: Statement, **parameters: Any) -> list[Sequence[Any]]:
        """Return all rows."""
        try:
            rows: list[Sequence[Any]] = self.run(statement, parameters).fetchall()
        except UnicodeEncodeError:
            return []
        return rows

    def changed(self, statement: Statement, **parameters: Any) -> int:
        """Change the rows that a look-up finds and return how many they were."""
        try:
            return int(self.run(statement, parameters).rowcount)
        except UnicodeEncodeError:
            return 0

    def write(self, statement: Statement, parameters: dict[str, Any]) -> bool:
        """Write a row and return whether there was one to write. Raises `Duplicate` and `UnicodeEncodeError`."""
        check_storable(parameters)
        return bool(self.run(statement, parameters).rowcount)

    def add(self, statement: Statement, parameters: dict[str, Any], field: str) -> None:
        """Write a new row; `field` is what must be unique. Raises `Duplicate`, after which the caller may go on, and
        `UnicodeEncodeError`."""
        if not self.write(statement, parameters):
            raise Duplicate(field)

    def take_turns(self, matter: int) -> None:
        """Wait until no other transaction is within the same matter; hold it until this one ends."""

    def find_revision(self) -> str | None:
        """Return which revision the schema has; None where there is no schema."""
        if not self.execute(self.has_revision).fetchone()[0]:
            return None
        row = self.execute("SELECT version_num FROM alembic_version").fetchone()
        return row and str(row[0])

    def require_usable(self) -> None:
        """Raise `StorageUnavailable` for a database that could not hold what is written."""

    def require_writable(self) -> None:
        """Raise `StorageUnavailable` where a transaction that may write has begun but cannot."""

    def is_alone(self, matter: int) -> bool:  # noqa: ARG002
        """Tell whether no other transaction is within the same matter, and then hold it until this one ends."""
        return True

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Undo the block's changes if it raises, and only those: the caller may catch that and go on."""
        self.execute("SAVEPOINT step")
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK TO step")
            raise
        finally:
            self.execute("RELEASE step")

    def execute(self, text: str, parameters: Any = ()) -> Any:
        """Execute a text and return the cursor."""
        try:
            return self._cursor.execute(text, parameters)
        except self._errors as error:
            raise self.meaning(error, parameters) from error

    def meaning(self, error: Exception, parameters: Any) -> Exception:  # noqa: ARG002 - for those that need them
        """Return what an error of the driver means to the core. A fault of this program's stays what it is."""
        # PEP 249 gives these names in every driver.
        if {"IntegrityError", "ProgrammingError"} & {kind.__name__ for kind in type(error).__mro__}:
            return error
        return StorageUnavailable(f"{type(error).__name__}: {error}")


def check_storable(parameters: Mapping[str, Any]) -> None:
    """Raise `UnicodeEncodeError` for a NUL in a text."""
    for value in parameters.values():
        if type(value) is str and "\0" in value:
            at = value.index("\0")
            raise UnicodeEncodeError("utf-8", value, at, at + 1, "no database keeps NUL")


def storable(text: str) -> str:
    """Return a text for people with what cannot be stored written as an escape."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
