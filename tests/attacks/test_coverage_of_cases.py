"""Every case of these groups of the catalogue is tested, or listed with what it waits for; numbers may have gaps."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
WAITING = TESTS.parent / "docs" / "cases-waiting.md"
NUMBER = re.compile(r"[A-Z]{2}-[0-9]{2}")
ROW = re.compile(r"^\| ([A-Z]{2}-[0-9]{2}) \| \S.* \|$", re.MULTILINE)
EXISTING = {
    "AZ": "01-10 12-16 18-29 31-34 37-39 41-58 60-64 66-68 70-74",
    "TK": "01 03-10 12 15 20-30 33-39 41 43 45-56 58-60",
    "JO": "01-07 09 10 12-32",
    "UI": "01-11 13 14 16 18 19",
    "LG": "01 03-06 10-17 19 20 22-26 29-43 45 47 48",
    "MF": "02 04 05 07-29",
    "SS": "02-10 12-18 20-23",
    "CR": "01 02 04 06 08-12 14-22",
    "RP": "01-10 12-14",
    "HT": "02-16 20-28 30-32",
    "OP": "02 05 06 08-10 12-14 16-28 31-44",
}


def existing() -> set[str]:
    """Return all case numbers of these groups."""
    found = set()
    for group, ranges in EXISTING.items():
        for part in ranges.split():
            first, _, last = part.partition("-")
            found |= {f"{group}-{number:02}" for number in range(int(first), int(last or first) + 1)}
    return found


def marked(source: str) -> Iterator[str]:
    """Yield the case numbers of `pytest.mark.case(...)` and of the variants made by `case(...)`."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "case":
            texts = (argument.value for argument in node.args if isinstance(argument, ast.Constant))
            yield from (text for text in texts if isinstance(text, str) and NUMBER.fullmatch(text))


@cache
def covered() -> frozenset[str]:
    """Return the numbers that some test of this project is marked with."""
    return frozenset(number for path in TESTS.rglob("test_*.py") for number in marked(path.read_text("utf-8")))


def listed() -> tuple[set[str], set[str]]:
    """Return the numbers that wait, and those that are tested in part; each row says for what."""
    waiting, heading, partly = WAITING.read_text("utf-8").partition("## Tested in part")
    assert heading
    found = ROW.findall(waiting), ROW.findall(partly)
    assert all(len(set(rows)) == len(rows) for rows in found)
    return set(found[0]), set(found[1])


def test_marks_are_found() -> None:
    """The collector sees decorators, variants and several numbers, and no other strings."""
    source = '@pytest.mark.case("AZ-01", "AZ-02")\ndef test(): [case("TK-03", "AZ-04x"), other("AZ-05")]'
    assert sorted(marked(source)) == ["AZ-01", "AZ-02", "TK-03"]


@pytest.mark.parametrize("group", sorted(EXISTING))
def test_every_case_is_tested_or_waits(group: str) -> None:
    """No case of the group is forgotten, and none that has its test still waits."""
    numbers = {number for number in existing() if number.startswith(group)}
    waiting, _ = listed()
    assert sorted(numbers - covered() - waiting) == []
    assert sorted(numbers & covered() & waiting) == []


def test_nothing_else_is_listed_or_marked() -> None:
    """Rows and marks have numbers that exist, and what is listed as tested in part is tested."""
    waiting, partly = listed()
    assert sorted((waiting | partly) - existing()) == []
    assert sorted(partly - covered()) == []
    assert sorted(number for number in covered() - existing() if number[:2] in EXISTING) == []
