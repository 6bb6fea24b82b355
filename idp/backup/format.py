"""The file: gzip over lines of JSON, so that it needs nothing of ours to be read in ten years.

    {"format": "signet-backup", "version": 1, "schema": "0003", "program": ..., "made_at": ..., "issuer": ...}
    {"table": "accounts", "columns": ["account_id", ...]}
    ["5f2e...", ...]                    a row: bytes as {"base64": ...}, instants as Unix seconds, JSON columns as text
    {"rows": {"accounts": 1, ...}, "sha256": ...}

The digest is over every byte before the last line. It tells damage; it is no signature.
"""

import base64
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import IO, Any

FORMAT = "signet-backup"
VERSION = 1
# Digests, which most of a backup is, do not get smaller by trying harder.
COMPRESSION_LEVEL = 1
# A row holds records that are bounded far below this; a longer line is no row.
LONGEST_LINE_BYTES = 16 * 1024 * 1024
Row = Sequence[Any]


class UnusableBackup(Exception):
    """The file is no backup, or not a whole one, or made by a newer program; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the file says of itself. `schema` is the revision of the tables, `made_at` the moment of the snapshot in
    Unix seconds."""

    schema: str
    program: str
    made_at: int
    issuer: str


@dataclass(frozen=True, slots=True)
class Section:
    """One table: its rows must be taken before the next section is."""

    table: str
    columns: tuple[str, ...]
    rows: Iterator[list[Any]]


class Writer:
    """Writes a backup to a stream of bytes, which stays open."""

    def __init__(self, stream: IO[bytes], header: Header) -> None:
        self._gzip = gzip.GzipFile(filename="", mode="wb", compresslevel=COMPRESSION_LEVEL, fileobj=stream, mtime=0)
        self._digest = hashlib.sha256()
        self._rows: dict[str, int] = {}
        self._write([{"format": FORMAT, "version": VERSION, **asdict(header)}])

    def write_table(self, name: str, columns: Sequence[str], pages: Iterable[Sequence[Row]]) -> int:
        """Write a table, page by page, and return how many rows it has."""
        self._write([{"table": name, "columns": list(columns)}])
        count = 0
        for page in pages:
            self._write(page)
            count += len(page)
        self._rows[name] = count
        return count

    def finish(self) -> Mapping[str, int]:
        """Write the end, without which the file counts as damaged; return the rows of each table."""
        self._write([{"rows": self._rows, "sha256": self._digest.hexdigest()}])
        self._gzip.close()
        return self._rows

    def _write(self, values: Iterable[Any]) -> None:
        lines = "".join(
            [_encode(value if isinstance(value, dict) else list(value)) + "\n" for value in values]
        ).encode()
        self._digest.update(lines)
        self._gzip.write(lines)


class Reader:
    """Reads a backup from a stream of bytes that can be rewound. Whatever is wrong raises `UnusableBackup`, at the
    latest where the file ends: only after that is it known to be whole."""

    def __init__(self, stream: IO[bytes]) -> None:
        stream.seek(0)
        self._lines = io.BufferedReader(gzip.GzipFile(fileobj=stream, mode="rb"), 1024 * 1024)
        self._digest = hashlib.sha256()
        self._rows: dict[str, int] = {}
        self._next = b""
        self.header = _parse_header(self._advance())

    def sections(self) -> Iterator[Section]:
        """Yield the tables in their order, then check the end."""
        self._advance()
        while True:
            found = _object(self._next)
            if "sha256" in found:
                self._check_end(found)
                return
            try:
                name, columns = str(found["table"]), tuple(map(str, found["columns"]))
            except (KeyError, TypeError):
                raise UnusableBackup("a table begins without its name and columns") from None
            if name in self._rows:
                raise UnusableBackup(f"the table {name} is there twice")
            rows = self._take_rows(name, len(columns))
            yield Section(name, columns, rows)
            for _ in rows:
                pass

    def _take_rows(self, name: str, width: int) -> Iterator[list[Any]]:
        self._rows[name] = 0
        while (line := self._advance()).startswith(b"["):
            row = _decode(line)
            if len(row) != width:
                raise UnusableBackup(f"a row of {name} has {len(row)} columns instead of {width}")
            self._rows[name] += 1
            yield row

    def _advance(self) -> bytes:
        """Return the next line; what is before it counts towards the digest."""
        self._digest.update(self._next)
        self._next = self._read_line()
        return self._next

    def _read_line(self) -> bytes:
        try:
            line = self._lines.readline(LONGEST_LINE_BYTES)
        except (EOFError, gzip.BadGzipFile, zlib.error) as fault:
            raise UnusableBackup(f"it is damaged, cut short, or no backup at all ({fault})") from None
        if not line.endswith(b"\n"):
            raise UnusableBackup("it is cut short")
        return line

    def _check_end(self, end: Mapping[str, Any]) -> None:
        if end["sha256"] != self._digest.hexdigest() or end.get("rows") != self._rows:
            raise UnusableBackup("it is damaged: its digest or its number of rows is not what its end says")
        try:
            rest = self._lines.read(1)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            rest = b"?"
        if rest:
            raise UnusableBackup("something follows its end")


def _encode_bytes(value: object) -> dict[str, str]:
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(value).decode()}
    raise TypeError(type(value).__name__)


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, default=_encode_bytes).encode


def _decode(line: bytes) -> list[Any]:
    try:
        row: list[Any] = json.loads(line)
        return [base64.b64decode(value["base64"]) if type(value) is dict else value for value in row]
    except (ValueError, RecursionError, KeyError, TypeError):
        raise UnusableBackup("a row cannot be read") from None


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UnusableBackup("it has a line that is neither a row nor the head of a table")
    return found


def _parse_header(line: bytes) -> Header:
    found = _object(line)
    if found.get("format") != FORMAT:
        raise UnusableBackup("it is no backup of this program")
    if found.get("version") != VERSION:
        raise UnusableBackup(f"its format is version {found.get('version')}; this program reads version {VERSION}")
    try:
        return Header(
            schema=str(found["schema"]),
            program=str(found["program"]),
            made_at=int(found["made_at"]),
            issuer=str(found["issuer"]),
        )
    except (KeyError, TypeError, ValueError):
        raise UnusableBackup("its first line lacks what it must say") from None
