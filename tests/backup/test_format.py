"""The file of a backup: whole, or noticed."""

import gzip
import io
import json
from typing import Any

import pytest

from idp.backup import format as backup_format
from idp.backup.format import Header, Reader, UnusableBackup, Writer

HEADER = Header(schema="0003", program="1", made_at=1_800_000_000, issuer="https://idp.example")
ROWS: list[list[Any]] = [["a", 1, None, True, b"\x00\xff"], ['ü\n"', 2**62, None, False, b""]]


def written() -> bytes:
    """Return a small backup."""
    stream = io.BytesIO()
    writer = Writer(stream, HEADER)
    writer.write_table("first", ["text", "number", "nothing", "flag", "octets"], [ROWS[:1], ROWS[1:]])
    writer.write_table("empty", ["x"], [])
    writer.finish()
    return stream.getvalue()


def read(octets: bytes) -> tuple[Header, dict[str, list[list[Any]]]]:
    """Read a backup to its end."""
    reader = Reader(io.BytesIO(octets))
    return reader.header, {section.table: list(section.rows) for section in reader.sections()}


def packed(*lines: Any) -> bytes:
    """Return lines as a file."""
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    return gzip.compress(text.encode(), mtime=0)


def unpacked() -> list[str]:
    """Return the lines of a good file."""
    return gzip.decompress(written()).decode().splitlines()


def test_everything_comes_back_as_it_was() -> None:
    """Texts, instants, nothing, flags and octets."""
    assert read(written()) == (HEADER, {"first": ROWS, "empty": []})


def test_rows_that_nobody_takes_still_count() -> None:
    """A reader that skips a table is still told of damage."""
    reader = Reader(io.BytesIO(written()))
    assert [section.table for section in reader.sections()] == ["first", "empty"]


def test_file_cut_short_is_noticed_wherever_it_is_cut() -> None:
    """At every single byte."""
    whole = written()
    for length in range(len(whole)):
        with pytest.raises(UnusableBackup):
            read(whole[:length])


def test_every_flipped_bit_of_what_is_said_is_noticed() -> None:
    """In the content; the time and system in gzip's own head mean nothing."""
    whole = written()
    for place in range(10, len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        with pytest.raises(UnusableBackup):
            read(bytes(damaged))


def test_changed_content_is_noticed_in_a_good_container() -> None:
    """A line left out, doubled, changed or added, packed anew."""
    lines = unpacked()
    for place in range(1, len(lines) - 1):
        for changed in (lines[:place] + lines[place + 1 :], lines[: place + 1] + lines[place:]):
            with pytest.raises(UnusableBackup):
                read(packed(*changed))
    with pytest.raises(UnusableBackup, match="damaged"):
        read(packed(*[line.replace('"a"', '"b"') for line in lines]))
    with pytest.raises(UnusableBackup, match="follows"):
        read(packed(*lines, "[]"))


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"", "cut short"),
        (b"SQLite format 3\0" * 50, "no backup"),
        (packed("hello"), "neither a row"),
        (packed([1]), "neither a row"),
        (packed({"format": "other"}), "no backup of this program"),
        (packed({"format": "signet-backup", "version": 2}), "version 2; this program reads version 1"),
        (packed({"format": "signet-backup", "version": 1}), "lacks"),
        (packed("[" * 100_000), "neither a row"),
    ],
)
def test_what_is_no_backup_is_said(octets: bytes, said: str) -> None:
    """Each with its own words, none of them a crash."""
    with pytest.raises(UnusableBackup, match=said):
        read(octets)


@pytest.mark.parametrize("row", ["[1", "[1,2,3,4]", "[" * 10_000, '[{"x":1},1,1,1,1]', '[{"base64":"="},1,1,1,1]'])
def test_row_that_cannot_be_one_is_refused(row: str) -> None:
    """Not JSON, too short, too deep, octets that are none."""
    lines = unpacked()
    with pytest.raises(UnusableBackup):
        read(packed(*lines[:2], row, *lines[3:]))


def test_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that unpacks into one endless line takes no more memory than a line may have."""
    monkeypatch.setattr(backup_format, "LONGEST_LINE_BYTES", 1_000)
    with pytest.raises(UnusableBackup, match="cut short"):
        read(packed("x" * 5_000))


def test_only_octets_have_a_form_of_their_own() -> None:
    """A value that JSON does not have is a fault of ours and shows at once."""
    with pytest.raises(TypeError):
        Writer(io.BytesIO(), HEADER).write_table("t", ["x"], [[[object()]]])
