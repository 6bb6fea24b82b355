"""The ledger under a few kills; hundreds of them are run by hand."""

from pathlib import Path

import pytest

from tests.ledger.__main__ import run
from tests.ledger.book import Ledger, Life


@pytest.mark.case("OP-13")
def test_nothing_acknowledged_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    """Over SQLite, the instance killed three times."""
    check = run(tmp_path, kills=3, most_seconds=0.4)
    assert not check.wrong
    assert check.checked > 2


def test_what_follows_from_the_lines(tmp_path: Path) -> None:
    """What was tried and not answered may be either; what was answered is so."""
    ledger = Ledger(tmp_path / "ledger")
    ledger.write(1, "signed_in", username="ada", cookies={}, code="c")
    ledger.write(1, "redeems")
    ledger.write(2, "registered", client={"client_id": "x"})
    assert ledger.lives() == [
        Life(1, username="ada", code="c", redeemed="maybe"),
        Life(2, client={"client_id": "x"}),
    ]
    ledger.write(1, "redeemed", refresh_token="r1")
    ledger.write(1, "refreshes")
    ledger.write(1, "refreshed", refresh_token="r2")
    ledger.write(1, "signs_out")
    assert ledger.lives() == [Life(1, redeemed="yes", head="r2", spent=["r1"], signed_out="maybe")]
    ledger.close()
